import type { HeldReplies, Ledger } from '../records/ledger.ts';
import type { RuntimeFrameType } from '../wire/messages.ts';

/** Replies a connection may have waiting for the store. */
const waitingMax = 10_000;

/** What promises nothing, and need not wait for a store that cannot write. */
const promisesNothing: ReadonlySet<string> = new Set<RuntimeFrameType>(['session.error', 'job.error', 'session.pong']);

export interface OutboxOptions {
  ledger: Ledger;
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Replies that waited have left. */
  left(): void;
}

interface Reply {
  type: RuntimeFrameType;
  text: string;
}

interface Goodbye {
  code: number;
  reason: string;
}

type Waiting = (Reply | Goodbye) & { position: number };

/**
 * The replies of one connection, in order, none of which leaves before what it promises is committed (src/records/ledger.ts): a
 * token, an accepted job, a cancel, a goodbye. While the store cannot write, errors and pongs pass the others, and a close
 * does not wait for the reply before it: else a client could not be told. Used only with a store that lasts.
 */
export class Outbox implements HeldReplies {
  readonly #options: OutboxOptions;
  #waiting: Waiting[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether a welcome still waits: nothing of the log may come before it. */
  get holdsWelcome(): boolean {
    return this.#waiting.some((entry) => 'type' in entry && entry.type === 'session.welcome');
  }

  get isFull(): boolean {
    return this.#waiting.length >= waitingMax;
  }

  reply(reply: Reply): void {
    // Nobody hears what is said behind a goodbye; and who waited with it must not be put behind those who waited for it.
    if (this.#goodbye) return;
    const { ledger, send } = this.#options;
    // Who has not been welcomed has no heartbeat to answer.
    if (reply.type === 'session.ping') return this.holdsWelcome ? undefined : send(reply.text);
    if (ledger.trouble && promisesNothing.has(reply.type)) return send(reply.text);
    this.#wait(reply);
  }

  /** Closes behind the replies that wait. */
  close(code: number, reason: string): void {
    if (this.#goodbye) return;
    const { ledger, close } = this.#options;
    if (this.#waiting.length === 0 || ledger.trouble) return this.#end(() => close(code, reason));
    this.#wait({ code, reason });
  }

  /** The connection has ended. */
  drop(): void {
    this.#end(() => {});
  }

  stamp(position: number): void {
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const entry = this.#waiting[index];
      if (!entry || entry.position !== Number.POSITIVE_INFINITY) break;
      entry.position = position;
    }
  }

  release(position: number): boolean {
    let left = 0;
    for (const entry of this.#waiting) {
      if (entry.position > position) break;
      left += 1;
      if (this.#leave(entry) === 'closed') return true;
    }
    if (left === 0) return this.#waiting.length === 0;
    this.#waiting.splice(0, left);
    this.#options.left();
    return this.#waiting.length === 0;
  }

  troubled(): void {
    const waiting = this.#waiting;
    const goodbye = this.#goodbye;
    this.#waiting = waiting.filter((entry) => !('type' in entry && promisesNothing.has(entry.type)));
    for (const entry of waiting) if ('type' in entry && promisesNothing.has(entry.type)) this.#leave(entry);
    if (goodbye) this.#end(() => this.#options.close(goodbye.code, goodbye.reason));
  }

  get #goodbye(): Goodbye | undefined {
    const last = this.#waiting.at(-1);
    return last && 'code' in last ? last : undefined;
  }

  #wait(entry: Reply | Goodbye): void {
    this.#waiting.push({ ...entry, position: Number.POSITIVE_INFINITY });
    this.#options.ledger.hold(this);
  }

  #leave(entry: Waiting): 'sent' | 'closed' {
    if ('text' in entry) {
      this.#options.send(entry.text);
      return 'sent';
    }
    this.#end(() => this.#options.close(entry.code, entry.reason));
    return 'closed';
  }

  #end(close: () => void): void {
    this.#waiting = [];
    this.#options.ledger.release(this);
    close();
  }
}
