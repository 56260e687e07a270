import type { InspectionEvent, Observer } from 'xstate';
import { type Clock, systemClock } from '../clock.ts';
import { dial } from '../transports/dial.ts';
import type { Transport } from '../transports/transport.ts';
import { packageVersion } from '../version.ts';
import { type Feature, featureNames, type Peer } from '../wire/messages.ts';

/** What another process needs to go on with a session (§6.3). A secret: whoever has it and the token has the session. */
export interface Ticket {
  sessionId: string;
  resumeToken: string;
  /** The number of the last event received; 0 for none. */
  lastEventSeq: number;
}

/**
 * `connecting` dials, `handshaking` awaits the welcome, `live` has everything, `resumed` is back and being told what it
 * missed, `waiting` has lost the connection and will try again, `closing` says goodbye. `expired`: the session could not be
 * resumed, what its jobs did since is not known here. `closed`: over by `close()`, `bye()`, a refusal, or a newer connection.
 */
export type ClientState =
  | 'connecting'
  | 'handshaking'
  | 'live'
  | 'resumed'
  | 'waiting'
  | 'closing'
  | 'expired'
  | 'closed';

export interface StateChange {
  state: ClientState;
  /** Why, of `waiting`, `expired` and `closed`: a few words for a person. */
  reason?: string;
  /** What pending calls and iterators were rejected with, of `expired` and `closed`. */
  error?: Error;
}

export interface ReconnectOptions {
  /** The wait before each attempt is drawn from 0 to this, doubled with every failure. Default 100. */
  baseMs?: number;
  /** The wait is never longer than this. Default 10,000. */
  capMs?: number;
  /** How long to try before the session is `expired`. Default: the runtime's resume window and 15 s. */
  giveUpMs?: number;
  /** How long to try to make the first connection. Default 0: `connect` rejects at the first failure. */
  initialMs?: number;
}

export interface ConnectOptions {
  /** The bearer token (§6.1). */
  token: string;
  /** Goes on with this session instead of opening one. */
  resume?: Ticket;
  /** Features asked for (§6.2). Default: all this client knows. */
  features?: readonly Feature[];
  /** How this client names itself to the runtime. */
  client?: Peer;
  reconnect?: ReconnectOptions;
  /** How long one attempt to connect may take. Default 10,000. */
  connectTimeoutMs?: number;
  /** How long the welcome may take. Default 10,000. */
  handshakeTimeoutMs?: number;
  /** How long `close()` and `bye()` wait for the runtime's answer. Default 5,000. */
  closeTimeoutMs?: number;
  /** Events received and not yet read, over all jobs, above which no more are taken until half is read. Default 10,000. */
  bufferEvents?: number;
  /** The same in bytes, counted as characters of JSON. Default 64 MiB. */
  bufferBytes?: number;
  /** Requests that may wait for an answer or a connection. Default 1,000. */
  unansweredMax?: number;
  /** Told of every state from the first on; `client.on('state', …)` comes too late for those of the first connection. */
  onState?: (change: StateChange) => void;
  /** Told of every event, snapshot and transition of the client's machine. No secret is in them. */
  inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  /** Default: the platform's. Its timers keep a waiting client's process alive. */
  clock?: Clock;
  /** Default: `Math.random`. Spreads the attempts of many clients. */
  random?: () => number;
  /** Makes the connection. Default: a WebSocket. Rejects when it cannot; `signal` ends the attempt. */
  dial?: (url: string, options: { signal: AbortSignal }) => Promise<Transport>;
}

/** Every option with its value. */
export type ClientSettings = ReturnType<typeof settle>;

/** Added to the resume window: it starts when the runtime notices the loss, and the last attempt takes its time. */
const windowMarginMs = 15_000;

/** Fills in the defaults, and refuses what cannot work, naming the option. */
export function settle(options: ConnectOptions) {
  if (typeof options.token !== 'string' || options.token === '') {
    throw new TypeError('connect() needs a token: the bearer token this runtime knows you by');
  }
  const { reconnect = {} } = options;
  const { giveUpMs } = reconnect;
  if (giveUpMs !== undefined) above0('reconnect.giveUpMs', giveUpMs);
  const initialMs = reconnect.initialMs ?? 0;
  if (!(initialMs >= 0)) throw new RangeError('reconnect.initialMs must be a number of milliseconds, 0 or more');
  return {
    token: options.token,
    resume: options.resume && checkTicket(options.resume),
    features: options.features ?? featureNames,
    client: options.client ?? { name: 'arcp-xstate', version: packageVersion },
    backoffBaseMs: above0('reconnect.baseMs', reconnect.baseMs ?? 100),
    backoffCapMs: above0('reconnect.capMs', reconnect.capMs ?? 10_000),
    /** How long to try to come back to a session whose window is `resumeWindowSec`. */
    patienceMs: (resumeWindowSec: number) => giveUpMs ?? resumeWindowSec * 1000 + windowMarginMs,
    initialMs,
    connectTimeoutMs: above0('connectTimeoutMs', options.connectTimeoutMs ?? 10_000),
    handshakeTimeoutMs: above0('handshakeTimeoutMs', options.handshakeTimeoutMs ?? 10_000),
    closeTimeoutMs: above0('closeTimeoutMs', options.closeTimeoutMs ?? 5000),
    bufferEvents: above0('bufferEvents', options.bufferEvents ?? 10_000),
    bufferBytes: above0('bufferBytes', options.bufferBytes ?? 64 * 2 ** 20),
    unansweredMax: above0('unansweredMax', options.unansweredMax ?? 1000),
    onState: options.onState,
    inspect: options.inspect,
    clock: options.clock ?? systemClock({ keepsAlive: true }),
    random: options.random ?? Math.random,
    dial: options.dial ?? dial,
  };
}

function above0(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${name} must be a number above 0`);
  return value;
}

/** A ticket often comes from a file: what is wrong with it is better told here than by a refusal. */
function checkTicket(ticket: Ticket): Ticket {
  const { sessionId, resumeToken, lastEventSeq } = ticket;
  const isGood =
    typeof sessionId === 'string' &&
    sessionId !== '' &&
    typeof resumeToken === 'string' &&
    resumeToken !== '' &&
    Number.isSafeInteger(lastEventSeq) &&
    lastEventSeq >= 0;
  if (!isGood)
    throw new TypeError('resume must be a ticket: { sessionId, resumeToken, lastEventSeq }, as client.ticket gave it');
  return ticket;
}
