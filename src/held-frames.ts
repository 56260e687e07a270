/** Frames that may wait behind a handshake that takes its time; together twice the longest frame. */
const framesMax = 256;

/** What came in behind a hello or resume that waits for an authenticator, or for the store: it is read afterwards, in order (§4). */
export class HeldFrames {
  readonly #charsMax: number;
  #texts: string[] | undefined;
  #chars = 0;

  constructor(maxFrameBytes: number) {
    this.#charsMax = 2 * maxFrameBytes;
  }

  get isHolding(): boolean {
    return this.#texts !== undefined;
  }

  begin(): void {
    this.#texts = [];
    this.#chars = 0;
  }

  /** Takes a frame that has to wait; false where too much does. */
  take(text: string): boolean {
    this.#chars += text.length;
    if (!this.#texts || this.#texts.length >= framesMax || this.#chars > this.#charsMax) return false;
    this.#texts.push(text);
    return true;
  }

  /** Has the frames read, until `read` says otherwise, or one of them is held in its turn: what is left waits behind it. */
  end(read: (text: string) => 'go on' | 'stop'): void {
    const texts = this.#texts ?? [];
    this.#texts = undefined;
    for (let text = texts.shift(); text !== undefined; text = texts.shift()) {
      if (read(text) === 'stop') return;
      if (this.isHolding) {
        this.#texts = texts;
        return;
      }
    }
  }
}
