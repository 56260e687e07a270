import { jobSetup } from './job.setup.ts';

/**
 * The life of one job (§7): exactly one terminal, whatever races. A connection is nowhere in it: no job can observe one.
 * `cancelling` is `running` on the wire: the cancel is acknowledged, the agent's signal has fired, its end is awaited.
 */
export const jobMachine = jobSetup.createMachine({
  id: 'job',
  context: ({ input }) => input,
  output: ({ context }) => ({ jobId: context.jobId }),
  initial: 'pending',
  on: { '*': { actions: 'ignore' } },
  states: {
    pending: { on: { 'job.start': 'running' } },
    running: {
      entry: 'startAgent',
      after: { maxRuntimeMs: 'timed_out' },
      on: {
        'agent.returned': { target: 'success', actions: 'recordResult' },
        'agent.failed': { target: 'error', actions: 'recordError' },
        'job.cancel': 'cancelling',
        'runtime.shutdown': { target: 'error', actions: ['abortAgent', 'recordError'] },
      },
    },
    cancelling: {
      entry: ['acknowledgeCancel', 'abortAgent'],
      after: { cancelGraceMs: 'cancelled' },
      on: {
        'agent.returned': 'cancelled',
        'agent.failed': 'cancelled',
        'runtime.shutdown': 'cancelled',
        'job.cancel': { actions: 'acknowledgeCancel' },
      },
    },
    success: { type: 'final' },
    error: { type: 'final' },
    cancelled: { type: 'final', entry: 'recordCancelled' },
    timed_out: { type: 'final', entry: ['abortAgent', 'recordTimeout'] },
  },
});
