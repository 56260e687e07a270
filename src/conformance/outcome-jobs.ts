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

export const jobsMax = 2;

/** What becomes of jobs, and of whoever asks about one (§7). `the job` is the oldest in a status. */
export function jobOutcome(at: Reference, act: Act): Outcome | null {
  const running = at.jobs.find(isRunning);
  const cancelling = at.jobs.find(isCancelling);
  // Time that passes while connected is time in which the client is heard.
  const later = isAttached(at) ? proven(at) : at;
  switch (act.do) {
    case 'submit':
      return submit(at, act.limited);
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
    case "stranger's cancel":
      return strangersCancel(at, act.principal);
    default:
      return null;
  }
}

function submit(at: Reference, limited: boolean): Outcome | null {
  // A second job is walked beside one that merely runs.
  const alone = at.jobs.length === 0;
  const beside = at.jobs.length < jobsMax && at.jobs[0]?.status === 'running' && !limited;
  if (!isAttached(at) || !(alone || beside)) return null;
  return submitted(at, limited ? 'limited' : 'running');
}

function submitted(at: Reference, status: ReferenceJob['status']): Outcome {
  const id = at.jobs.some((job) => job.id === 'job-1') ? 'job-2' : 'job-1';
  return stays({ ...proven(at), jobs: [...at.jobs, { id, status }], log: written(at) }, { type: 'job.accepted' });
}

/** What was issued is worth nothing, or the terminal waits for that no longer (§9.8). */
function revoked(at: Reference): Outcome | null {
  const job = at.jobs.find((one) => endOf(one) !== undefined);
  const end = job && endOf(job);
  return end ? terminated(at, [job], end) : null;
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
  const waiting = at.jobs.map((job) =>
    jobs.includes(job) ? { id: job.id, status: `revoking, ${status}` as const } : job,
  );
  return stays({ ...at, jobs: waiting });
}

function terminated(at: Reference, jobs: Reference['jobs'], status: FinalStatus): Outcome {
  const left = at.jobs.filter((job) => !jobs.includes(job));
  const log = at.over === 'no' ? written(at) : at.log;
  return { ...stays(settled({ ...at, jobs: left, log })), terminals: jobs.map(() => status) };
}

function cancel(at: Reference, { id }: ReferenceJob): Outcome {
  const jobs = at.jobs.map((job) => (job.id === id ? cancelled(job) : job));
  return stays({ ...at, jobs }, { type: 'job.cancelled' });
}
