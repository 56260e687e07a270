import type { JobFate } from '../../machines/index.ts';
import type { Agent } from '../jobs/agents.ts';
import { Job } from '../jobs/job.ts';
import type { JobOptions } from '../jobs/job-options.ts';
import type { Session } from '../session.ts';
import type { Credential } from '../wire/messages.ts';
import type { JobParts } from './job-parts.ts';
import { type JobRecord, withoutSecrets } from './records.ts';

/** What is known of a job that the end of a process has cut. */
export interface RestoredJob {
  record: JobRecord;
  session: Session;
  parts: JobParts;
  /** The newest event of its session that was found on disk. */
  foundSeq: number;
  /** The credentials it has in this process; undefined where they could not be had. */
  issued: readonly Credential[] | undefined;
}

/** A job as the next process is to find it. What only a run needs is kept while it runs. */
export function jobRecord(job: Job, untilMs: number): object {
  const { session, status, traceId, input, accepted, cancel, deadlineMs, firstSeq } = job;
  const run = { input, cancel, deadlineMs };
  const end = { lastSeq: session.log.newestSeq, untilMs };
  return {
    session: session.id,
    principal: session.principal,
    agent: accepted.agent,
    traceId,
    accepted: withoutSecrets(accepted),
    status,
    firstSeq,
    ...(status === 'running' ? run : end),
  };
}

/** The job as it was; where its agent is not served any more, it can only end. */
export function restoredJob(
  id: string,
  options: Pick<
    JobOptions,
    'settings' | 'session' | 'provisioning' | 'history' | 'authority' | 'delegate' | 'audit' | 'kept'
  > & {
    record: JobRecord;
    agent: Agent | undefined;
  },
): Job {
  const { record, agent = gone(record.agent), ...possessions } = options;
  const { input, traceId, accepted, deadlineMs, firstSeq, cancel } = record;
  const limit = deadlineMs === undefined ? {} : { deadlineMs };
  const job = new Job({ id, agent, input, traceId, accepted, firstSeq, ...limit, ...possessions });
  job.cancel = cancel;
  return job;
}

/**
 * What becomes of it: a cancel that was acknowledged is kept, time that is over is over, the rest is its agent's wish. A
 * delegated job cannot go on: nobody waits for it any more.
 */
export function fateOf(
  { cancel, accepted }: JobRecord,
  agent: Agent | undefined,
  { leftMs, leaseLeftMs }: { leftMs: number | null; leaseLeftMs: number | null },
): JobFate {
  if (cancel) return 'job.cancel';
  if (leftMs !== null && leftMs <= 0) return 'job.overdue';
  if (leaseLeftMs !== null && leaseLeftMs <= 0) return 'lease.expired';
  if (accepted.parent_job_id !== undefined) return 'job.interrupted';
  return agent === undefined || agent.onRestart === 'fail' ? 'job.interrupted' : 'job.start';
}

function gone(reference: string): Agent {
  const [name = '', version = ''] = reference.split('@');
  return { name, version, onRestart: 'fail', run: () => {} };
}
