import type { InspectionEvent, Observer } from 'xstate';
import type { Authenticate } from './auth.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Provisioner } from './credentials/provisioner.ts';
import type { AgentDefinition } from './jobs/agents.ts';
import { Tally } from './observe/tally.ts';
import { harmlessTracing, type Tracing } from './observe/tracing.ts';
import type { Authorize } from './policy.ts';
import { memoryStore } from './stores/memory.ts';
import type { Store } from './stores/store.ts';
import { packageVersion } from './version.ts';
import { type Feature, featureNames } from './wire/messages.ts';

/** Where the runtime reports what no client is told: an agent's exception, a refused resume. Fits a pino logger. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A decision about authority: who asked for what, and what was answered. Never holds a token. */
export interface AuditEntry {
  /** `authorize`, and only where it was refused: a call of a job's agent (§9). What was allowed is in the job's stream. */
  action: 'hello' | 'resume' | 'cancel' | 'list' | 'subscribe' | 'authorize';
  outcome: 'allowed' | 'refused';
  principal: string;
  sessionId?: string;
  jobId?: string;
  /** Of a listing: the jobs of other principals that it showed. */
  jobIds?: readonly string[];
  /** Why it was refused: an error code of §12. */
  code?: string;
  at: string;
}

/** How a runtime behaves. Seconds may be fractions; each limit is the protocol's (§2, §4 to §7), with its default. */
export interface RuntimeOptions {
  agents: readonly AgentDefinition[];
  authenticate: Authenticate;
  /** Default: `memoryStore()`. */
  store?: Store;
  /** How long a detached session can be resumed. Default 600. */
  resumeWindowSec?: number;
  /** Longest silence before a ping; two of them with nothing in lose the connection. Default 30. */
  heartbeatSec?: number;
  /** How long a connection may take to present a good hello or resume. Default 10. */
  handshakeTimeoutSec?: number;
  /** How long a cancelled job's agent may take to settle. Default 30. */
  cancelGraceSec?: number;
  /** How long an ended job is remembered. Default 3600. */
  jobRetentionSec?: number;
  /** Frames a session keeps for a client that has not acknowledged them. Default 10,000. */
  bufferEvents?: number;
  /** The same in bytes. Default 64 MiB. */
  bufferBytes?: number;
  /** Longest inbound frame. Default 1 MiB. */
  maxFrameBytes?: number;
  /** Unacknowledged events after which a consumer that negotiated `ack` is told of its lag. Default 1,000. */
  backPressure?: number;
  /** Bytes undelivered to a connection above which a stall detaches it. Default 8 MiB. */
  maxUnsentBytes?: number;
  /** How long such a connection may take nothing. Default 5. */
  stallTimeoutSec?: number;
  /** Default 1,000 each. */
  maxSessionsPerPrincipal?: number;
  maxHandshakes?: number;
  /** Frames a second of one connection, bursts of twice that. Default 1,000. */
  maxFramesPerSecond?: number;
  /** Default 200. */
  maxJobsPerSession?: number;
  /** How often work may be handed on, from a submitted job to its child and on from there (§10). Default 8. */
  maxDelegationDepth?: number;
  /** How long `close()` waits for running jobs where the store lasts: what still runs is left to the next start. Default 10. */
  drainSec?: number;
  /** Issues, rotates and revokes the credentials of jobs (§9.8); with it, the feature `provisioned_credentials` is offered. */
  provisioner?: Provisioner;
  /** How long one call of the provisioner may take. Default 10. */
  provisionerTimeoutSec?: number;
  /** How long a job's terminal waits for the revocation of its credentials; it goes on after that. Default 10. */
  revocationGraceSec?: number;
  /** Jobs of others one session may be subscribed to. Default 200. */
  maxSubscriptionsPerSession?: number;
  /** Events of one job kept for those who subscribe later. Default 10,000. */
  historyEvents?: number;
  /** The same in bytes, counted as characters. Default 16 MiB. */
  historyBytes?: number;
  /** Bytes of the histories of all jobs; that of the job that ended first goes first. Default 256 MiB. */
  historyTotalBytes?: number;
  /** What `session.bye` does to running jobs. Default 'cancel'. */
  onBye?: 'cancel' | 'keep';
  /** What the end of the resume window does to running jobs. Default 'keep'. */
  onExpire?: 'cancel' | 'keep';
  /** Features offered to clients (§6.2). Default: all that are built. */
  features?: readonly Feature[];
  /** Default `/arcp`. */
  path?: string;
  /** Host names an upgrade may be addressed to. */
  allowedHosts?: readonly string[];
  /** Origins an upgrade may come from, where the client is a browser. */
  allowedOrigins?: readonly string[];
  /** Told of every event, snapshot and transition of the session and job machines; see `docs/embedding.md`. */
  inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  /** Makes spans of sessions, jobs and tool calls: `openTelemetry()` of `arcp-xstate/tracing`. */
  tracing?: Tracing;
  /** Lets principals observe or cancel jobs of others. Default: nobody may. */
  authorize?: Authorize;
  /** Told of every decision about authority. */
  audit?: (entry: AuditEntry) => void;
  log?: Logger;
  /** Default: the machine's own. */
  clock?: Clock;
}

/** Every option with its value, durations in milliseconds: what the rest of the runtime reads. */
export type Settings = ReturnType<typeof settle>;

/** Fills in the defaults and refuses what cannot work, naming the option. */
export function settle(options: RuntimeOptions) {
  const log = guarded(options.log ?? consoleLogger);
  return {
    store: options.store ?? memoryStore(),
    clock: options.clock ?? systemClock(),
    log,
    audit: options.audit ?? (() => {}),
    tally: new Tally(),
    tracing: options.tracing && harmlessTracing(options.tracing, log),
    inspect: options.inspect && harmless(options.inspect, log),
    authenticate: options.authenticate,
    authorize: options.authorize,
    runtime: { name: 'arcp-xstate', version: packageVersion },
    path: options.path ?? '/arcp',
    allowedHosts: options.allowedHosts,
    allowedOrigins: options.allowedOrigins,
    onBye: choice(options, 'onBye', { oneOf: ['cancel', 'keep'], otherwise: 'cancel' }),
    onExpire: choice(options, 'onExpire', { oneOf: ['cancel', 'keep'], otherwise: 'keep' }),
    features: offered(options),
    provisioner: options.provisioner,
    resumeWindowMs: seconds(options, 'resumeWindowSec', 600),
    heartbeatMs: seconds(options, 'heartbeatSec', 30),
    handshakeTimeoutMs: seconds(options, 'handshakeTimeoutSec', 10),
    cancelGraceMs: seconds(options, 'cancelGraceSec', 30),
    jobRetentionMs: seconds(options, 'jobRetentionSec', 3600),
    drainMs: seconds(options, 'drainSec', 10),
    stallTimeoutMs: seconds(options, 'stallTimeoutSec', 5),
    provisionerTimeoutMs: seconds(options, 'provisionerTimeoutSec', 10),
    revocationGraceMs: seconds(options, 'revocationGraceSec', 10),
    bufferEvents: count(options, 'bufferEvents', 10_000),
    bufferBytes: count(options, 'bufferBytes', 64 * 2 ** 20),
    maxFrameBytes: count(options, 'maxFrameBytes', 2 ** 20),
    backPressure: count(options, 'backPressure', 1000),
    maxUnsentBytes: count(options, 'maxUnsentBytes', 8 * 2 ** 20),
    maxSessionsPerPrincipal: count(options, 'maxSessionsPerPrincipal', 1000),
    maxHandshakes: count(options, 'maxHandshakes', 1000),
    maxFramesPerSecond: count(options, 'maxFramesPerSecond', 1000),
    maxJobsPerSession: count(options, 'maxJobsPerSession', 200),
    maxDelegationDepth: count(options, 'maxDelegationDepth', 8),
    maxSubscriptionsPerSession: count(options, 'maxSubscriptionsPerSession', 200),
    historyEvents: count(options, 'historyEvents', 10_000),
    historyBytes: count(options, 'historyBytes', 16 * 2 ** 20),
    historyTotalBytes: count(options, 'historyTotalBytes', 256 * 2 ** 20),
  };
}

type NameOf<Value> = {
  [Name in keyof RuntimeOptions]-?: Value extends RuntimeOptions[Name] ? Name : never;
}[keyof RuntimeOptions];

function seconds(options: RuntimeOptions, name: NameOf<number>, otherwise: number): number {
  const value = options[name] ?? otherwise;
  if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${name} must be a finite number of seconds above 0`);
  return value * 1000;
}

function count(options: RuntimeOptions, name: NameOf<number>, otherwise: number): number {
  const value = options[name] ?? otherwise;
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number above 0`);
  return value;
}

function choice<Value extends string>(
  options: RuntimeOptions,
  name: 'onBye' | 'onExpire',
  { oneOf, otherwise }: { oneOf: readonly Value[]; otherwise: Value },
): Value {
  const value = options[name] ?? otherwise;
  const known = oneOf.find((one) => one === value);
  if (known === undefined) throw new RangeError(`${name} must be one of ${oneOf.join(', ')}`);
  return known;
}

function offered({ features, provisioner }: RuntimeOptions): ReadonlySet<Feature> {
  for (const feature of features ?? []) {
    if (!featureNames.includes(feature)) {
      throw new RangeError(`unknown feature ${JSON.stringify(feature)}; this runtime has ${featureNames.join(', ')}`);
    }
  }
  const built = features ?? featureNames;
  return new Set(provisioner ? built : built.filter((feature) => feature !== 'provisioned_credentials'));
}

/** A watcher that throws must not end what it watches. */
function harmless(inspect: NonNullable<RuntimeOptions['inspect']>, log: Logger): (event: InspectionEvent) => void {
  return (event) => {
    try {
      if (typeof inspect === 'function') inspect(event);
      else inspect.next?.(event);
    } catch (error) {
      log.error({ err: error }, 'the inspect observer failed');
    }
  };
}

/** A logger that throws must not change what happens to a session or a job. */
function guarded(log: Logger): Logger {
  const safely = (level: keyof Logger) => (fields: object, message: string) => {
    try {
      log[level](fields, message);
    } catch {
      // Where would it be told?
    }
  };
  return { debug: safely('debug'), info: safely('info'), warn: safely('warn'), error: safely('error') };
}

/** Without a logger of the embedder's, what went wrong still has to be seen somewhere. */
const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  // biome-ignore lint/suspicious/noConsole: the last resort of who gave no logger
  warn: (fields, message) => console.warn(message, fields),
  // biome-ignore lint/suspicious/noConsole: as above
  error: (fields, message) => console.error(message, fields),
};
