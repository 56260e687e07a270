import type { FinalStatus } from '../../machines/index.ts';

/** What can become of a resume (§6.3). */
export const resumeOutcomes = [
  'resumed',
  /** No session has this token, or had it within a window. */
  'unknown',
  'expired',
  'trimmed',
  'ahead',
  /** Another principal's token. */
  'foreign',
  /** The session named is not the token's. */
  'misnamed',
  /** The request contradicts itself. */
  'invalid',
] as const;
export type ResumeOutcome = (typeof resumeOutcomes)[number];

/** What has happened in a runtime so far, counted where it happens: an increment each, and nothing else. */
export class Tally {
  readonly resumes: Record<ResumeOutcome, number> = {
    ...{ resumed: 0, unknown: 0, expired: 0, trimmed: 0 },
    ...{ ahead: 0, foreign: 0, misnamed: 0, invalid: 0 },
  };
  /** Frames that resumes had to be given again. */
  replayedEvents = 0;
  /** Frames of jobs that were numbered. */
  jobEvents = 0;
  acceptedJobs = 0;
  readonly endedJobs: Record<FinalStatus, number> = { success: 0, error: 0, cancelled: 0, timed_out: 0 };

  resumed(outcome: ResumeOutcome): void {
    this.resumes[outcome] += 1;
  }

  /** A resume that its session's chart refused, or the runtime before it: by the code and `details.reason` it was told. */
  refused({ code, reason }: { code: string; reason: unknown }): void {
    const named = resumeOutcomes.find((outcome) => outcome === reason);
    if (named) this.resumed(named);
    else if (code === 'PERMISSION_DENIED') this.resumed('foreign');
    else this.resumed('invalid');
  }
}
