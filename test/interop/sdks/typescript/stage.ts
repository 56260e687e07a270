import { onTestFinished } from 'vitest';
import type { RuntimeOptions } from '../../../../src/index.ts';
import { puppet, tokens } from '../../../support/runtime.ts';
import { socketRuntime } from '../../../support/socket.ts';
import { type Cable, cableTo } from '../../../transports/cable.ts';
import { cast } from '../../dialects/stage.ts';
import type { Driver, Line } from '../driver.ts';
import { lead } from './program.ts';

/** What a `JobHandle` says of its job. */
export interface Accepted {
  jobId: string;
  agent: string;
  lease: object;
  leaseConstraints?: object;
  budget?: object;
  credentials?: { id: string; value: string }[];
  traceId?: string;
}

export interface Listed {
  jobs: { job_id: string; agent: string; status: string }[];
  nextCursor: string | null;
}

/** What a client knows of its session. */
export interface Seen {
  session_id: string;
  phase: string;
  /** The number of the last event that it has had. */
  seq: number;
  /** Whether a number was left out. */
  broken: boolean;
}

/** An `ARCPClient` in the driver's process, which comes over a cable that can be cut. */
export class SdkClient {
  readonly cable: Cable;
  readonly welcome: { resume_token: string; [field: string]: unknown };
  readonly features: string[];
  readonly #sdk: Driver;
  readonly #name: string;

  constructor(sdk: Driver, name: string, { cable, entered }: { cable: Cable; entered: unknown }) {
    this.#sdk = sdk;
    this.#name = name;
    this.cable = cable;
    ({ welcome: this.welcome, features: this.features } = Object(entered));
  }

  /** Makes a call of the client's own; `as` names what it gives. */
  call<Value = unknown>(name: string, args: object = {}, as = ''): Promise<Value> {
    return this.#sdk.call(name, { on: this.#name, as, args });
  }

  async submit(agent: string, options: object = {}): Promise<SdkJob> {
    const name = fresh('job');
    return new SdkJob(this.#sdk, name, {
      client: this.#name,
      accepted: await this.call('submit', { agent, ...options }, name),
    });
  }

  /** Makes a call of something that it has given. */
  on(thing: string, call: string): Promise<unknown> {
    return this.#sdk.call(call, { on: thing });
  }

  list(filter?: object, options?: object): Promise<Listed> {
    return this.call('list', { filter, options });
  }

  seen(): Promise<Seen> {
    return this.call('seen');
  }

  /** What to come back with: as an application would know it. */
  async ticket(): Promise<{ session_id: string; resume_token: string; last_event_seq: number }> {
    const { session_id, seq } = await this.seen();
    return { session_id, resume_token: this.welcome.resume_token, last_event_seq: seq };
  }

  /** The frames that the SDK's transport has given to it. */
  get frames() {
    return this.#sdk.frames(this.#name);
  }

  get seqs(): number[] {
    return this.frames.flatMap(({ event_seq = [] }) => event_seq);
  }

  heardFrame(wanted: (frame: NonNullable<Line['frame']>) => boolean): Promise<Line> {
    return this.#sdk.heard(({ of, frame }) => of === this.#name && frame !== undefined && wanted(frame));
  }

  /** Resolves once its transport, or its heartbeat, has told it that the connection is gone. */
  lost(): Promise<Line> {
    return this.#sdk.heard(({ of, lost }) => of === this.#name && lost !== undefined);
  }

  /** What it has handed to its own handlers of a job's events: so many of them, once they are there. */
  async events(jobId: string, count: number): Promise<{ kind: string | undefined; body: unknown }[]> {
    const of = `${this.#name} ${jobId}`;
    await this.#sdk.heard(() => this.#sdk.events(of).length >= count);
    return this.#sdk.events(of).map(({ kind, body }) => ({ kind, body }));
  }

  /** What it has handed to its own handlers of a job's end, or of one of the two. */
  ended(jobId: string, type?: 'job.result' | 'job.error'): Promise<Line> {
    const of = `${this.#name} ${jobId}`;
    return this.#sdk.heard((line) => line.of === of && line.ended !== undefined && line.ended === (type ?? line.ended));
  }
}

/** A `JobHandle` in the driver's process. */
export class SdkJob {
  readonly accepted: Accepted;
  readonly #sdk: Driver;
  readonly #name: string;
  readonly #client: string;

  constructor(sdk: Driver, name: string, { client, accepted }: { client: string; accepted: Accepted }) {
    this.#sdk = sdk;
    this.#name = name;
    this.#client = client;
    this.accepted = accepted;
  }

  get id(): string {
    return this.accepted.jobId;
  }

  /** What `done` has come to. */
  done(): Promise<Line> {
    return this.#sdk.ended(this.#name);
  }

  collected(): Promise<unknown> {
    return this.#sdk.call('collect', { on: this.#name });
  }

  /** All events of a job that has ended. */
  async events(): Promise<[string | undefined, unknown][]> {
    await this.done();
    return this.#sdk.events(`${this.#client} ${this.id}`).map(({ kind, body }) => [kind, body]);
  }
}

/** A runtime on a real socket, and clients of the SDK that come to it. */
export async function stage(
  checkout: string,
  { query = '', ...options }: Partial<RuntimeOptions> & { query?: string } = {},
) {
  const agent = puppet();
  const at = await socketRuntime({ ...options, agents: [agent.agent, ...cast, ...(options.agents ?? [])] });
  const sdk = lead(checkout);
  async function enter(args: object = {}): Promise<SdkClient> {
    const cable = await cableTo(Number(new URL(at.url).port));
    onTestFinished(() => cable.end());
    const name = fresh('client');
    const url = `ws://127.0.0.1:${cable.port}/arcp${query}`;
    const entered = await sdk.call('connect', { as: name, args: { url, token: tokens.alice, ...args } });
    return new SdkClient(sdk, name, { cable, entered });
  }
  return { ...at, agent, sdk, enter, client: await enter() };
}

/**
 * What the SDK has dropped as it could not read it, but for the two answers that it does not know: for a cancel and a goodbye it
 * waits for no answer.
 */
export function unread(sdk: Driver): (string | undefined)[] {
  const unknown = /^(job\.cancelled|session\.closed): /;
  return sdk.unread().flatMap(({ unread: line = '' }) => (unknown.test(line) ? [] : [line]));
}

let names = 0;
function fresh(what: string): string {
  names += 1;
  return `${what} ${names}`;
}
