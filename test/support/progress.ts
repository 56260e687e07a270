/** Where progress is shown, and by which clock; a test brings its own. */
interface Surroundings {
  stream: { isTTY?: boolean; write(text: string): unknown };
  /** Milliseconds. */
  uptime(): number;
}

const drawnEveryMs = 200;
const saidEveryMs = 10_000;

/** How far a long run is: on a terminal in place, else a line at most every ten seconds. */
export class Progress {
  readonly #what: string;
  readonly #stream: Surroundings['stream'];
  readonly #uptime: () => number;
  readonly #everyMs: number;
  readonly #startedMs: number;
  #shownMs: number;

  /** `what` is counted: `frames`. */
  constructor(
    what: string,
    { stream, uptime }: Surroundings = { stream: process.stderr, uptime: () => performance.now() },
  ) {
    this.#what = what;
    this.#stream = stream;
    this.#uptime = uptime;
    this.#everyMs = stream.isTTY ? drawnEveryMs : saidEveryMs;
    this.#startedMs = this.#shownMs = uptime();
  }

  tell(done: number, total: number): void {
    const nowMs = this.#uptime();
    if (nowMs - this.#shownMs < this.#everyMs) return;
    this.#shownMs = nowMs;
    const percent = Math.floor((done / total) * 100);
    const seconds = Math.ceil((((nowMs - this.#startedMs) / done) * (total - done)) / 1000);
    const text = `${done} of ${total} ${this.#what}, ${percent} %, ${seconds} s left`;
    this.#stream.write(this.#stream.isTTY ? `\r${text}\u001b[K` : `${text}\n`);
  }

  /** What comes next has a line of its own. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[K');
  }
}
