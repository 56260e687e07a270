// The frames of ARCP 1.1 as types: what goes over the wire, in the wire's own spelling (§4 to §8).
// The JSON Schemas the runtime validates with are in schemas.ts.
import type { ErrorPayload } from './errors.ts';
import type { JobsPayload, ListJobsPayload, SubscribedPayload, SubscribePayload } from './listing-messages.ts';

/** The protocol's version, on every frame (§4). */
export const protocolVersion = '1.1';

/** The features a session may negotiate (§6.2), of those this runtime has built. */
export const featureNames = [
  'heartbeat',
  'ack',
  'list_jobs',
  'subscribe',
  'lease_expires_at',
  'cost.budget',
  'model.use',
  'provisioned_credentials',
  'progress',
  'result_chunk',
  'agent_versions',
] as const;
export type Feature = (typeof featureNames)[number];

/** What every frame carries (§4). `event_seq` is on `job.event`, `job.result` and `job.error` and nowhere else. */
export interface Envelope<Type extends string = string, Payload = Record<string, unknown>> {
  arcp: typeof protocolVersion;
  id: string;
  type: Type;
  session_id?: string;
  job_id?: string;
  trace_id?: string;
  event_seq?: number;
  payload: Payload;
}

export interface Peer {
  name: string;
  version: string;
}

export interface Auth {
  scheme: string;
  token?: string;
}

export interface Capabilities {
  encodings?: string[];
  features?: string[];
}

/** `session.hello.payload.resume` (§6.3). */
export interface ResumeBlock {
  session_id?: string;
  resume_token?: string;
  token?: string;
  last_event_seq?: unknown;
}

export interface HelloPayload {
  client?: Peer;
  auth?: Auth;
  capabilities?: Capabilities;
  resume?: ResumeBlock;
  resume_token?: string;
  last_event_seq?: unknown;
  session_id?: string;
}

export interface ResumePayload {
  resume_token?: string;
  token?: string;
  last_event_seq?: unknown;
  session_id?: string;
  auth?: Auth;
  client?: Peer;
  capabilities?: Capabilities;
}

export interface SubmitPayload {
  agent: string;
  input?: unknown;
  lease_request?: Record<string, unknown>;
  lease_constraints?: Record<string, unknown>;
  idempotency_key?: string;
  max_runtime_sec?: number;
}

/** The frames a client sends (§6, §7). */
export type ClientFrame =
  | Envelope<'session.hello', HelloPayload>
  | Envelope<'session.resume', ResumePayload>
  | Envelope<'session.bye', { reason?: string }>
  | Envelope<'session.close', { reason?: string }>
  | Envelope<'session.ping', { nonce?: string; sent_at?: string }>
  | Envelope<'session.pong', { ping_nonce?: string; received_at?: string }>
  | Envelope<'session.ack', { last_processed_seq: number }>
  | Envelope<'job.submit', SubmitPayload>
  | Envelope<'job.cancel', { job_id?: string; reason?: string }>
  | Envelope<'session.list_jobs', ListJobsPayload>
  | Envelope<'job.subscribe', SubscribePayload>
  | Envelope<'job.unsubscribe', { job_id?: string }>;

export type ClientFrameType = ClientFrame['type'];
/** The frame of one type: `ClientFrameOf<'job.submit'>`. */
export type ClientFrameOf<Type extends ClientFrameType> = Extract<ClientFrame, { type: Type }>;

/** Every reply names the request it answers, in both spellings clients look for (§4). */
export interface ReplyTo {
  request_id?: string;
  reply_to?: string;
}

export interface AgentListing {
  name: string;
  versions: string[];
  default: string;
}

export interface WelcomePayload extends ReplyTo {
  session_id: string;
  runtime: Peer;
  resume_token: string;
  resume_window_sec: number;
  heartbeat_interval_sec?: number;
  capabilities: { encodings: string[]; features: string[]; agents: AgentListing[] };
}

/** A lease as granted: namespace → patterns (§9). */
export type Lease = Readonly<Record<string, readonly string[]>>;

/** Limits of a lease beside its patterns (§9.5): `expires_at` in UTC, with `Z`. */
export interface LeaseConstraints {
  expires_at?: string;
}

/** What gives its holder access to a service upstream, for one job (§9.8.1). `value` is a secret. */
export interface Credential {
  id: string;
  /** How `value` is presented: `bearer`, or one of the provisioner's own. */
  scheme: string;
  value: string;
  /** The base URL at which it is good, and nowhere else. */
  endpoint: string;
  /** The API spoken there: `openai`, `anthropic`, `generic`. */
  profile?: string;
  /** What of the lease the service itself enforces. */
  constraints?: Record<string, unknown>;
}

export interface AcceptedPayload extends ReplyTo {
  job_id: string;
  agent: string;
  lease: Lease;
  lease_constraints?: LeaseConstraints;
  /** What may be spent, by currency (§9.6). */
  budget?: Record<string, number>;
  /** For the submitter alone, while the job runs. */
  credentials?: readonly Credential[];
  accepted_at: string;
  trace_id?: string;
  /** Of a job that another one delegated (§10). */
  parent_job_id?: string;
  delegate_id?: string;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The body of each kind of `job.event` (§8). */
export interface EventBodies {
  log: { level: LogLevel; message: string };
  thought: { text: string };
  tool_call: { tool: string; args: unknown; call_id: string };
  tool_result: { call_id: string; result?: unknown; error?: ErrorPayload };
  status: { phase: string; message?: string };
  metric: { name: string; value: number; unit?: string; dimensions?: Record<string, string> };
  artifact_ref: { uri: string; content_type: string; byte_size?: number; sha256?: string };
  delegate: {
    delegate_id: string;
    /** The child; left out where the delegation was refused. */
    job_id?: string;
    agent: string;
    input?: unknown;
    lease_request?: Lease;
    lease_constraints?: LeaseConstraints;
  };
  progress: { current: number; total?: number; units?: string; message?: string };
  result_chunk: { result_id: string; chunk_seq: number; data: string; encoding: 'utf8' | 'base64'; more: boolean };
}
export type EventKind = keyof EventBodies;

export interface EventPayload {
  kind: string;
  ts: string;
  body: unknown;
}

export interface ResultPayload {
  job_id: string;
  final_status: 'success';
  result?: unknown;
  result_id?: string;
  result_size?: number;
  summary?: string;
  completed_at: string;
}

export interface JobErrorPayload extends ErrorPayload {
  job_id: string;
  final_status: 'error' | 'cancelled' | 'timed_out';
  completed_at: string;
}

export interface CancelledPayload extends ReplyTo {
  job_id: string;
  reason?: string;
}

/** The frames a runtime sends (§6, §7). */
export type RuntimeFrame =
  | Envelope<'session.welcome', WelcomePayload>
  | Envelope<'session.error', ErrorPayload & ReplyTo>
  | Envelope<'session.closed', ReplyTo & { reason?: string }>
  | Envelope<'session.bye', { reason: string; resumable: boolean }>
  | Envelope<'session.ping', { nonce: string; sent_at: string }>
  | Envelope<'session.pong', ReplyTo & { ping_nonce?: string; received_at: string }>
  | Envelope<'job.accepted', AcceptedPayload>
  | Envelope<'job.cancelled', CancelledPayload>
  | Envelope<'session.jobs', JobsPayload>
  | Envelope<'job.subscribed', SubscribedPayload>
  | Envelope<'job.event', EventPayload>
  | Envelope<'job.result', ResultPayload>
  | Envelope<'job.error', JobErrorPayload>;

export type RuntimeFrameType = RuntimeFrame['type'];
export type RuntimeFrameOf<Type extends RuntimeFrameType> = Extract<RuntimeFrame, { type: Type }>;

/** The frames that carry an `event_seq`, and nothing else does (§4). */
export type SequencedType = 'job.event' | 'job.result' | 'job.error';
