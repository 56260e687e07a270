const newline = 0x0a;
const carriageReturn = 0x0d;
const none = Buffer.alloc(0);

/** A line and what of the chunk is behind it; `more` is needed for one; or it is longer than the limit. */
export type LineStep = { line: Buffer; rest: Buffer } | 'more' | 'too long';

/**
 * Cuts a stream of bytes into lines. Holds at most one unfinished line, in one buffer of at most the limit (and one
 * byte, for the CR of a CRLF), whatever the size of the chunks.
 */
export class LineReader {
  readonly #maxBytes: number;
  #held = none;
  #heldBytes = 0;

  /** A line above `maxBytes`, its CRLF or LF not counted, is too long. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The first line that ends in this chunk; keeps the chunk when none does. */
  next(chunk: Buffer): LineStep {
    const at = chunk.indexOf(newline);
    const part = at === -1 ? chunk : chunk.subarray(0, at);
    if (this.#heldBytes + part.length > this.#maxBytes + 1) return 'too long';
    if (at === -1) {
      this.#hold(part);
      return 'more';
    }
    return this.#finish(part, chunk.subarray(at + 1));
  }

  /** What is left when the stream ends: a line without its newline, often empty. */
  last(): LineStep {
    return this.#finish(none, none);
  }

  #finish(part: Buffer, rest: Buffer): LineStep {
    if (this.#heldBytes > 0) this.#hold(part);
    const whole = this.#heldBytes > 0 ? this.#held.subarray(0, this.#heldBytes) : part;
    this.#held = none;
    this.#heldBytes = 0;
    const line = whole.at(-1) === carriageReturn ? whole.subarray(0, -1) : whole;
    return line.length > this.#maxBytes ? 'too long' : { line, rest };
  }

  #hold(part: Buffer): void {
    const bytes = this.#heldBytes + part.length;
    if (bytes > this.#held.length) {
      const roomier = Buffer.allocUnsafeSlow(Math.min(Math.max(2 * this.#held.length, bytes), this.#maxBytes + 1));
      this.#held.copy(roomier, 0, 0, this.#heldBytes);
      this.#held = roomier;
    }
    part.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
  }
}
