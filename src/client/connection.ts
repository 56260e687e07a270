import type { Clock } from '../clock.ts';
import type { closeCodes, Transport } from '../transports/transport.ts';
import { type InboundFrame, readFrame } from './frames.ts';

/** What a connection tells its session. */
export interface ConnectionListener {
  /** A frame came in; `chars` is the length of its text. */
  heard(frame: InboundFrame, chars: number): void;
  /** Something came in that is no frame. */
  garbled(problem: string): void;
  lost(code: number, reason: string): void;
}

/** One transport of a client's session: texts to frames, and when something last came and went (`clock.uptime()`). */
export class Connection {
  lastInMs: number;
  lastOutMs: number;
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
    this.lastInMs = this.lastOutMs = clock.uptime();
  }

  listen(listener: ConnectionListener): void {
    this.#transport.onClose((code, reason) => listener.lost(code, reason));
    this.#transport.onMessage((data) => {
      this.lastInMs = this.#clock.uptime();
      const frame = typeof data === 'string' ? readFrame(data) : undefined;
      if (frame) listener.heard(frame, data.length);
      else listener.garbled(typeof data === 'string' ? 'a frame that makes no sense' : 'a binary frame');
    });
  }

  send(text: string): void {
    this.lastOutMs = this.#clock.uptime();
    this.#transport.send(text);
  }

  /** Browsers let a page close with 1000 or a code of 3000 and above, nothing else. */
  close(code: typeof closeCodes.goodbye | typeof closeCodes.heartbeatLost, reason: string): void {
    this.#transport.close(code, reason);
  }
}
