import type { Job } from '../jobs/job.ts';
import { tracedAuthority } from '../leases/authority.ts';
import type { JobTrace } from './tracing.ts';

/** Tells of the work of an agent on a job, where anybody is to be told. */
export function traceJob({ id, session, traceId, accepted, authority, settings }: Job): JobTrace | undefined {
  return settings.tracing?.job({
    ...{ jobId: id, sessionId: session.id, agent: accepted.agent, traceId },
    authority: () => tracedAuthority(authority),
  });
}
