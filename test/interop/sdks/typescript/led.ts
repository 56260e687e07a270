import { spawn } from 'node:child_process';
import { Heard } from './heard.ts';
import type { Client, Envelope, JobHandle, JobSubscription, Sdk, SdkTransport } from './sdk.ts';

/** One call of the SDK's API: what it is made on, what it makes, and its arguments as the SDK has them. */
export interface Call {
  do: string;
  on?: string;
  as?: string;
  args?: Record<string, unknown>;
}

type Say = (line: object) => void;

/** What the calls have made, by the names that the test gave them. */
export class Led {
  readonly #sdk: Sdk;
  readonly #say: Say;
  readonly #clients = new Map<string, Client>();
  readonly #transports = new Map<string, Heard>();
  readonly #jobs = new Map<string, JobHandle>();
  readonly #watches = new Map<string, JobSubscription>();
  readonly #calls: Readonly<Record<string, (call: Required<Call>) => Promise<unknown>>> = {
    connect: (call) => this.#connect(call),
    close: ({ on, args }) => this.#client(on).close(text(args.reason)),
    drop: ({ on }) => named(this.#transports, on).close(),
    seen: async ({ on }) => {
      const { state, lastEventSeqObserved, isSessionBroken } = this.#client(on);
      return { session_id: state.id, phase: state.phase, seq: lastEventSeqObserved, broken: isSessionBroken };
    },
    submit: (call) => this.#submit(call),
    collect: async ({ on }) => String(await named(this.#jobs, on).collectChunks()),
    cancel: ({ on, args }) => this.#client(on).cancelJob(String(args.jobId), { reason: 'enough' }),
    ack: ({ on, args }) => this.#client(on).ack(Number(args.seq)),
    list: ({ on, args }) => this.#client(on).listJobs(record(args.filter), record(args.options)),
    subscribe: (call) => this.#subscribe(call),
    unsubscribe: ({ on }) => named(this.#watches, on).unsubscribe(),
  };

  constructor(sdk: Sdk, say: Say) {
    this.#sdk = sdk;
    this.#say = say;
  }

  async make({ do: name, on = '', as = '', args = {} }: Call): Promise<unknown> {
    const call = this.#calls[name];
    if (!call) throw new Error(`there is no call ${name}`);
    return call({ do: name, on, as, args });
  }

  /** An error as the SDK gave it: one of the protocol's, or another's text. */
  told(error: unknown): object {
    if (!(error instanceof this.#sdk.ARCPError)) return { other: String(error) };
    const { name, code, message, retryable, details } = error;
    return { name, code, message, retryable, details };
  }

  async #connect({ as, args: { url, program, resume, ...options } }: Required<Call>): Promise<object> {
    const opened = Array.isArray(program)
      ? this.#started(program.map(String))
      : await this.#sdk.WebSocketTransport.connect(String(url));
    const transport = new Heard(opened, (line) => this.#say({ of: as, ...line }));
    const client = new this.#sdk.ARCPClient({
      client: { name: 'driver', version: '1.0.0' },
      authScheme: 'bearer',
      logger: this.#logger(as),
      onHeartbeatLost: (error: unknown) => this.#say({ of: as, lost: String(error) }),
      onSessionBroken: (info: object) => this.#say({ of: as, lost: JSON.stringify(info) }),
      ...options,
    });
    for (const type of ['job.event', 'job.result', 'job.error']) {
      client.on(type, (envelope) => this.#take(as, envelope));
    }
    this.#clients.set(as, client);
    this.#transports.set(as, transport);
    const ticket = record(resume);
    const welcome = await (ticket ? client.resume(transport, ticket) : client.connect(transport));
    return { session_id: client.state.id, features: client.negotiatedFeatures, welcome };
  }

  /** A runtime in a process of its own, which is spoken to over its stdin and stdout, and ends with its input. */
  #started([command = '', ...args]: string[]): SdkTransport {
    return this.#sdk.StdioTransport.fromChild(spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  async #submit({ on, as, args }: Required<Call>): Promise<object> {
    const job = await this.#client(on).submit(args);
    this.#jobs.set(as, job);
    job.done.then(
      (result) => this.#say({ of: as, ended: 'result', result }),
      (error: unknown) => this.#say({ of: as, ended: 'error', error: this.told(error) }),
    );
    const { jobId, agent, lease, leaseConstraints, budget, credentials, traceId } = job;
    return { jobId, agent, lease, leaseConstraints, budget, credentials, traceId };
  }

  async #subscribe({ on, as, args }: Required<Call>): Promise<object> {
    const watch = await this.#client(on).subscribe(String(args.jobId), record(args.options));
    this.#watches.set(as, watch);
    return { jobId: watch.jobId, from: watch.subscribedFrom, replayed: watch.replayed };
  }

  /** Tells what a client hands to its own handlers, of each job: its events as the SDK decodes them, and its end. */
  #take(name: string, { type, job_id, payload }: Envelope): void {
    const of = `${name} ${job_id}`;
    if (type !== 'job.event') {
      this.#say({ of, ended: type, result: payload });
      return;
    }
    const kind = String(payload.kind);
    try {
      this.#say({ of, kind, body: this.#sdk.parseJobEventBody(kind, payload.body) });
    } catch (error) {
      this.#say({ of, kind, unread: String(error) });
    }
  }

  /** The SDK drops what it cannot read, and says so in its log alone. */
  #logger(of: string): object {
    const warn = ({ type = 'a frame' }: { type?: string }, message: string) =>
      this.#say({ of, unread: `${type}: ${message}` });
    return { warn, error: warn, info() {}, debug() {}, trace() {} };
  }

  #client(name: string): Client {
    return named(this.#clients, name);
  }
}

function named<Thing>(things: ReadonlyMap<string, Thing>, name: string): Thing {
  const found = things.get(name);
  if (found === undefined) throw new Error(`nothing is called ${name}`);
  return found;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function record(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null ? value : undefined;
}
