const lineCharsMax = 320;
const linesShownMax = 48;

/** What was sent and received in one check, as a person reads it: no secret is in it, and long runs of events are folded. */
export class Transcript {
  readonly #lines: string[] = [];
  /** Secrets by what is shown instead. */
  readonly #names = new Map<string, string>();
  #events: { connection: number; count: number; from: unknown; to: unknown } | undefined;

  /** From now on `secret` is shown as `name`. */
  hide(secret: string, name: string): void {
    if (secret !== '') this.#names.set(secret, name);
  }

  /** A resume token that was given out: each has a number, so that an old one can be told from a new one. */
  hideResumeToken(token: unknown): void {
    if (typeof token !== 'string' || this.#names.has(token)) return;
    const count = [...this.#names.values()].filter((name) => name.startsWith('rt_')).length;
    this.hide(token, `rt_…${count + 1}`);
  }

  sent(connection: number, text: string): void {
    this.#add(`#${connection} → ${text}`);
  }

  received(connection: number, text: string, { type, seq }: { type: string; seq: unknown }): void {
    const run = this.#events;
    if (type === 'job.event' && run?.connection === connection) {
      this.#events = { ...run, count: run.count + 1, to: seq };
      return;
    }
    this.#add(`#${connection} ← ${text}`);
    if (type === 'job.event') this.#events = { connection, count: 0, from: seq, to: seq };
  }

  note(connection: number, text: string): void {
    this.#add(`#${connection} · ${text}`);
  }

  lines(): string[] {
    this.#fold();
    const lines = this.#lines;
    if (lines.length <= linesShownMax) return [...lines];
    const left = lines.length - linesShownMax;
    return [...lines.slice(0, 8), `… ${left} lines left out …`, ...lines.slice(8 + left)];
  }

  #add(line: string): void {
    this.#fold();
    const shown = this.#redacted(line);
    this.#lines.push(shown.length > lineCharsMax ? `${shown.slice(0, lineCharsMax)}…` : shown);
  }

  #fold(): void {
    const run = this.#events;
    this.#events = undefined;
    if (run && run.count > 0) {
      this.#lines.push(`#${run.connection} ← … ${run.count} more job.event, up to event_seq ${String(run.to)}`);
    }
  }

  #redacted(line: string): string {
    let shown = line;
    for (const [secret, name] of this.#names) {
      shown = shown.replaceAll(JSON.stringify(secret), JSON.stringify(name));
      // A very short one may be part of any word.
      if (secret.length >= 8) shown = shown.replaceAll(secret, name);
    }
    // What was never told to us as a secret, but looks like one.
    return shown.replace(/rt_[A-Za-z0-9+/=_-]{6,}/g, 'rt_…');
  }
}
