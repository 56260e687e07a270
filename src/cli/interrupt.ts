import { ArcpError, type Job } from '../client.ts';
import { exitCodes } from './exit.ts';
import type { Report } from './report.ts';
import { onSignals } from './signals.ts';

/** Ctrl-C while a job is submitted and followed: once cancels the job and lets its end be seen, twice leaves. */
export interface Interrupt {
  /** From now on there may be a job. Before, an interrupt leaves at once. */
  submitting(): void;
  running(job: Job): void;
  /** The job has ended: nothing is left to cancel. */
  over(): void;
  happened(): boolean;
}

export function interruptible(report: Report): Interrupt {
  let mayRun = false;
  let hasHappened = false;
  let job: Job | undefined;

  const leave = () => {
    report.note(job === undefined ? 'left' : `left; ${job.id} may run on`);
    report.close();
    process.exit(exitCodes.interrupted);
  };
  const cancel = (running: Job) => {
    running.cancel('interrupted').catch((error: unknown) => {
      const isOver = error instanceof ArcpError && error.code === 'JOB_NOT_FOUND';
      if (!isOver) report.note(`the job cannot be cancelled: ${error instanceof Error ? error.message : error}`);
    });
  };
  const stop = onSignals(['SIGINT'], {
    first: () => {
      if (!mayRun) leave();
      hasHappened = true;
      report.note('cancelling… (Ctrl-C again leaves)');
      if (job) cancel(job);
    },
    again: leave,
  });

  return {
    submitting: () => {
      mayRun = true;
    },
    running: (accepted) => {
      job = accepted;
      if (hasHappened) cancel(accepted);
    },
    over: stop,
    happened: () => hasHappened,
  };
}
