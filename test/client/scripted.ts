import {
  type Client,
  type ClientState,
  type ConnectOptions,
  connect,
  type JobEvent,
  type StateChange,
} from '../../src/client.ts';
import { type MemoryTransport, memoryPair } from '../../src/transports/memory.ts';
import type { Transport } from '../../src/transports/transport.ts';
import { type Frame, Peer } from '../support/peer.ts';

const everything = ['heartbeat', 'ack', 'list_jobs', 'subscribe', 'progress', 'result_chunk', 'agent_versions'];

/** The runtime's end of a connection: whatever carries it, it can also send what is no frame. */
export type Playable = Transport & Pick<MemoryTransport, 'sendBytes'>;

/** The runtime's end of one connection, played by a test. */
export class Stage extends Peer {
  readonly #link: Playable;
  readonly sessionId = 'sess_1';

  constructor(link: Playable) {
    super(link);
    this.#link = link;
  }

  /** Closes with a code, as a runtime does. */
  end(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  bytes(bytes: Uint8Array): void {
    this.#link.sendBytes(bytes);
  }

  /** Awaits the hello, welcomes it, and returns it. */
  async welcome(payload: object = {}): Promise<Frame> {
    const hello = await this.next('session.hello');
    this.welcomeTo(hello, payload);
    return hello;
  }

  welcomeTo(hello: Frame, payload: object = {}): void {
    this.answer(hello, 'session.welcome', {
      session_id: this.sessionId,
      runtime: { name: 'scripted', version: '1' },
      resume_token: 'rt_1',
      resume_window_sec: 60,
      capabilities: { encodings: ['json'], features: everything.filter((name) => name !== 'heartbeat'), agents: [] },
      ...payload,
    });
  }

  /** Refuses a request, the hello included. */
  refuse(request: Frame, code: string, details?: object): void {
    this.answer(request, 'session.error', { code, message: `refused: ${code}`, retryable: false, details });
  }

  answer(request: Frame, type: string, payload: object = {}): void {
    const { id } = request;
    this.send(type, { ...payload, request_id: id, reply_to: id }, { id, session_id: this.sessionId });
  }

  /** Awaits a submit, accepts it as this job, and returns it. */
  async accept(jobId: string): Promise<Frame> {
    const submit = await this.next('job.submit');
    this.answer(submit, 'job.accepted', { job_id: jobId, agent: 'counter@1.0.0', lease: {}, accepted_at: 'now' });
    return submit;
  }

  event(jobId: string, seq: number, content: object = {}): void {
    const payload = { kind: 'log', ts: 'now', body: { level: 'info', message: `event ${seq}` }, ...content };
    this.send('job.event', payload, { session_id: this.sessionId, job_id: jobId, event_seq: seq });
  }

  events(jobId: string, from: number, to: number): void {
    for (let seq = from; seq <= to; seq += 1) this.event(jobId, seq);
  }

  result(jobId: string, seq: number, payload: object = { result: { done: seq } }): void {
    const common = { job_id: jobId, final_status: 'success', completed_at: 'now' };
    this.send('job.result', { ...common, ...payload }, { session_id: this.sessionId, job_id: jobId, event_seq: seq });
  }

  failure(jobId: string, seq: number, code: string): void {
    const payload = {
      job_id: jobId,
      final_status: 'error',
      code,
      message: 'it failed',
      retryable: true,
      completed_at: 'now',
    };
    this.send('job.error', payload, { session_id: this.sessionId, job_id: jobId, event_seq: seq });
  }

  /** Everything sent up to now has reached the client once this resolves. */
  async delivered(client: Client): Promise<void> {
    const pinging = client.ping();
    await this.catchUp();
    await pinging;
  }

  /** Awaits the ping that shows the new token arrived, and answers it: the client has caught up. */
  async catchUp(): Promise<void> {
    const ping = await this.next('session.ping');
    this.answer(ping, 'session.pong', { ping_nonce: ping.payload.nonce, received_at: 'now' });
  }
}

/** A place to dial, where the test is the runtime. */
export const theatre = () => new Theatre();

class Theatre {
  /** How often a client has dialled. */
  dials = 0;
  /** Every state the client told of, in order. */
  readonly states: StateChange[] = [];
  readonly #stages: Stage[] = [];
  readonly #waiters: ((stage: Stage) => void)[] = [];
  #seen = 0;
  #told = () => {};
  #failure: Error | undefined;

  names(): ClientState[] {
    return this.states.map(({ state }) => state);
  }

  /** From now on nobody answers here; undefined: somebody does again. */
  unplug(failure: Error | undefined): void {
    this.#failure = failure;
  }

  /** The next connection made. */
  next(): Promise<Stage> {
    const stage = this.#stages.shift();
    return stage ? Promise.resolve(stage) : new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The next change to this state, after those awaited before; it may have come already. */
  async until(state: ClientState): Promise<StateChange> {
    for (;;) {
      const change = this.states[this.#seen];
      this.#seen += change ? 1 : 0;
      if (change?.state === state) return change;
      if (!change) {
        await new Promise<void>((resolve) => {
          this.#told = resolve;
        });
      }
    }
  }

  connect(options: Partial<ConnectOptions> = {}): Promise<Client> {
    return connect('ws://stage.test/arcp?secret=1', {
      token: 'tok-alice',
      random: () => 0,
      dial: async () => this.#dial(),
      onState: (change) => {
        this.states.push(change);
        this.#told();
      },
      ...options,
    });
  }

  #dial(): MemoryTransport {
    this.dials += 1;
    if (this.#failure) throw this.#failure;
    const [ours, theirs] = memoryPair();
    const stage = new Stage(theirs);
    const waiter = this.#waiters.shift();
    if (waiter) waiter(stage);
    else this.#stages.push(stage);
    return ours;
  }

  /** A client that is live, and the connection it is live on. */
  async live(options: Partial<ConnectOptions> = {}, welcome: object = {}) {
    const connecting = this.connect(options);
    const stage = await this.next();
    const hello = await stage.welcome(welcome);
    const client = await connecting;
    await this.until('live');
    return { client, stage, hello };
  }

  /** The same with a job of its own, `job_1`. */
  async running(options: Partial<ConnectOptions> = {}, welcome: object = {}) {
    const { client, stage } = await this.live(options, welcome);
    const submitting = client.submit('counter', { count: 5 });
    await stage.accept('job_1');
    return { client, stage, job: await submitting };
  }
}

/** Everything a job's iterator gives. */
export async function readAll(job: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of job) events.push(event);
  return events;
}

/** The next `count` events of a job. */
export async function readSome(job: AsyncIterable<JobEvent>, count: number): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  if (count === 0) return events;
  for await (const event of job) if (events.push(event) === count) break;
  return events;
}

export const seqsOf = (events: readonly JobEvent[]): number[] => events.map(({ seq }) => seq);

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
