import { assign, setup } from 'xstate';
import type { JobEvent, JobOutput } from './events.ts';

/** What a job's chart is told when it begins. Durations in milliseconds. */
export interface JobInput {
  jobId: string;
  /** `max_runtime_sec` (§7), null for none. */
  maxRuntimeMs: number | null;
  /** How long its lease is good for (§9.5), null for as long as it runs. */
  leaseExpiryMs: number | null;
  cancelGraceMs: number;
  /** How long the terminal waits for the revocation of the job's credentials (§9.8). */
  revocationGraceMs: number;
  /** How many credentials were issued for it; never what they are. */
  credentials: number;
}

/** `credentials`: those whose revocation the terminal still waits for. */
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
    leaseExpiryMs: ({ context }) => context.leaseExpiryMs ?? Number.POSITIVE_INFINITY,
    cancelGraceMs: ({ context }) => context.cancelGraceMs,
    revocationGraceMs: ({ context }) =>
      context.credentials > 0 ? context.revocationGraceMs : Number.POSITIVE_INFINITY,
  },
  guards: {
    nothingOutstanding: ({ context }) => context.credentials === 0,
  },
  actions: {
    startAgent: effect,
    abortAgent: effect,
    acknowledgeCancel: effect,
    refuseLateCancel: effect,
    revoke: effect,
    reportUnrevoked: effect,
    recordResult: effect,
    recordError: effect,
    recordInterrupted: effect,
    recordExpiry: effect,
    recordCancelled: effect,
    recordTimeout: effect,
    ignore: effect,
    // To the context.
    uncountCredentials: assign({ credentials: 0 }),
  },
});
