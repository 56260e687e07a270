import { dial } from '../../transports/dial.ts';
import type { Transport } from '../../transports/transport.ts';

/** How long any one thing is waited for before the story is over. */
const patienceMs = 20_000;

/** A frame as it came: its text, and what of it the story looks at. */
export interface Heard {
  text: string;
  type: string;
  session_id?: string;
  job_id?: string;
  event_seq?: number;
  payload: {
    request_id?: string;
    resume_token?: string;
    code?: string;
    details?: { reason?: string; final_status?: string };
    final_status?: string;
    ts?: string;
    kind?: string;
    body?: { current?: number };
  };
}

/** One connection, spoken on by hand: nothing between the story and the wire. */
export class Wire {
  /** Every numbered frame, in the order it came. */
  readonly numbered: Heard[] = [];
  readonly #closed: Promise<number>;
  readonly #transport: Transport;
  readonly #token: string;
  #waiters: { wants(heard: Heard): boolean; resolve(heard: Heard): void }[] = [];
  #requests = 0;

  private constructor(transport: Transport, token: string) {
    this.#transport = transport;
    this.#token = token;
    this.#closed = new Promise((resolve) => transport.onClose((code) => resolve(code)));
    transport.onMessage((data) => this.#hear(String(data)));
  }

  static async open(url: string, token: string): Promise<Wire> {
    return new Wire(await dial(url), token);
  }

  /** Opens a session, or with `resume` comes back to one; the welcome, or the refusal. */
  hello(resume?: { resume_token: string; last_event_seq: number }): Promise<Heard> {
    return this.ask('session.hello', {
      client: { name: 'demo', version: '1' },
      auth: { scheme: 'bearer', token: this.#token },
      capabilities: { encodings: ['json'], features: ['progress'] },
      ...(resume === undefined ? {} : { resume }),
    });
  }

  /** Sends a request and waits for its answer. */
  ask(type: string, payload: object): Promise<Heard> {
    this.#requests += 1;
    const id = `req_${this.#requests}`;
    this.#transport.send(JSON.stringify({ arcp: '1.1', id, type, payload }));
    return this.next(`the answer to ${type}`, (heard) => heard.payload.request_id === id);
  }

  /** The next frame to come that is wanted. */
  next(what: string, wants: (heard: Heard) => boolean): Promise<Heard> {
    return within(what, new Promise((resolve) => this.#waiters.push({ wants, resolve })));
  }

  /** The frame of this number, come already or still to come. */
  async number(seq: number): Promise<Heard> {
    const is = (heard: Heard) => heard.event_seq === seq;
    return this.numbered.find(is) ?? (await this.next(`event ${seq}`, is));
  }

  /** The close code of its end, come already or still to come. */
  ended(): Promise<number> {
    return within('the end of the connection', this.#closed);
  }

  hangUp(): void {
    this.#transport.close(1006);
  }

  #hear(text: string): void {
    const heard: Heard = { ...JSON.parse(text), text };
    if (heard.event_seq !== undefined) this.numbered.push(heard);
    const ready = this.#waiters.filter((waiter) => waiter.wants(heard));
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const waiter of ready) waiter.resolve(heard);
  }
}

/** What is waited for, or the end of the story. */
export async function within<Value>(what: string, awaited: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${patienceMs / 1000} s`)), patienceMs);
  });
  return Promise.race([awaited, late]).finally(() => clearTimeout(timer));
}
