import type { Transport } from '../../../src/transports/transport.ts';
import type { Frame } from '../../support/peer.ts';
import { tokens } from '../../support/runtime.ts';
import { fault, type Shape } from './shape.ts';

export interface Deferred<Value> {
  promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: Error): void;
}

/** What a request failed with, as an SDK throws it. */
export class SdkError extends Error {
  readonly code: string;
  readonly details: unknown;

  constructor({ code, message = '', details }: { code: string; message?: string; details?: unknown }) {
    super(`${code}: ${message}`);
    this.code = code;
    this.details = details;
  }
}

/** A job as its submitter holds it. */
export class SdkJob {
  readonly id: string;
  readonly accepted: Frame;
  readonly events: { kind: string; body: unknown }[] = [];
  readonly end = deferred<unknown>();

  constructor(accepted: Frame) {
    this.id = String(accepted.payload.job_id);
    this.accepted = accepted;
  }

  get done(): Promise<unknown> {
    return this.end.promise;
  }
}

/** Where to come back to. */
export interface Ticket {
  session_id: string;
  resume_token: string;
  last_event_seq: number;
}

/**
 * A client of an SDK, as far as its source decides what it needs of a runtime: what it says, what it can read, how it finds
 * the request that a frame answers, and what an error does to the rest. Written from the sources in our own words; each
 * subclass says where its SDK differs. What the real one would drop, or trip over, is in `unread`.
 */
export abstract class SdkClient {
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  readonly unread: string[] = [];
  readonly closed: Promise<{ code: number }>;
  welcome: Frame | undefined;
  lastSeq = 0;
  protected readonly pending: { id: string; accepted: Deferred<SdkJob> }[] = [];
  protected readonly jobs = new Map<string, SdkJob>();
  readonly #transport: Transport;
  readonly #handshake = deferred<Frame>();
  #waiters: (() => void)[] = [];

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onMessage((data) => this.#receive(String(data)));
    this.closed = new Promise((resolve) => {
      transport.onClose((code) => {
        this.#handshake.reject(new Error(`closed with ${code} before the welcome`));
        resolve({ code });
      });
    });
  }

  /** What it takes for the last event while it has had none. */
  protected readonly beforeFirst: number = 0;
  /** Its envelope ids. */
  protected abstract newId(): string;
  /** What its decoder takes of each frame type it knows. */
  protected abstract readonly reads: Readonly<Record<string, Shape>>;
  /** What its decoder takes of any envelope. */
  protected abstract readonly envelope: Shape;

  connect(ticket?: Ticket): Promise<Frame> {
    this.lastSeq = ticket?.last_event_seq ?? this.beforeFirst;
    this.send('session.hello', this.hello(ticket));
    return this.#handshake.promise;
  }

  submit(agent: string, payload: object = {}, trace?: string): Promise<SdkJob> {
    const accepted = deferred<SdkJob>();
    const id = this.send('job.submit', { agent, ...payload }, trace === undefined ? {} : { trace_id: trace });
    this.pending.push({ id, accepted });
    return accepted.promise;
  }

  cancel(jobId: string): void {
    this.send('job.cancel', { reason: 'enough' }, { job_id: jobId });
  }

  /** Sends a request and waits for whatever answers it. */
  ask(type: string, payload: object, envelope: object = {}): Promise<Frame> {
    const id = this.send(type, payload, envelope);
    return this.heard((frame) => frame.payload.request_id === id);
  }

  /** Its own way to leave. */
  close(): void {
    this.send('session.bye', { reason: 'client close' });
  }

  /** A broken cable. */
  drop(): void {
    this.#transport.close(1006, '');
  }

  get ticket(): Ticket {
    const { session_id = '', payload } = this.welcome ?? { payload: {} };
    return { session_id, resume_token: String(payload.resume_token), last_event_seq: this.lastSeq };
  }

  send(type: string, payload: object, envelope: object = {}): string {
    const id = this.newId();
    const session = this.welcome === undefined ? {} : { session_id: this.welcome.session_id };
    this.#transport.send(JSON.stringify({ arcp: '1.1', id, type, ...session, ...this.extra(), ...envelope, payload }));
    return id;
  }

  /** Resolves once a frame has come in that a condition holds of. */
  async heard(wanted: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  protected extra(): object {
    return {};
  }

  protected hello(ticket: Ticket | undefined): object {
    return {
      client: { name: 'sdk', version: '1.0.0' },
      auth: { scheme: 'bearer', token: tokens.alice },
      capabilities: { encodings: ['json'], features: this.features },
      ...(ticket === undefined ? {} : { resume: ticket }),
    };
  }

  protected readonly features = [
    'heartbeat',
    'ack',
    'list_jobs',
    'subscribe',
    'lease_expires_at',
    'cost.budget',
    'model.use',
    'progress',
    'result_chunk',
    'agent_versions',
  ];

  #receive(raw: string): void {
    const frame: Frame = JSON.parse(raw);
    this.frames.push(frame);
    this.texts.push(raw);
    const shape = this.reads[frame.type];
    const wrong = fault(frame, this.envelope) ?? (shape && fault(frame.payload, shape));
    if (wrong !== undefined) this.unread.push(`${frame.type}: ${wrong}`);
    else {
      if (frame.event_seq !== undefined) this.lastSeq = frame.event_seq;
      this.dispatch(frame);
    }
    for (const wake of this.#waiters.splice(0)) wake();
  }

  protected dispatch(frame: Frame): void {
    if (frame.type === 'session.welcome') {
      this.welcome = frame;
      this.#handshake.resolve(frame);
    } else if (frame.type === 'session.ping') {
      this.send('session.pong', { ping_nonce: frame.payload.nonce, received_at: new Date().toISOString() });
    } else if (frame.type === 'session.error') {
      if (this.welcome === undefined) this.refusedHello(new SdkError(frame.payload));
      else this.sessionError(frame);
    } else if (frame.type === 'job.accepted') this.accepted(frame);
    else if (frame.type === 'job.event') this.jobs.get(frame.job_id ?? '')?.events.push(frame.payload);
    else if (frame.type === 'job.result') this.jobs.get(frame.job_id ?? '')?.end.resolve(this.resultOf(frame));
    else if (frame.type === 'job.error') this.jobError(frame);
  }

  protected refusedHello(error: SdkError): void {
    this.#handshake.reject(error);
  }

  /** A request's error: by default, of all that is under way. */
  protected sessionError(frame: Frame): void {
    this.failAll(new SdkError(frame.payload));
  }

  /** Most take the oldest submit for the one that was accepted. */
  protected accepted(frame: Frame): void {
    this.begin(this.pending.shift(), frame);
  }

  protected begin(pending: { accepted: Deferred<SdkJob> } | undefined, frame: Frame): void {
    const job = new SdkJob(frame);
    this.jobs.set(job.id, job);
    pending?.accepted.resolve(job);
  }

  protected jobError(frame: Frame): void {
    this.jobs.get(frame.job_id ?? '')?.end.reject(new SdkError(frame.payload));
  }

  protected resultOf(frame: Frame): unknown {
    return frame.payload.result;
  }

  protected failAll(error: Error): void {
    for (const { accepted } of this.pending.splice(0)) accepted.reject(error);
    for (const job of this.jobs.values()) job.end.reject(error);
  }
}

export function deferred<Value>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whether anybody looks is the test's affair.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
