import { ArcpError } from '../wire/errors.ts';
import type { JobStatus } from '../wire/listing-messages.ts';
import type { ClientFrameOf } from '../wire/messages.ts';

/** The job a request is about: named on the envelope or in the payload, or in both alike. */
export function namedJob(frame: ClientFrameOf<'job.cancel' | 'job.subscribe' | 'job.unsubscribe'>): string {
  const { job_id: envelopeId, payload, type } = frame;
  if (envelopeId !== undefined && payload.job_id !== undefined && envelopeId !== payload.job_id) {
    throw new ArcpError('INVALID_REQUEST', 'the job_id of the envelope and of the payload differ');
  }
  const jobId = payload.job_id ?? envelopeId;
  if (jobId === undefined) throw new ArcpError('INVALID_REQUEST', `${type} needs a job_id`);
  return jobId;
}

/** Of a request that comes too late for its job. */
export function jobHasEnded(jobId: string, status: JobStatus | undefined): ArcpError {
  return new ArcpError('JOB_NOT_FOUND', `job ${jobId} has ended`, { reason: 'ended', final_status: status });
}
