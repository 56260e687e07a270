// What a runtime has promised about a job, as the protocol's text has it (§7): held against what the runtime does, by
// test/sim/oracle.ts. Times are the runtime's own, in milliseconds.
import type { FinalStatus } from '../../machines/index.ts';
import { type Decision, mayTell, type PromisedCredential } from './promised-credentials.ts';
import { PromisedHistory } from './promised-history.ts';
import { askedOf, PromisedBudget, type PromisedLease } from './promised-lease.ts';
import type { PromisedSession } from './promised-session.ts';
import type { PromisedResult } from './results.ts';
import type { Policy } from './settings.ts';

export interface PromisedJob {
  /** Empty until the runtime has named it. */
  id: string;
  session: PromisedSession;
  /** What its agent wants of a restart. */
  onRestart: 'fail' | 'rerun';
  /** The job that delegated it. */
  parent: PromisedJob | undefined;
  lease: PromisedLease;
  /** What it may spend; undefined where it has nothing of its own. */
  budget: PromisedBudget | undefined;
  limitAtMs: number;
  /** The same after a restart: counted from the submit. */
  deadlineMs: number;
  /** When it began: a lease that is over by then is seen to be a moment later. */
  beganMs: number;
  /** When its lease ends. */
  expiresMs: number;
  cancelledMs: number;
  /** What its agent did in the end. */
  told: 'nothing' | 'finish' | 'fail';
  toldMs: number;
  /** What it has of services upstream, and how it will end once that is worth nothing. */
  credentials: PromisedCredential[];
  decided: Decision | undefined;
  /** What its agent streams as its result, once it does. */
  result: PromisedResult | undefined;
  /** When the runtime was shut down under it. */
  shutMs: number;
  /** How the end of its process has it end, at once (§3, Crash): the status, and of an error the code. */
  cut: string | undefined;
  /** What the agent said that has yet to be numbered. */
  said: string[];
  /** What it has emitted, for whoever watches it. */
  history: PromisedHistory;
  ended: FinalStatus | undefined;
  /** The code of an end that was none of its agent's. */
  code: string | undefined;
  /** The number of its end in its session. */
  lastSeq: number;
  endedMs: number;
}

/** What a submit with an idempotency key was answered with, and to what (§7). */
export interface Remembered {
  atMs: number;
  parameters: string;
  job: PromisedJob;
  /** Undefined where nobody was told. */
  accepted: string | undefined;
}

interface Asked {
  agent: string;
  parent?: PromisedJob;
  lease?: PromisedLease;
  limitAtMs?: number;
  expiresMs?: number;
}

export function newJob(session: PromisedSession, asked: Asked): PromisedJob {
  const { agent, parent, lease = {}, limitAtMs, expiresMs } = asked;
  const amount = askedOf(lease);
  return {
    id: '',
    session,
    onRestart: agent === 'again' ? 'rerun' : 'fail',
    parent,
    lease,
    budget: amount === undefined ? undefined : new PromisedBudget(amount),
    beganMs: Number.NEGATIVE_INFINITY,
    limitAtMs: limitAtMs ?? Number.POSITIVE_INFINITY,
    deadlineMs: limitAtMs ?? Number.POSITIVE_INFINITY,
    expiresMs: expiresMs ?? parent?.expiresMs ?? Number.POSITIVE_INFINITY,
    cancelledMs: Number.POSITIVE_INFINITY,
    told: 'nothing',
    toldMs: Number.POSITIVE_INFINITY,
    credentials: [],
    decided: undefined,
    result: undefined,
    shutMs: Number.POSITIVE_INFINITY,
    cut: undefined,
    said: ['begun'],
    history: new PromisedHistory(session.kept.newest + 1),
    ended: undefined,
    code: undefined,
    lastSeq: 0,
    endedMs: Number.POSITIVE_INFINITY,
  };
}

/** Whether a job may end so, now; undefined where it may, else why not. */
export function faultOfEnd(
  job: PromisedJob,
  { final_status: status, code }: { final_status: FinalStatus; code?: string },
  { nowMs: momentMs, policy }: { nowMs: number; policy: Policy },
): string | undefined {
  const { cut } = job;
  const { told, cancelledMs, limitAtMs, expiresMs, shutMs } = job.decided ?? job;
  if (cut === undefined && !mayTell(job, momentMs, policy)) return 'ended before its credentials were revoked';
  const nowMs = job.decided?.atMs ?? momentMs;
  const { graceMs } = policy;
  const isCancelled = cancelledMs <= nowMs;
  const isShut = shutMs <= nowMs;
  const causes: Record<FinalStatus, boolean> = {
    success: told === 'finish' && (!isCancelled || cancelledMs === nowMs),
    error:
      code === 'LEASE_EXPIRED'
        ? expiresMs <= nowMs && expiresMs <= cancelledMs
        : code === 'INTERNAL_ERROR' && (told === 'fail' || isShut) && (!isCancelled || cancelledMs === nowMs),
    timed_out: limitAtMs <= nowMs && limitAtMs <= cancelledMs,
    cancelled: isCancelled && (told !== 'nothing' || isShut || cancelledMs + graceMs <= nowMs),
  };
  if (cut === undefined ? causes[status] : [status, code].join(' ').startsWith(cut)) return undefined;
  return `ended ${status} ${code} at ${nowMs}: ${JSON.stringify({ told, cancelledMs, limitAtMs, expiresMs, cut })}`;
}

/** Whether a job should have ended by now. */
export function isOverdue(job: PromisedJob, nowMs: number, policy: Policy): boolean {
  if (job.credentials.length > 0) return job.decided !== undefined && mayTell(job, nowMs, policy);
  const { graceMs } = policy;
  const { told, cancelledMs, cut } = job;
  if (cut !== undefined || told !== 'nothing') return true;
  const overMs = nowMs === job.beganMs ? Number.POSITIVE_INFINITY : Math.min(job.limitAtMs, job.expiresMs);
  return cancelledMs + graceMs <= nowMs || (overMs <= nowMs && overMs < cancelledMs);
}
