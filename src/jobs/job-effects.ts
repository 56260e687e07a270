import type { JobEvent } from '../../machines/index.ts';
import type { JobContext } from '../../machines/job.setup.ts';
import type { EffectsWorld } from '../effects.ts';
import { ArcpError } from '../wire/errors.ts';
import type { Job } from './job.ts';

interface JobMoment {
  context: JobContext;
  event: JobEvent;
  self: { send(event: JobEvent): void };
}

/** What each effect named in machines/job.ts does to the world. */
// tidy: one table, a line or a few for each effect of the chart
export function jobEffects(world: EffectsWorld) {
  const { settings } = world;
  const jobOf = ({ context }: JobMoment): Job => {
    const job = world.jobs().live(context.jobId);
    if (!job) throw new Error(`effect of a job that is gone: ${context.jobId}`);
    return job;
  };
  const end = (moment: JobMoment, record: (job: Job) => void) => {
    const job = jobOf(moment);
    // A job of a session that failed has ended already, untold.
    if (job.status === 'running') record(job);
    world.jobs().settle(job);
  };
  return {
    startAgent: (moment: JobMoment) => {
      const job = jobOf(moment);
      void job.run((event) => {
        // The job may have ended without its agent: timed out, or its grace is over.
        if (job.status === 'running') moment.self.send(event);
      });
    },
    abortAgent: (moment: JobMoment) =>
      jobOf(moment).abort.abort(new ArcpError(codeOf(moment.event), `the job ends: ${moment.event.type}`)),
    acknowledgeCancel: (moment: JobMoment) => {
      const job = jobOf(moment);
      const { event } = moment;
      if (event.type === 'parent.ended' || event.type === 'session.over') {
        job.cancel = event.type === 'parent.ended' ? { reason: 'its parent has ended' } : {};
        world.jobs().keep(job);
      }
      if (event.type !== 'job.cancel' || !event.asker) return;
      if (job.cancelReason === undefined) job.cancel = reasonOf(event);
      world.jobs().keep(job);
      const connection = world.registry().connections.get(event.asker.connectionId);
      const principal = connection?.session.principal ?? '';
      world.audit({ action: 'cancel', outcome: 'allowed', principal, sessionId: job.session.id, jobId: job.id });
      const payload = { job_id: job.id, ...reasonOf(event) };
      connection?.reply(
        'job.cancelled',
        { requestId: event.asker.requestId, jobId: job.id, traceId: job.traceId },
        payload,
      );
    },
    refuseLateCancel: ({ context, event }: JobMoment) => {
      if (event.type !== 'job.cancel' || !event.asker) return;
      const { connectionId, requestId } = event.asker;
      const error = new ArcpError('JOB_NOT_FOUND', `job ${context.jobId} has ended`, { reason: 'ended' });
      const refused = { requestId, type: event.type, jobId: context.jobId };
      world.registry().connections.get(connectionId)?.refuse(refused, error);
    },
    revoke: (moment: JobMoment) => {
      const { self } = moment;
      const job = jobOf(moment);
      if (job.credentials.length === 0) return;
      void world.credentials.revoke(job).then(() => {
        // Its terminal may have waited long enough, or the process ends.
        if (world.jobs().live(job.id) === job) self.send({ type: 'credentials.revoked' });
      });
    },
    reportUnrevoked: (moment: JobMoment) => {
      const { id, credentials } = jobOf(moment);
      const fields = { jobId: id, credentialIds: credentials.map((credential) => credential.id) };
      settings.log.error(fields, 'a job ends before its credentials are revoked; that is tried on');
    },
    recordResult: (moment: JobMoment) => end(moment, (job) => job.recordResult()),
    recordError: (moment: JobMoment) =>
      end(moment, (job) => job.recordError('error', 'INTERNAL_ERROR', 'the agent failed')),
    recordInterrupted: (moment: JobMoment) =>
      end(moment, (job) => job.recordError('error', 'INTERNAL_ERROR', 'the runtime was restarted while the job ran')),
    recordExpiry: (moment: JobMoment) =>
      end(moment, (job) => job.recordError('error', 'LEASE_EXPIRED', 'the lease has ended before the job')),
    recordCancelled: (moment: JobMoment) =>
      end(moment, (job) => job.recordError('cancelled', 'CANCELLED', 'the job was cancelled')),
    recordTimeout: (moment: JobMoment) =>
      end(moment, (job) => job.recordError('timed_out', 'TIMEOUT', 'the job ran longer than its max_runtime_sec')),
    ignore: () => {},
  };
}

function reasonOf({ reason }: { reason?: string }): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

/** What an agent's signal fires with. */
function codeOf({ type }: JobEvent): 'LEASE_EXPIRED' | 'CANCELLED' {
  return type === 'lease.expired' || type.startsWith('xstate.after.leaseExpiryMs') ? 'LEASE_EXPIRED' : 'CANCELLED';
}
