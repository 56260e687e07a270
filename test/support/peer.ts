import type { ConnectionFacts, Transport } from '../../src/transports/transport.ts';

/** Every feature that is built but heartbeats: time can be moved by hours and nobody has to answer pings. */
export const quietFeatures = ['ack', 'list_jobs', 'subscribe', 'progress', 'result_chunk', 'agent_versions'];

/** A frame as a test reads it. */
export interface Frame {
  arcp: string;
  id: string;
  type: string;
  session_id?: string;
  job_id?: string;
  trace_id?: string;
  event_seq?: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into payloads of every type, and an absent field is a failed expectation
  payload: any; // tidy: see above
}

/** A client that speaks frames by hand, so that a test reads as a transcript of the wire. */
export class Peer {
  /** Every frame that came in, in order, and its text as it came. */
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #transport: Transport;
  readonly #unread: Frame[] = [];
  #waiters: { wants: (frame: Frame) => boolean; resolve: (frame: Frame) => void; reject: (error: Error) => void }[] =
    [];
  #end: { code: number; reason: string } | undefined;
  #count = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onMessage((data) => this.#receive(String(data)));
    this.closed = new Promise((resolve) => {
      transport.onClose((code, reason) => {
        this.#end = { code, reason };
        for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#gone());
        resolve({ code, reason });
      });
    });
  }

  /** Sends a frame and returns its id. */
  send(type: string, payload: object = {}, envelope: object = {}): string {
    this.#count += 1;
    const id = `req_${this.#count}`;
    this.raw(JSON.stringify({ arcp: '1.1', id, type, payload, ...envelope }));
    return id;
  }

  raw(text: string): void {
    this.#transport.send(text);
  }

  /** The next frame not read yet of this type, or that a condition holds of; frames before it stay unread. */
  next(wanted: string | ((frame: Frame) => boolean)): Promise<Frame> {
    const wants = typeof wanted === 'string' ? (frame: Frame) => frame.type === wanted : wanted;
    const index = this.#unread.findIndex(wants);
    const [found] = index < 0 ? [] : this.#unread.splice(index, 1);
    if (found) return Promise.resolve(found);
    if (this.#end) return Promise.reject(this.#gone());
    return new Promise((resolve, reject) => this.#waiters.push({ wants, resolve, reject }));
  }

  /** The answer to a request, whatever its type. */
  reply(requestId: string): Promise<Frame> {
    return this.next((frame) => frame.payload.request_id === requestId);
  }

  /** Sends a request and waits for its answer. */
  ask(type: string, payload: object = {}, envelope: object = {}): Promise<Frame> {
    return this.reply(this.send(type, payload, envelope));
  }

  /** Everything the runtime had sent up to now has come in once this resolves. */
  async settle(): Promise<void> {
    await this.ask('session.ping', { nonce: 'settle' });
  }

  /** The sequenced frames seen on this connection. */
  sequenced(): Frame[] {
    return this.frames.filter((frame) => frame.event_seq !== undefined);
  }

  seqs(): (number | undefined)[] {
    return this.sequenced().map((frame) => frame.event_seq);
  }

  hello(token: string, options: { features?: string[]; payload?: object } = {}): Promise<Frame> {
    const { features = ['heartbeat', ...quietFeatures], payload } = options;
    const capabilities = { encodings: ['json'], features };
    const client = { name: 'peer', version: '1' };
    return this.ask('session.hello', { client, auth: { scheme: 'bearer', token }, capabilities, ...payload });
  }

  /** Resumes in the plain spelling: `session.resume` as the first frame. */
  resume(
    token: string,
    resume: { resume_token: string; last_event_seq?: unknown; session_id?: string },
  ): Promise<Frame> {
    return this.ask('session.resume', { auth: { scheme: 'bearer', token }, ...resume });
  }

  /** Leaves as a broken cable does: no goodbye frame. */
  drop(code = 1006): void {
    this.#transport.close(code, '');
  }

  #receive(text: string): void {
    const frame: Frame = JSON.parse(text);
    this.texts.push(text);
    this.frames.push(frame);
    const index = this.#waiters.findIndex((waiter) => waiter.wants(frame));
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    if (waiter) waiter.resolve(frame);
    else this.#unread.push(frame);
  }

  #gone(): Error {
    const seen = this.frames.map((frame) => frame.type).join(', ');
    return new Error(`the connection ended with ${this.#end?.code} ${this.#end?.reason}; it had brought: ${seen}`);
  }
}

/** Opens a connection to whatever is tested; a test never cares over which transport. */
export type OpenPeer = (facts?: ConnectionFacts) => Promise<Peer>;
