import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { RuntimeOptions } from '../../../../src/index.ts';
import { puppet, tokens } from '../../../support/runtime.ts';
import { socketRuntime } from '../../../support/socket.ts';
import { type Cable, cableTo } from '../../../transports/cable.ts';
import { cast } from '../../dialects/stage.ts';
import type { Jvm } from './jvm.ts';

export interface Session {
  session_id: string;
  resume_token: string;
  heartbeat_sec: number | null;
  features: string[];
  agents: { name: string; versions: string[]; default?: string }[];
}

/** What a subscriber was given, and how that ended. */
export interface Seen {
  events: { kind: string; body: Record<string, unknown> }[];
  complete?: true;
  failed?: { name: string; code?: string; message: string };
}

export interface Accepted {
  job_id: string;
  agent: string;
  lease: object;
  lease_constraints?: object;
  budget?: object;
  credentials?: { id: string; value: string; endpoint: string }[];
  trace_id?: string;
}

/** What came over the wire, as far as the SDK's transport delivered it, and what of it the SDK could not decode. */
export interface Wire {
  last_seen_seq: number;
  seqs: number[];
  types: string[];
  unread: string[];
}

export interface Listed {
  jobs: { job_id: string; agent: string; status: string; trace_id?: string; last_event_seq?: number }[];
  next_cursor: string | null;
}

let names = 0;
function fresh(what: string): string {
  names += 1;
  return `${what} ${names}`;
}

/** A subscriber in the JVM. */
export class JavaView {
  readonly #jvm: Jvm;
  readonly name: string;

  constructor(jvm: Jvm, name = fresh('view')) {
    this.#jvm = jvm;
    this.name = name;
  }

  /** All it has been given, once there is so much of it. */
  seen(count: number): Promise<Seen['events']> {
    return this.#jvm.ask('seen', { view: this.name, count });
  }

  ended(): Promise<Seen> {
    return this.#jvm.ask('ended', { view: this.name });
  }
}

/** A `JobHandle` in the JVM. */
export class JavaJob {
  readonly accepted: Accepted;
  readonly #jvm: Jvm;
  readonly #name: string;

  constructor(jvm: Jvm, name: string, accepted: Accepted) {
    this.#jvm = jvm;
    this.#name = name;
    this.accepted = accepted;
  }

  get id(): string {
    return this.accepted.job_id;
  }

  ask<Saw>(call: string, fields: object = {}): Promise<Saw> {
    return this.#jvm.ask(call, { job: this.#name, ...fields });
  }

  result(): Promise<{ final_status: string; result?: unknown; result_id?: string; result_size?: number }> {
    return this.ask('result');
  }

  cancel(): Promise<unknown> {
    return this.ask('cancel');
  }

  /** A subscriber of `events()`. */
  async events(): Promise<JavaView> {
    const view = new JavaView(this.#jvm);
    await this.ask('events', { view: view.name });
    return view;
  }
}

/** An `ArcpClient` in the JVM. */
export class JavaClient {
  readonly session: Session;
  readonly #jvm: Jvm;
  readonly #name: string;

  constructor(jvm: Jvm, name: string, session: Session) {
    this.#jvm = jvm;
    this.#name = name;
    this.session = session;
  }

  ask<Saw>(call: string, fields: object = {}): Promise<Saw> {
    return this.#jvm.ask(call, { client: this.#name, ...fields });
  }

  async submit(agent: string, fields: object = {}): Promise<JavaJob> {
    const job = fresh('job');
    return new JavaJob(this.#jvm, job, await this.ask('submit', { job, agent, ...fields }));
  }

  list(fields: object = {}): Promise<Listed> {
    return this.ask('list', fields);
  }

  /** Without `from` no history is asked for. */
  async subscribe(jobId: string, from?: number): Promise<JavaView> {
    const view = new JavaView(this.#jvm);
    await this.ask('subscribe', { job_id: jobId, view: view.name, from });
    return view;
  }

  wire(): Promise<Wire> {
    return this.ask('wire');
  }

  close(): Promise<unknown> {
    return this.ask('close');
  }

  /** What to come back with: as an application would know it. */
  async ticket(): Promise<{ resume_token: string; last_event_seq: number }> {
    const { last_seen_seq } = await this.wire();
    return { resume_token: this.session.resume_token, last_event_seq: last_seen_seq };
  }
}

/** A runtime on a real socket, and clients of the Java SDK that come to it, each over a cable that can be cut. */
export async function stage(jvm: Jvm, { query = '', ...options }: Partial<RuntimeOptions> & { query?: string } = {}) {
  const agent = puppet();
  const at = await socketRuntime({ agents: [agent.agent, ...cast], ...options });
  async function enter(fields: object = {}): Promise<{ client: JavaClient; cable: Cable }> {
    const cable = await cableTo(Number(new URL(at.url).port));
    onTestFinished(() => cable.end());
    const name = fresh('client');
    const url = `ws://127.0.0.1:${cable.port}/arcp${query}`;
    const session = await jvm.ask<Session>('open', { client: name, url, token: tokens.alice, ...fields });
    const client = new JavaClient(jvm, name, session);
    onTestFinished(async () => {
      await client.close();
    });
    return { client, cable };
  }
  const view = (name: string) => new JavaView(jvm, name);
  return { ...at, agent, enter, view };
}

/** Resolves once a cancel has come to an agent. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
