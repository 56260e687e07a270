/** Frames that may wait behind a request whose answer takes its time; together twice the longest frame. */
const framesMax = 256;

/** A frame that came in, and whether its sender can have had the welcome by then. */
export interface HeldFrame {
  text: string;
  sent: 'before welcome' | 'after welcome';
}

/**
 * What came in behind a request that is not answered yet: it is read afterwards, in order (§4). One wait may begin within
 * another, as that for the disk within that for an authenticator: what was held waits for both.
 */
export class HeldFrames {
  readonly #charsMax: number;
  #frames: HeldFrame[] | undefined;
  #chars = 0;
  #waits = 0;

  constructor(maxFrameBytes: number) {
    this.#charsMax = 2 * maxFrameBytes;
  }

  get isHolding(): boolean {
    return this.#frames !== undefined;
  }

  begin(): void {
    this.#waits += 1;
    if (this.#frames) return;
    this.#frames = [];
    this.#chars = 0;
  }

  /** Takes a frame that has to wait; false where too much does. */
  take(frame: HeldFrame): boolean {
    this.#chars += frame.text.length;
    if (!this.#frames || this.#frames.length >= framesMax || this.#chars > this.#charsMax) return false;
    this.#frames.push(frame);
    return true;
  }

  /** Has the frames read, until `read` says otherwise, or one of them is held in its turn: what is left waits behind it. */
  end(read: (frame: HeldFrame) => 'go on' | 'stop'): void {
    this.#waits -= 1;
    if (this.#waits > 0) return;
    const frames = this.#frames ?? [];
    this.#frames = undefined;
    for (let frame = frames.shift(); frame; frame = frames.shift()) {
      if (read(frame) === 'stop') return;
      if (this.isHolding) {
        this.#frames = frames;
        return;
      }
    }
  }
}
