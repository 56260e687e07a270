import { setup } from 'xstate';
import type { JobEvent, JobOutput } from './events.ts';

/** What a job's chart is told when it begins. Durations in milliseconds. */
export interface JobInput {
  jobId: string;
  /** `max_runtime_sec` (§7), null for none. */
  maxRuntimeMs: number | null;
  cancelGraceMs: number;
}

export type JobContext = JobInput;

const effect = () => {};

/** Types, delays and the names of every effect of the job chart (machines/job.ts). */
export const jobSetup = setup({
  types: {
    context: {} as JobContext,
    input: {} as JobInput,
    events: {} as JobEvent,
    output: {} as JobOutput,
  },
  delays: {
    // A clock never fires an infinite delay (src/clock.ts).
    maxRuntimeMs: ({ context }) => context.maxRuntimeMs ?? Number.POSITIVE_INFINITY,
    cancelGraceMs: ({ context }) => context.cancelGraceMs,
  },
  actions: {
    startAgent: effect,
    abortAgent: effect,
    acknowledgeCancel: effect,
    recordResult: effect,
    recordError: effect,
    recordCancelled: effect,
    recordTimeout: effect,
    ignore: effect,
  },
});
