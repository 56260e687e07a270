import { jobSetup } from './job.setup.ts';

/**
 * The life of one job (§7): exactly one terminal, whatever races. A connection is nowhere in it: no job can observe one.
 * `cancelling` is `running` on the wire: the cancel is acknowledged, the agent's signal has fired, its end is awaited.
 * So is `revoking`: how the job ends is decided, and its terminal waits until its credentials are worth nothing (§9.8).
 * A job without any passes through it in the same step.
 */
export const jobMachine = jobSetup.createMachine({
  id: 'job',
  context: ({ input }) => input,
  output: ({ context }) => ({ jobId: context.jobId }),
  initial: 'pending',
  on: { '*': { actions: 'ignore' } },
  states: {
    pending: {
      on: {
        'job.start': 'running',
        'job.interrupted': { target: 'error', actions: 'recordInterrupted' },
        'job.overdue': { target: 'timed_out', actions: 'recordTimeout' },
        'lease.expired': { target: 'error', actions: 'recordExpiry' },
        'job.cancel': { target: 'cancelled', actions: 'recordCancelled' },
      },
    },
    running: {
      entry: 'startAgent',
      after: {
        maxRuntimeMs: { target: 'revoking.overdue', actions: 'abortAgent' },
        leaseExpiryMs: { target: 'revoking.expired', actions: 'abortAgent' },
      },
      on: {
        'agent.returned': 'revoking.returned',
        'agent.failed': 'revoking.failed',
        'lease.expired': { target: 'revoking.expired', actions: 'abortAgent' },
        'job.cancel': 'cancelling',
        'parent.ended': 'cancelling',
        'session.over': 'cancelling',
        'runtime.shutdown': { target: 'revoking.failed', actions: 'abortAgent' },
      },
    },
    cancelling: {
      entry: ['acknowledgeCancel', 'abortAgent'],
      after: { cancelGraceMs: 'revoking.stopped' },
      on: {
        'agent.returned': 'revoking.stopped',
        'agent.failed': 'revoking.stopped',
        'runtime.shutdown': 'revoking.stopped',
        'job.cancel': { actions: 'acknowledgeCancel' },
      },
    },
    revoking: {
      entry: 'revoke',
      initial: 'returned',
      after: { revocationGraceMs: { actions: ['reportUnrevoked', 'uncountCredentials'] } },
      on: {
        'credentials.revoked': { actions: 'uncountCredentials' },
        'job.cancel': { actions: 'refuseLateCancel' },
      },
      states: {
        returned: { always: { guard: 'nothingOutstanding', target: '#job.success', actions: 'recordResult' } },
        failed: { always: { guard: 'nothingOutstanding', target: '#job.error', actions: 'recordError' } },
        expired: { always: { guard: 'nothingOutstanding', target: '#job.error', actions: 'recordExpiry' } },
        stopped: {
          always: { guard: 'nothingOutstanding', target: '#job.cancelled', actions: 'recordCancelled' },
          on: { 'job.cancel': { actions: 'acknowledgeCancel' } },
        },
        overdue: { always: { guard: 'nothingOutstanding', target: '#job.timed_out', actions: 'recordTimeout' } },
      },
    },
    success: { type: 'final' },
    error: { type: 'final' },
    cancelled: { type: 'final' },
    timed_out: { type: 'final' },
  },
});
