import type { Clock } from '../clock.ts';
import { closeCodes, type Transport } from '../transports/transport.ts';
import { Connection, type ConnectionListener } from './connection.ts';
import { messageOf } from './errors.ts';

export interface LinkOptions {
  dial(options: { signal: AbortSignal }): Promise<Transport>;
  clock: Clock;
  opened(): void;
  listener: ConnectionListener;
}

/** A session's one connection, or the attempt to make it: what is not the newest of either is heard no more. */
export class Link {
  /** What the last attempt failed with, until there is a welcome. */
  failure: unknown;
  readonly #options: LinkOptions;
  #attempt: AbortController | undefined;
  #connection: Connection | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  dial(): void {
    const { dial, listener } = this.#options;
    const attempt = new AbortController();
    this.#attempt = attempt;
    // Not inside the chart's effect: an embedder's dial may start machines of its own. A dial that throws has failed like one
    // that rejects.
    const dialing = Promise.resolve().then(() => {
      attempt.signal.throwIfAborted();
      return dial({ signal: attempt.signal });
    });
    dialing.then(
      (transport) => {
        if (this.#attempt === attempt) this.#open(transport);
        else transport.close(closeCodes.goodbye);
      },
      (failure: unknown) => {
        if (this.#attempt !== attempt) return;
        this.failure = failure;
        listener.lost(closeCodes.broken, messageOf(failure));
      },
    );
  }

  /** Gives the attempt or the handshake up, and tells of its loss. */
  abandon(why: string): void {
    this.failure = new Error(why);
    this.drop(closeCodes.goodbye, 'timed out');
    this.#options.listener.lost(closeCodes.broken, why);
  }

  /** Lets go of whatever there is, without a word. */
  drop(code: Parameters<Connection['close']>[0], reason: string): void {
    const attempt = this.#attempt;
    const connection = this.#connection;
    this.#attempt = this.#connection = undefined;
    attempt?.abort();
    connection?.close(code, reason);
  }

  #open(transport: Transport): void {
    const { clock, listener, opened } = this.#options;
    const connection = new Connection(transport, clock);
    this.#connection = connection;
    connection.listen({
      heard: (frame, chars) => this.#connection === connection && listener.heard(frame, chars),
      garbled: (problem) => this.#connection === connection && listener.garbled(problem),
      lost: (code, reason) => {
        if (this.#connection !== connection) return;
        this.failure ??= new Error(`the connection was closed before the welcome (${`${code} ${reason}`.trim()})`);
        listener.lost(code, reason);
      },
    });
    opened();
  }
}
