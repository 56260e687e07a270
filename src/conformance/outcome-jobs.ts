import type { FinalStatus } from '../../machines/index.ts';
import type { Act } from './model.ts';
import {
  cancelled,
  endOf,
  error,
  hasCredential,
  isAttached,
  isCancelling,
  isRunning,
  type Outcome,
  proven,
  type Reference,
  type ReferenceJob,
  settled,
  stays,
  written,
} from './reference.ts';
import { nextName } from './wire-jobs.ts';

export const jobsMax = 2;

/** What becomes of jobs, and of whoever asks about one (§7). `the job` is the oldest in a status. */
export function jobOutcome(at: Reference, act: Act): Outcome | null {
  const running = at.jobs.find(isRunning);
  const cancelling = at.jobs.find(isCancelling);
  // Time that passes while connected is time in which the client is heard.
  const later = isAttached(at) ? proven(at) : at;
  switch (act.do) {
    case 'submit':
      return submit(at, act.with);
    case 'emit':
      return running && at.over === 'no' ? stays({ ...at, log: written(at) }) : null;
    case 'emit much':
      return isAttached(at) && running && at.log === 'whole' ? stays({ ...at, log: 'long' }) : null;
    case 'agent': {
      const job = act.of === 'running' ? running : cancelling;
      const status = act.of === 'cancelling' ? 'cancelled' : act.ends === 'returns' ? 'success' : 'error';
      return job ? ended(at, [job], status) : null;
    }
    case 'job fault':
      return running && running.status !== 'provisioned' ? ended(at, [running], 'error') : null;
    case 'submit with a credential':
      return at.state === 'live' && at.jobs.length === 0 ? submitted(at, 'provisioned') : null;
    case 'revocation done':
      return revoked(at);
    case 'revocation grace over':
      return revoked(later);
    case 'cancel the ended job':
      return isAttached(at) ? lateCancel(proven(at)) : null;
    case 'cancel':
      return isAttached(at) && running ? cancel(proven(at), running) : null;
    case 'cancel again':
      return isAttached(at) && cancelling ? cancel(proven(at), cancelling) : null;
    case 'cancel grace over': {
      const jobs = at.jobs.filter(isCancelling);
      return cancelling && !at.jobs.some(({ status }) => status === 'limited') ? ended(later, jobs, 'cancelled') : null;
    }
    case 'max runtime over': {
      const jobs = at.jobs.filter(({ status }) => status === 'limited' || status === 'provisioned');
      return jobs.length > 0 && !cancelling ? ended(later, jobs, 'timed_out') : null;
    }
    case 'lease over':
      return leaseOver(act.found === 'by the clock' ? later : at);
    case 'delegate':
      return delegate(at);
    case "stranger's cancel":
      return strangersCancel(at, act.principal);
    default:
      return null;
  }
}

const statusWith = { nothing: 'running', max_runtime_sec: 'limited', expires_at: 'leased' } as const;

function submit(at: Reference, what: keyof typeof statusWith): Outcome | null {
  // A second job is walked beside one that merely runs.
  const alone = at.jobs.length === 0;
  const beside = at.jobs.length < jobsMax && at.jobs[0]?.status === 'running' && what === 'nothing';
  if (!isAttached(at) || !(alone || beside)) return null;
  return submitted(at, statusWith[what]);
}

function submitted(at: Reference, status: ReferenceJob['status']): Outcome {
  const jobs = [...at.jobs, { id: nextName(at), status }];
  return stays({ ...proven(at), jobs, log: written(at) }, { type: 'job.accepted' });
}

function leaseOver(at: Reference): Outcome | null {
  const jobs = at.jobs.filter(({ status }) => status === 'leased');
  return jobs.length > 0 ? ended(at, jobs, 'error') : null;
}

/** A job hands on work whoever is there: its child is a job of the same session, and runs like any other (§10). */
function delegate(at: Reference): Outcome | null {
  const [parent, ...others] = at.jobs;
  if (parent?.status !== 'running' || others.length > 0) return null;
  const jobs = [...at.jobs, { id: nextName(at), status: 'running' as const, parent: parent.id }];
  return stays({ ...at, jobs, log: at.over === 'no' ? written(at) : at.log });
}

/** What was issued is worth nothing, or the terminal waits for that no longer (§9.8). */
function revoked(at: Reference): Outcome | null {
  const job = at.jobs.find((one) => endOf(one) !== undefined);
  const end = job && endOf(job);
  return end ? terminated(at, [job], end) : null;
}

/** A job from its submit to its end. */
export function workOutcome(at: Reference, status: FinalStatus): Outcome | null {
  if (at.state !== 'live' || at.jobs.length > 0) return null;
  return { ...stays({ ...proven(at), log: written(at) }, { type: 'job.accepted' }), terminals: [status] };
}

/** How the job ends is decided: a cancel comes too late, or is one more (§7). */
function lateCancel(at: Reference): Outcome | null {
  const end = at.jobs.map(endOf).find((one) => one !== undefined);
  if (!end) return null;
  return stays(at, end === 'cancelled' ? { type: 'job.cancelled' } : error('JOB_NOT_FOUND', 'ended'));
}

/** Once the submitting session is closed or expired, any session of the principal may cancel (§7). */
function strangersCancel(at: Reference, principal: 'own' | 'another'): Outcome | null {
  const job = at.jobs.find(isRunning) ?? at.jobs[0];
  if (!job) return null;
  if (principal === 'another') return stays(at, error('JOB_NOT_FOUND'));
  return at.over === 'no' ? stays(at, error('PERMISSION_DENIED')) : cancel(at, job);
}

/** Jobs come to their end; where they have a credential, it has to be revoked first (§9.8). */
function ended(at: Reference, jobs: Reference['jobs'], status: FinalStatus): Outcome {
  if (!jobs.some(hasCredential)) return terminated(at, jobs, status);
  const waiting = at.jobs.map((job) => (jobs.includes(job) ? { ...job, status: `revoking, ${status}` as const } : job));
  return stays({ ...at, jobs: waiting });
}

function terminated(at: Reference, jobs: Reference['jobs'], status: FinalStatus): Outcome {
  const left = at.jobs.filter((job) => !jobs.includes(job)).map((job) => orphaned(job, jobs));
  const log = at.over === 'no' ? written(at) : at.log;
  return { ...stays(settled({ ...at, jobs: left, log })), terminals: jobs.map(() => status) };
}

/** With its parent's end a job is cancelled (§10). */
function orphaned(job: ReferenceJob, gone: Reference['jobs']): ReferenceJob {
  const { parent, ...orphan } = job;
  return gone.some(({ id }) => id === parent) ? cancelled(orphan) : job;
}

function cancel(at: Reference, { id }: ReferenceJob): Outcome {
  const jobs = at.jobs.map((job) => (job.id === id ? cancelled(job) : job));
  return stays({ ...at, jobs }, { type: 'job.cancelled' });
}
