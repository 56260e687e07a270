// A session as the protocol's tables have it (§3 to §7 of docs/protocol.md), and the few moves that outcomes are made of.
// Written from the protocol and not from the charts: what the charts, the runtime and any server are held against.
import type { FinalStatus } from '../../machines/index.ts';

export interface Policy {
  onBye: 'cancel' | 'keep';
  onExpire: 'cancel' | 'keep';
  /** `keep`: the store lasts, and what runs outlives the process. Default `abandon`. */
  onShutdown?: 'abandon' | 'keep';
  /** What becomes of a job that the end of a process has cut. Default `fail`. */
  onRestart?: 'fail' | 'rerun';
}

/**
 * `limited` runs as `running` does, with a `max_runtime_sec`, and `leased` with an `expires_at`; `provisioned` as `limited` does, with a credential. While that
 * is being revoked, how the job ends is decided.
 */
export interface ReferenceJob {
  id: string;
  status:
    | 'running'
    | 'limited'
    | 'leased'
    | 'cancelling'
    | 'provisioned'
    | 'provisioned, cancelling'
    | `revoking, ${FinalStatus}`;
  /** The job that delegated it (§10). */
  parent?: string;
}

/** Where a session is in its life, as the protocol has it. */
export interface Reference {
  state: 'handshaking' | 'live' | 'resumed' | 'detached' | 'closed' | 'expired' | 'ended';
  /** Why it is over: never authenticated, said goodbye, or came too late; `shutdown` where the runtime itself is. */
  over: 'no' | 'refused' | 'closed' | 'expired' | 'shutdown';
  refusals: number;
  /** Tokens that open it. */
  tokens: 0 | 1 | 2;
  /** A token of it has died by rotation. */
  superseded: boolean;
  jobs: readonly ReferenceJob[];
  /** `long` is more than a socket holds. */
  log: 'empty' | 'whole' | 'long' | 'trimmed';
  /** A replaced connection has not noticed yet. */
  ghost: boolean;
  /** It is in another process than before, and nobody has come back to it yet. */
  restarted: boolean;
}

export interface Answer {
  type: string;
  code?: string;
  /** `details.reason` of a refused resume, where the asker is the rightful principal. */
  reason?: string;
}

/** What has to come of an act. */
export interface Outcome {
  next: Reference;
  /** What the acting connection, or the session's, is told; null for nothing. */
  answer: Answer | null;
  /** The code that connection is closed with; null where it stays open or closed by itself. */
  closes: number | null;
  /** A replaced connection is closed 4001. */
  supersedes: boolean;
  /** Terminals written to the log, in order. */
  terminals: readonly FinalStatus[];
}

export const beginning: Reference = {
  state: 'handshaking',
  over: 'no',
  refusals: 0,
  tokens: 0,
  superseded: false,
  jobs: [],
  log: 'empty',
  ghost: false,
  restarted: false,
};

/** Its agent is at work, and nobody has told it to stop. */
export function isRunning({ status }: ReferenceJob): boolean {
  return status === 'running' || status === 'limited' || status === 'leased' || status === 'provisioned';
}

export function isCancelling({ status }: ReferenceJob): boolean {
  return status === 'cancelling' || status === 'provisioned, cancelling';
}

/** How a job ends whose credential is being revoked. */
export function endOf({ status }: ReferenceJob): FinalStatus | undefined {
  return endings.find((end) => status === `revoking, ${end}`);
}

export function hasCredential(job: ReferenceJob): boolean {
  return job.status.startsWith('provisioned') || endOf(job) !== undefined;
}

/** Its agent has been told to stop. */
export function isStopped(job: ReferenceJob): boolean {
  const end = endOf(job);
  return isCancelling(job) || end === 'cancelled' || end === 'timed_out';
}

const endings = ['success', 'error', 'cancelled', 'timed_out'] as const;

export function cancelled(job: ReferenceJob): ReferenceJob {
  if (endOf(job)) return job;
  return { ...job, status: hasCredential(job) ? 'provisioned, cancelling' : 'cancelling' };
}

export function isAttached({ state }: Reference): boolean {
  return state === 'live' || state === 'resumed';
}

export function stays(at: Reference, answer: Answer | null = null): Outcome {
  return { next: at, answer, closes: null, supersedes: false, terminals: [] };
}

export function error(code: string, reason?: string): Answer {
  return { type: 'session.error', code, ...(reason === undefined ? {} : { reason }) };
}

/** Any frame on the connection shows that the client has its newest token: the one before it dies. */
export function proven(at: Reference): Reference {
  return at.tokens === 2 ? { ...at, tokens: 1, superseded: true } : at;
}

/** The connection is gone; a window begins. */
export function detached(at: Reference, answer: Answer | null, closes: number | null): Outcome {
  return { ...stays({ ...at, state: 'detached', ghost: false }, answer), closes };
}

/** No timer of a job runs, so that time can pass without one of them firing. */
export function isCalm({ jobs }: Reference): boolean {
  return jobs.every(({ status }) => status === 'running');
}

export function written({ log }: Reference): Reference['log'] {
  return log === 'empty' ? 'whole' : log;
}

/** Closed or expired: nothing opens it any more, and it ends with its last job. */
export function over(at: Reference, how: 'closed' | 'expired', jobs: 'cancel' | 'keep'): Outcome {
  const left: Reference['jobs'] = jobs === 'keep' ? at.jobs : at.jobs.map(cancelled);
  return stays(
    settled({ ...at, state: how, over: how, tokens: 0, superseded: false, log: 'empty', ghost: false, jobs: left }),
  );
}

export function settled(at: Reference): Reference {
  return at.over !== 'no' && at.jobs.length === 0 ? { ...at, state: 'ended' } : at;
}
