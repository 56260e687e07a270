import type { KeptMedium } from '../support/kept-medium.ts';
import type { PromisedJob, Remembered } from './promised-job.ts';
import { PromisedBudget } from './promised-lease.ts';
import { Kept, PromisedSession } from './promised-session.ts';
import type { Policy } from './settings.ts';

/** All that is promised, as it was when something was written: what the next process has to go on from (§3, Crash). */
export interface Remains {
  /** In the runtime's own time, which stands still while no process runs, and in everybody's. */
  atMs: number;
  wallMs: number;
  sessions: ReadonlyMap<string, Left>;
  keys: ReadonlyMap<string, Remembered>;
  /** Ids of credentials that may be live upstream. */
  outstanding: ReadonlySet<string>;
}

interface Left {
  session: PromisedSession;
  newestSeq: number;
}

/** What is promised, by where in the store it is written: whatever is committed there is to be found by the next process. */
export class Journal {
  #entries: { position: number; remains: Remains }[] = [];

  add(position: number, remains: Remains): void {
    this.#entries.push({ position, remains });
  }

  upTo(committed: number): Remains | undefined {
    return this.#entries.filter(({ position }) => position <= committed).at(-1)?.remains;
  }

  /** What is before that will not be gone back to. */
  forget(committed: number): void {
    const from = this.#entries.findLastIndex(({ position }) => position <= committed);
    if (from > 0) this.#entries.splice(0, from);
  }
}

export function remainsOf(known: {
  sessions: ReadonlyMap<string, PromisedSession>;
  keys: ReadonlyMap<string, Remembered>;
  nowMs(): number;
  wallMs(): number;
  outstanding: ReadonlySet<string>;
}): Remains {
  const sessions = [...known.sessions].map(([id, session]): [string, Left] => [
    id,
    { session: copyOf(session, session.kept), newestSeq: session.kept.newest },
  ]);
  return {
    atMs: known.nowMs(),
    wallMs: known.wallMs(),
    sessions: new Map(sessions),
    keys: new Map(known.keys),
    outstanding: new Set(known.outstanding),
  };
}

function copyOf(session: PromisedSession, kept: Kept): PromisedSession {
  const copy = new PromisedSession(session.id, { ...session, kept });
  const { state, detachedMs, expiredMs, acked, written, freed, cold, lag } = session;
  Object.assign(copy, { state, detachedMs, expiredMs, acked, written, freed, cold, lag });
  copy.tokens = session.tokens.map((token) => token);
  const jobs = new Map<PromisedJob, PromisedJob>();
  for (const job of session.jobs) {
    const [history, budget] = [job.history.copy(), job.budget?.copy()];
    const anew = { said: [], result: undefined, credentials: [], decided: undefined };
    const parent = job.parent && jobs.get(job.parent);
    jobs.set(job, { ...job, session: copy, parent, history, budget, ...anew });
  }
  copy.jobs = [...jobs.values()];
  copy.watches = new Map([...session.watches].map(([id, watch]) => [id, { ...watch }]));
  return copy;
}

/** What goes on in the next process, when it has found that on its disk. */
export function goOn(
  remains: Remains,
  { medium, wallMs, policy }: { medium: KeptMedium; wallMs: number; policy: Policy },
): { sessions: PromisedSession[]; faults: string[] } {
  const faults: string[] = [];
  const sessions = [...remains.sessions.values()].map((left) => {
    const { session } = left;
    const isLost = session.state === 'closed' || session.state === 'expired' || session.state === 'failed';
    if (!isLost) faults.push(...faultsOnDisk(left, medium));
    // Nobody can ask what an event of a session that is over was called.
    const newestSeq = isLost ? medium.numbers(session.id).newestSeq : left.newestSeq;
    const own = copyOf(session, new Kept(session.kept.texts.slice(0, newestSeq)));
    own.cold = own.durable = newestSeq;
    own.freed = isLost ? newestSeq : freedOnDisk(session.id, medium);
    if (!isLost && own.freed > session.freed) faults.push(`${own.id} has lost what is behind ${session.freed}`);
    own.acked = Math.min(Math.max(own.acked, own.freed), newestSeq);
    own.tokens = own.tokens.map(({ text, fenceSeq }) => ({ text, fenceSeq: Math.min(fenceSeq, newestSeq) }));
    own.lag = 'untold';
    if (own.state === 'attached') own.detach(remains.atMs);
    const passedMs = wallMs - remains.wallMs;
    for (const job of own.running) cut(job, { passedMs, nowMs: remains.atMs });
    const onDiskSeq = medium.numbers(session.id).newestSeq;
    for (const job of own.jobs)
      job.history = job.history.left(job.ended ? Math.min(job.lastSeq, onDiskSeq) : onDiskSeq);
    own.lapse(remains.atMs, policy);
    return own;
  });
  return { sessions, faults };
}

/** The end of its process ends a job, or has it begin again, as its agent wants. Its limits are in everybody's time. */
function cut(job: PromisedJob, { passedMs, nowMs }: { passedMs: number; nowMs: number }): void {
  job.deadlineMs -= passedMs;
  job.limitAtMs = job.deadlineMs;
  job.beganMs = Number.NEGATIVE_INFINITY;
  job.expiresMs -= passedMs;
  job.told = 'nothing';
  job.toldMs = Number.POSITIVE_INFINITY;
  // What was told of it is told by nobody now.
  job.budget = job.budget && new PromisedBudget(job.budget.granted, job.budget.left);
  if (job.cancelledMs <= nowMs) job.cut = 'cancelled';
  else if (job.limitAtMs <= nowMs) job.cut = 'timed_out';
  else if (job.expiresMs <= nowMs) job.cut = 'error LEASE_EXPIRED';
  else if (job.parent || job.onRestart === 'fail') job.cut = 'error INTERNAL_ERROR';
  else job.said = ['status restarted', 'begun'];
}

function* faultsOnDisk({ session, newestSeq }: Left, medium: KeptMedium): Iterable<string> {
  const found = medium.numbers(session.id);
  if (found.newestSeq !== newestSeq) yield `${session.id} left ${found.newestSeq} events, and has kept ${newestSeq}`;
  const texts = session.kept.texts.slice(found.trimmedSeq, newestSeq);
  if (medium.frames(session.id).join('\n') !== texts.join('\n'))
    yield `${session.id} left other events than it has kept`;
}

/** Events up to here are said to be gone: no more than that may be. */
function freedOnDisk(sessionId: string, medium: KeptMedium): number {
  const { trimmedSeq, newestSeq } = medium.numbers(sessionId);
  const { trimmedSeq: written = 0 }: { trimmedSeq?: number } = JSON.parse(
    medium.record('session', sessionId)?.body ?? '{}',
  );
  return Math.min(Math.max(trimmedSeq, written), newestSeq);
}
