import type { KnownJob } from './jobs/known-jobs.ts';
import type { AuditEntry, Settings } from './options.ts';
import { ArcpError } from './wire/errors.ts';
import type { JobStatus } from './wire/listing-messages.ts';

/** A job as an embedder's policy sees it. */
export interface JobFacts {
  readonly jobId: string;
  /** Who submitted it, and in which session. */
  readonly principal: string;
  readonly sessionId: string;
  /** `name@version`. */
  readonly agent: string;
  readonly status: JobStatus;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly traceId?: string;
}

/**
 * Whether a principal may do with a job what the protocol alone would not let it: `observe` (list and subscribe to) a job of
 * somebody else, `cancel` a job of somebody else or of another session (§6.6, §7.6, §7.4). Asked for each such job, also for
 * each that a listing comes by: it must answer at once, and be quick. Anything but `true` is a no; so is throwing, and that is
 * logged.
 */
export type Authorize = (request: { principal: string; action: 'observe' | 'cancel'; job: JobFacts }) => boolean;

/** Who may do what with whose job: its own principal's always may observe it; the embedder's policy can widen that. */
export class Policy {
  readonly #settings: Settings;
  readonly #audit: (entry: Omit<AuditEntry, 'at'>) => void;

  constructor(settings: Settings, audit: (entry: Omit<AuditEntry, 'at'>) => void) {
    this.#settings = settings;
    this.#audit = audit;
  }

  /** Whether jobs of others may be among what somebody sees. */
  get isWidened(): boolean {
    return this.#settings.authorize !== undefined;
  }

  mayObserve(principal: string, job: KnownJob): boolean {
    return job.principal === principal || this.#allows(principal, 'observe', job);
  }

  /**
   * Whether a session may cancel a job while the one that submitted it lasts; false: once that is over (machines/session.ts).
   * Throws `JOB_NOT_FOUND` where the asker may not know of the job, `PERMISSION_DENIED` where it may never cancel it.
   */
  mayCancel({ id, principal }: { id: string; principal: string }, jobId: string, job: KnownJob | undefined): boolean {
    if (job && (job.sessionId === id || this.#allows(principal, 'cancel', job))) return true;
    if (!job || !this.mayObserve(principal, job)) {
      throw new ArcpError('JOB_NOT_FOUND', `there is no job ${jobId}`);
    }
    if (job.principal === principal) return false;
    const code = 'PERMISSION_DENIED';
    this.#audit({ action: 'cancel', outcome: 'refused', principal, jobId, code });
    throw new ArcpError(code, 'this job of another principal may be watched, and not cancelled');
  }

  #allows(principal: string, action: 'observe' | 'cancel', job: KnownJob): boolean {
    const { authorize, log } = this.#settings;
    if (!authorize) return false;
    try {
      // A promise is not a yes, whatever it will come to.
      const answer: unknown = authorize({ principal, action, job: factsOf(job) });
      if (typeof answer !== 'boolean') throw new TypeError('authorize() must return true or false, and not a promise');
      return answer;
    } catch (error) {
      log.error({ jobId: job.id, principal, action, err: error }, 'the authorization policy failed: that is a no');
      return false;
    }
  }
}

function factsOf({ id, principal, sessionId, status, accepted }: KnownJob): JobFacts {
  const { agent, accepted_at: createdAt, trace_id: traceId } = accepted;
  const facts = { jobId: id, principal, sessionId, agent, status, createdAt };
  return traceId === undefined ? facts : { ...facts, traceId };
}
