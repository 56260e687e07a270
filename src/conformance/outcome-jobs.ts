import type { FinalStatus } from '../../machines/index.ts';
import type { Act } from './model.ts';
import {
  error,
  isAttached,
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
  const running = at.jobs.find(({ status }) => status !== 'cancelling');
  const cancelling = at.jobs.find(({ status }) => status === 'cancelling');
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
      return running ? ended(at, [running], 'error') : null;
    case 'cancel':
      return isAttached(at) && running ? cancel(proven(at), running) : null;
    case 'cancel again':
      return isAttached(at) && cancelling ? cancel(proven(at), cancelling) : null;
    case 'cancel grace over': {
      const jobs = at.jobs.filter(({ status }) => status === 'cancelling');
      return cancelling && !at.jobs.some(({ status }) => status === 'limited') ? ended(later, jobs, 'cancelled') : null;
    }
    case 'max runtime over': {
      const jobs = at.jobs.filter(({ status }) => status === 'limited');
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
  const id = at.jobs.some((job) => job.id === 'job-1') ? 'job-2' : 'job-1';
  const jobs = [...at.jobs, { id, status: limited ? ('limited' as const) : ('running' as const) }];
  return stays({ ...proven(at), jobs, log: written(at) }, { type: 'job.accepted' });
}

/** Once the submitting session is closed or expired, any session of the principal may cancel (§7). */
function strangersCancel(at: Reference, principal: 'own' | 'another'): Outcome | null {
  const job = at.jobs.find(({ status }) => status !== 'cancelling') ?? at.jobs[0];
  if (!job) return null;
  if (principal === 'another') return stays(at, error('JOB_NOT_FOUND'));
  return at.over === 'no' ? stays(at, error('PERMISSION_DENIED')) : cancel(at, job);
}

function ended(at: Reference, jobs: Reference['jobs'], status: FinalStatus): Outcome {
  const left = at.jobs.filter((job) => !jobs.includes(job));
  const log = at.over === 'no' ? written(at) : at.log;
  return { ...stays(settled({ ...at, jobs: left, log })), terminals: jobs.map(() => status) };
}

function cancel(at: Reference, { id }: ReferenceJob): Outcome {
  const jobs = at.jobs.map((job) => (job.id === id ? { id, status: 'cancelling' as const } : job));
  return stays({ ...at, jobs }, { type: 'job.cancelled' });
}
