import { type Command, InvalidArgumentError, Option } from 'commander';
import type { RuntimeOptions } from '../options.ts';
import type { Authorize } from '../policy.ts';
import { type Feature, featureNames } from '../wire/messages.ts';
import { count, port, seconds } from './numbers.ts';
import { defaultStore, type StoreChoice, storeChoice, storeForms, storeOf } from './store-option.ts';

/** The options of `arcpx serve`, as commander names them. */
export interface ServeFlags {
  host: string;
  port: number;
  path: string;
  stdio?: true;
  agents?: string[];
  token?: string[];
  tokens?: string;
  store?: StoreChoice;
  drain: number;
  resumeWindow: number;
  heartbeat: number;
  handshakeTimeout: number;
  cancelGrace: number;
  jobRetention: number;
  stallTimeout: number;
  bufferEvents: number;
  bufferBytes: number;
  maxFrameBytes: number;
  backPressure: number;
  maxUnsentBytes: number;
  maxSessionsPerPrincipal: number;
  maxHandshakes: number;
  maxFramesPerSecond: number;
  maxJobsPerSession: number;
  maxDelegationDepth: number;
  maxSubscriptionsPerSession: number;
  historyEvents: number;
  historyBytes: number;
  historyTotalBytes: number;
  onBye: 'cancel' | 'keep';
  onExpire: 'cancel' | 'keep';
  cancelBy: 'session' | 'principal';
  features: Feature[];
  logLevel: string;
}

const durations = [
  ['resume-window', 600, 'how long a session without a connection can be resumed'],
  ['heartbeat', 30, 'longest silence before a ping; two of them lose the connection'],
  ['handshake-timeout', 10, 'how long a connection may take to say who it is'],
  ['cancel-grace', 30, "how long a cancelled job's agent may take to stop"],
  ['job-retention', 3600, 'how long an ended job is remembered'],
  ['drain', 10, 'how long running jobs have to end when it is told to stop, where the store lasts'],
  ['stall-timeout', 5, 'how long a connection that owes too much may take nothing'],
] as const;

const limits = [
  ['buffer-events', 10_000, 'frames kept for a client that has not acknowledged them'],
  ['buffer-bytes', 67_108_864, 'the same in bytes'],
  ['max-frame-bytes', 1_048_576, 'longest frame a client may send'],
  ['back-pressure', 1000, 'unacknowledged events after which a consumer is told that it lags'],
  ['max-unsent-bytes', 8_388_608, 'bytes undelivered to a connection above which a stall ends it'],
  ['max-sessions-per-principal', 1000, 'sessions one principal may have'],
  ['max-handshakes', 1000, 'connections that have yet to say who they are'],
  ['max-frames-per-second', 1000, 'frames a connection may send a second, in bursts twice that'],
  ['max-jobs-per-session', 200, 'jobs one session may run at a time'],
  ['max-delegation-depth', 8, 'how often work may be handed on from job to job'],
  ['max-subscriptions-per-session', 200, 'jobs of others one session may watch at a time'],
  ['history-events', 10_000, 'events of a job kept for those who watch it'],
  ['history-bytes', 16_777_216, 'the same in bytes'],
  ['history-total-bytes', 268_435_456, 'the same of all jobs together; of ended jobs the oldest go first'],
] as const;

/** One store has one owner: those that speak over stdin and stdout are often several in one place. */
const storeDefaults = `(default: ${defaultStore}; with --stdio, memory)`;

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Declares every option of `serve`. */
export function addServeOptions(command: Command): void {
  command
    .option('--host <host>', 'address to listen on', hostName, '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 is any free one', port, 7420)
    .option('--path <path>', 'path of the WebSocket', urlPath, '/arcp')
    .option('--stdio', 'speak over stdin and stdout instead of a socket; the end of input ends it')
    .option('--agents <file...>', 'modules whose default export is an agent or a list of agents (default: demo agents)')
    .option('--token <token=principal...>', 'a bearer token and whose it is (default: one made up for this run)')
    .option('--tokens <file>', 'a JSON file of them: {"TOKEN": "PRINCIPAL"}')
    .option(
      '--store <store>',
      `where sessions and jobs outlive the process: ${storeForms} ${storeDefaults}`,
      storeChoice,
    );
  for (const [name, preset, what] of durations) command.option(`--${name} <seconds>`, what, seconds, preset);
  for (const [name, preset, what] of limits) command.option(`--${name} <n>`, what, count, preset);
  command
    .addOption(policy('on-bye', 'cancel', 'what the end of a session by its client does to its running jobs'))
    .addOption(policy('on-expire', 'keep', 'what the end of the resume window does to them'))
    .addOption(
      new Option('--cancel-by <who>', 'who may cancel a job while its session lasts: that one, or any of its principal')
        .choices(['session', 'principal'])
        .default('session'),
    )
    .addOption(
      new Option('--features <list>', `those offered, of ${featureNames.join(',')}; empty for none`)
        .argParser(features)
        .default([...featureNames], 'all'),
    )
    .addOption(new Option('--log-level <level>', 'what is logged to stderr').choices(logLevels).default('info'));
}

/** What the options mean to a runtime. */
export function limitsOf(flags: ServeFlags): Omit<RuntimeOptions, 'agents' | 'authenticate'> {
  return {
    path: flags.path,
    store: storeOf(flags.store ?? storeChoice(flags.stdio ? 'memory' : defaultStore)),
    drainSec: flags.drain,
    resumeWindowSec: flags.resumeWindow,
    heartbeatSec: flags.heartbeat,
    handshakeTimeoutSec: flags.handshakeTimeout,
    cancelGraceSec: flags.cancelGrace,
    jobRetentionSec: flags.jobRetention,
    stallTimeoutSec: flags.stallTimeout,
    bufferEvents: flags.bufferEvents,
    bufferBytes: flags.bufferBytes,
    maxFrameBytes: flags.maxFrameBytes,
    backPressure: flags.backPressure,
    maxUnsentBytes: flags.maxUnsentBytes,
    maxSessionsPerPrincipal: flags.maxSessionsPerPrincipal,
    maxHandshakes: flags.maxHandshakes,
    maxFramesPerSecond: flags.maxFramesPerSecond,
    maxJobsPerSession: flags.maxJobsPerSession,
    maxDelegationDepth: flags.maxDelegationDepth,
    maxSubscriptionsPerSession: flags.maxSubscriptionsPerSession,
    historyEvents: flags.historyEvents,
    historyBytes: flags.historyBytes,
    historyTotalBytes: flags.historyTotalBytes,
    onBye: flags.onBye,
    onExpire: flags.onExpire,
    ...(flags.cancelBy === 'principal' ? { authorize: byItsPrincipal } : {}),
    features: flags.features,
  };
}

/** Whoever came back by another session than the one that submitted may end what is its own. */
const byItsPrincipal: Authorize = ({ principal, action, job }) => action === 'cancel' && job.principal === principal;

function policy(name: string, preset: string, what: string): Option {
  return new Option(`--${name} <policy>`, what).choices(['cancel', 'keep']).default(preset);
}

/** An empty one would listen on every address there is. */
function hostName(text: string): string {
  if (/^[^\s/[\]]+$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a host name or an address, without brackets.');
}

function urlPath(text: string): string {
  if (/^\/[^\s?#]*$/.test(text)) return text;
  throw new InvalidArgumentError('It must begin with / and have no query.');
}

function features(text: string): Feature[] {
  const names = text.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '').map(feature);
}

function feature(name: string): Feature {
  const known = featureNames.find((one) => one === name);
  if (known === undefined) throw new InvalidArgumentError(`Features are ${featureNames.join(', ')}.`);
  return known;
}
