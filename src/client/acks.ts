import type { Clock } from '../clock.ts';

/** Events after which an ack goes out at once: well under a runtime's default back-pressure of 1,000. */
const ackEveryEvents = 256;
/** How long a received event waits for others to share its ack: keeps acks under 10 a second while little happens. */
const ackDelayMs = 100;

/** Tells the runtime how far the client has come (§6.5), a few events at a time. */
export class Acks {
  #ackedSeq: number;
  #takenSeq: number;
  #timer: unknown;
  readonly #clock: Clock;
  readonly #send: (seq: number) => void;

  constructor(lastEventSeq: number, { clock, send }: { clock: Clock; send: (seq: number) => void }) {
    this.#ackedSeq = this.#takenSeq = lastEventSeq;
    this.#clock = clock;
    this.#send = send;
  }

  took(seq: number): void {
    this.#takenSeq = seq;
    if (seq - this.#ackedSeq >= ackEveryEvents) this.flush();
    else this.#timer ??= this.#clock.setTimeout(() => this.flush(), ackDelayMs);
  }

  /** Sends what is due now. */
  flush(): void {
    this.stop();
    if (this.#takenSeq === this.#ackedSeq) return;
    this.#ackedSeq = this.#takenSeq;
    this.#send(this.#ackedSeq);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
