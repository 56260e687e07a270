// What can happen to the job and client charts, and what then has to be so, written from the protocol (§3, §7) and from
// what a client promises: it comes back to its session or says that it could not, and never opens another.
import type { ClientEvent, ClientInput, JobEvent, JobInput } from '../../machines/index.ts';
import type { Case, ChartView } from '../../src/conformance/index.ts';

/** What has to be so after a case; effects are those the chart must have run, and how often. */
export interface Expected {
  state: string;
  effects?: Readonly<Record<string, number>>;
}

/** The innermost state, which is unique by name in each of these charts. */
export function stateOf({ value }: ChartView): string {
  const [inner] = typeof value === 'string' ? [value] : Object.values(value);
  return typeof inner === 'string' ? inner : JSON.stringify(value);
}

const jobTiming = { maxRuntimeMs: 4000, leaseExpiryMs: 6000, cancelGraceMs: 3000, revocationGraceMs: 5000 };

/** Without and with a credential that has to be revoked. */
export const jobInputs: readonly JobInput[] = [0, 1].map((credentials) => ({
  jobId: 'job-1',
  ...jobTiming,
  credentials,
}));

const asker = { connectionId: 'client', requestId: 'request' };

export const jobCases: readonly Case[] = (
  [
    ['start', { type: 'job.start' }],
    ['the agent returns', { type: 'agent.returned' }],
    ['the agent throws', { type: 'agent.failed' }],
    ['a cancel', { type: 'job.cancel', asker }],
    ['its lease is found over', { type: 'lease.expired' }],
    ['its parent ends', { type: 'parent.ended' }],
    ['its session is over', { type: 'session.over' }],
    ['the runtime shuts down', { type: 'runtime.shutdown' }],
    ['the credentials are revoked', { type: 'credentials.revoked' }],
    ['a process has cut it', { type: 'job.interrupted' }],
    ['its time was over then', { type: 'job.overdue' }],
  ] satisfies [string, JobEvent][]
).map(([name, event]) => ({ name, told: [{ event }] }));

const terminal: Readonly<Record<string, string>> = {
  success: 'recordResult',
  error: 'recordError',
  cancelled: 'recordCancelled',
  timed_out: 'recordTimeout',
  expiry: 'recordExpiry',
};

/** The state in which a job waits for its revocation, by how it is going to end (§9.8). */
const revoking: Readonly<Record<string, string>> = {
  success: 'returned',
  error: 'failed',
  cancelled: 'stopped',
  timed_out: 'overdue',
  expiry: 'expired',
};

/** §7: one terminal, and none after it; where there are credentials, after their revocation (§9.8). */
export function jobExpected(state: string, { name }: Case, credentials: number): Expected {
  const ended = (to: string): Expected => ({ state: finalOf(to), effects: { [terminal[to] ?? '']: 1 } });
  const ends = (to: string): Expected =>
    credentials === 0 ? ended(to) : { state: revoking[to] ?? '', effects: { [terminal[to] ?? '']: 0, revoke: 1 } };
  const end = Object.keys(revoking).find((one) => revoking[one] === state);
  if (end) return whileRevoking({ state, end }, name);
  switch (`${state}: ${name}`) {
    case 'pending: start':
      return { state: 'running', effects: { startAgent: 1 } };
    case 'pending: a process has cut it':
      return { state: 'error', effects: { recordInterrupted: 1, startAgent: 0 } };
    case 'pending: its time was over then':
      return { state: 'timed_out', effects: { recordTimeout: 1, startAgent: 0 } };
    case 'pending: its lease is found over':
      return { state: 'error', effects: { recordExpiry: 1, startAgent: 0 } };
    case 'pending: a cancel':
      return { state: 'cancelled', effects: { recordCancelled: 1, startAgent: 0 } };
    case 'running: the agent returns':
      return ends('success');
    case 'running: the agent throws':
    case 'running: the runtime shuts down':
      return ends('error');
    case 'running: its lease is found over':
    case 'running: after leaseExpiryMs.job.running':
      return ends('expiry');
    case 'running: its parent ends':
    case 'running: a cancel':
    case 'running: its session is over':
      return { state: 'cancelling', effects: { acknowledgeCancel: 1, abortAgent: 1 } };
    case 'running: after maxRuntimeMs.job.running':
      return ends('timed_out');
    case 'cancelling: a cancel':
      return { state, effects: { acknowledgeCancel: 1, abortAgent: 0 } };
    case 'cancelling: its session is over':
      return { state, effects: { acknowledgeCancel: 0, abortAgent: 0 } };
    case 'cancelling: the agent returns':
    case 'cancelling: the agent throws':
    case 'cancelling: the runtime shuts down':
    case 'cancelling: after cancelGraceMs.job.cancelling':
      return ends('cancelled');
    default:
      return { state, effects: Object.fromEntries(Object.values(terminal).map((effect) => [effect, 0])) };
  }
}

/** A lease that ended is an error (§9.5). */
function finalOf(end: string): string {
  return end === 'expiry' ? 'error' : end;
}

function whileRevoking({ state, end }: { state: string; end: string }, name: string): Expected {
  switch (name) {
    case 'the credentials are revoked':
    case 'after revocationGraceMs.job.revoking':
      return { state: finalOf(end), effects: { [terminal[end] ?? '']: 1 } };
    case 'a cancel':
      return end === 'cancelled'
        ? { state, effects: { acknowledgeCancel: 1, refuseLateCancel: 0 } }
        : { state, effects: { acknowledgeCancel: 0, refuseLateCancel: 1 } };
    default:
      return { state, effects: { [terminal[end] ?? '']: 0, revoke: 0 } };
  }
}

const timing = { connectTimeoutMs: 1, handshakeTimeoutMs: 1, closeTimeoutMs: 1, backoffBaseMs: 1, backoffCapMs: 8 };

/** With and without a session to come back to, patient or not. */
export const clientInputs: readonly ClientInput[] = [
  { sessionId: null, patienceMs: 0, ...timing },
  { sessionId: null, patienceMs: 60_000, ...timing },
  { sessionId: 'sess-1', patienceMs: 0, ...timing },
  { sessionId: 'sess-1', patienceMs: 60_000, ...timing },
];

const drawn = { jitter: 0.5 };
const lost = { type: 'transport.lost', reason: '', ...drawn } as const;
const refused = { type: 'handshake.refused', message: '', ...drawn } as const;

export const clientCases: readonly Case[] = (
  [
    ['opened', { type: 'transport.opened' }],
    ['lost 1006', { ...lost, code: 1006 }],
    ['lost 1008', { ...lost, code: 1008 }],
    ['lost 4001', { ...lost, code: 4001 }],
    ['welcome to sess-1', { type: 'session.welcome', sessionId: 'sess-1', patienceMs: 60_000 }],
    ['welcome to sess-2', { type: 'session.welcome', sessionId: 'sess-2', patienceMs: 60_000 }],
    ['refused: window over', { ...refused, code: 'RESUME_WINDOW_EXPIRED', retryable: false }],
    ['refused: permission', { ...refused, code: 'PERMISSION_DENIED', retryable: false }],
    ['refused: credentials', { ...refused, code: 'UNAUTHENTICATED', retryable: false }],
    ['refused: for now', { ...refused, code: 'INTERNAL_ERROR', retryable: true }],
    ['caught up', { type: 'replay.caughtUp' }],
    ['heartbeat lost', { type: 'heartbeat.lost', ...drawn }],
    ['stream broken', { type: 'stream.broken', reason: 'a gap', ...drawn }],
    ['bye, resumable', { type: 'session.bye', reason: 'shutdown', resumable: true, ...drawn }],
    ['bye for good', { type: 'session.bye', reason: 'shutdown', resumable: false, ...drawn }],
    ['closed', { type: 'session.closed' }],
    ['the application closes', { type: 'close.requested' }],
    ['the application says bye', { type: 'bye.requested' }],
  ] satisfies [string, ClientEvent][]
).map(([name, event]) => ({ name, told: [{ event }] }));

export interface ClientMoment {
  state: string;
  sessionId: string | null;
  isPatient: boolean;
}

/** The client's promise, as a table; undefined where the promise leaves it open. */
export function clientExpected(at: ClientMoment, { name }: Case): Expected | undefined {
  const { state, sessionId, isPatient } = at;
  if (state === 'closed' || state === 'expired') return { state };
  const isAttached = state === 'live' || state === 'resumed';
  const later: Expected = isPatient ? waits : { state: 'closed', effects: { end: 1 } };
  switch (name) {
    case 'the application closes':
    case 'the application says bye': {
      const verb = name === 'the application closes' ? 'sayClose' : 'sayBye';
      if (isAttached) return { state: 'closing', effects: { [verb]: 1 } };
      return state === 'closing' ? { state, effects: { [verb]: 0 } } : { state: 'closed', effects: { end: 1 } };
    }
    case 'lost 1006':
    case 'lost 1008':
    case 'lost 4001':
      return whenLost(at, name, later);
    case 'stream broken':
    case 'heartbeat lost':
      if (isAttached) return waits;
      return name === 'stream broken' && state === 'handshaking' ? later : { state };
    case 'bye, resumable':
      return isAttached ? waits : { state };
    case 'bye for good':
      return isAttached ? { state: 'expired', effects: { expire: 1 } } : { state };
    case 'caught up':
      return { state: state === 'resumed' ? 'live' : state };
    case 'closed':
      return state === 'closing' ? { state: 'closed', effects: { end: 1 } } : { state };
    case 'opened':
      return state === 'connecting' ? { state: 'handshaking', effects: { sayHello: 1 } } : { state };
  }
  if (name.startsWith('after ')) return whenOver(at, name);
  if (state !== 'handshaking') return { state };
  if (name.startsWith('welcome')) {
    if (sessionId === null) return { state: 'live', effects: { attach: 1, resend: 1 } };
    if (name === `welcome to ${sessionId}`) return { state: 'resumed', effects: { attach: 1, resend: 1, prove: 1 } };
    return { state: 'expired', effects: { attach: 0, expire: 1 } };
  }
  const isLostSession = name === 'refused: window over' || name === 'refused: permission';
  if (sessionId !== null && isLostSession) return { state: 'expired', effects: { expire: 1 } };
  return name === 'refused: for now' ? later : { state: 'closed', effects: { end: 1 } };
}

const waits: Expected = { state: 'waiting', effects: { detach: 1 } };

/** A session taken over by another client of the same principal is not taken back. */
function whenLost({ state }: ClientMoment, name: string, later: Expected): Expected | undefined {
  const ended: Expected = { state: 'closed', effects: { end: 1 } };
  if (state === 'closing') return ended;
  if (state === 'waiting') return { state };
  if (state === 'connecting') return later;
  if (name === 'lost 4001') return ended;
  if (name === 'lost 1008') return undefined;
  return state === 'handshaking' ? later : waits;
}

function whenOver({ state, sessionId }: ClientMoment, name: string): Expected {
  if (name.startsWith('after backoff')) return { state: 'connecting', effects: { dial: 1 } };
  if (name.startsWith('after patience')) {
    return sessionId === null
      ? { state: 'closed', effects: { end: 1 } }
      : { state: 'expired', effects: { expire: 1, end: 0 } };
  }
  if (name.startsWith('after close')) return { state: 'closed', effects: { end: 1 } };
  return { state, effects: { abandon: 1 } };
}
