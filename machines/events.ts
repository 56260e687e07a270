// What the session and job charts can hear. A client's frames keep their wire names; facts are told in the past tense.
// Time, principals and coverage arrive here as facts: a chart reads no clock, no store and no token.

/** Who asked, so that an effect can answer: the connection and the envelope id of the request. */
export interface Asker {
  connectionId: string;
  requestId: string;
}

/** A refused hello or resume, in the protocol's error codes (§12). `message` and `details` carry no secret. */
export interface Refusal {
  code: 'UNAUTHENTICATED' | 'PERMISSION_DENIED' | 'INVALID_REQUEST' | 'RESUME_WINDOW_EXPIRED' | 'INTERNAL_ERROR';
  message: string;
  details?: Readonly<Record<string, unknown>>;
}

/** Where the cursor of a resume stands against the log: an event after it may be gone, or it may be beyond the newest. */
export type Coverage = 'covered' | 'trimmed' | 'ahead';

/** Which of the session's tokens was presented: the previous one lives until the new one is proven received (§6.3). */
export type TokenAge = 'current' | 'previous';

/** A resume by an authenticated connection whose token is one of this session's. */
export interface ResumeEvent {
  type: 'session.resume';
  asker: Asker;
  principal: string;
  token: TokenAge;
  coverage: Coverage;
  /** The request carried a session id, and it is not this session's. */
  namesAnother: boolean;
}

/** What an earlier process has left of a session that was not ended: its store lasts (§3, Crash). */
export interface RestoredEvent {
  /** Closed or expired sessions are brought back for the jobs that still ran. */
  type: 'session.restored' | 'session.restored.closed' | 'session.restored.expired';
  principal: string;
  goodTokens: 1 | 2;
  /** What remains of the resume window, in milliseconds. */
  windowLeftMs: number;
  /** Ids of its running jobs: a `job.restored` follows for each. */
  jobs: readonly string[];
}

/**
 * What becomes of a job that the end of a process has cut: begins (again, or goes on from its snapshot), ends with
 * `INTERNAL_ERROR`, is out of its time, or its lease's, or had its cancel acknowledged.
 */
export type JobFate = 'job.start' | 'job.interrupted' | 'job.overdue' | 'lease.expired' | 'job.cancel';

export type SessionEvent =
  | { type: 'session.hello'; asker: Asker; principal: string }
  | { type: 'handshake.refused'; asker: Asker; refusal: Refusal }
  | { type: 'connection.adopted' }
  | RestoredEvent
  | RestoredJobEvent
  | ResumeEvent
  | { type: 'token.proven' }
  | { type: 'replay.caughtUp' }
  | { type: 'session.close'; asker: Asker; reason?: string }
  | { type: 'session.bye'; asker: Asker; reason?: string }
  | { type: 'transport.lost'; code: number }
  | { type: 'heartbeat.lost' }
  | { type: 'consumer.stalled' }
  | { type: 'runtime.shutdown' }
  | { type: 'frame.unexpected'; asker: Asker; frame: string }
  | { type: 'frame.malformed'; asker: Asker; problem: string; frame?: string }
  | SubmitEvent
  | DelegateEvent
  | CancelEvent
  | { type: `xstate.done.actor.${string}`; output: JobOutput; actorId: string }
  | { type: `xstate.error.actor.${string}`; error: unknown; actorId: string };

/** A job that an earlier process has left, and what becomes of it (§3, Crash). */
export interface RestoredJobEvent {
  type: 'job.restored';
  jobId: string;
  maxRuntimeMs: number | null;
  leaseExpiryMs: number | null;
  fate: JobFate;
  /** How many credentials were issued for it anew (§9.8). */
  credentials: number;
}

export interface SubmitEvent {
  type: 'job.submit';
  asker: Asker;
  jobId: string;
  maxRuntimeMs: number | null;
  leaseExpiryMs: number | null;
  /** How many credentials were issued for the job (§9.8). */
  credentials: number;
}

/** A job of this session has handed work to another agent (§10): a job of the same session, which ends with its parent. */
export interface DelegateEvent {
  type: 'job.delegated';
  jobId: string;
  parentId: string;
  maxRuntimeMs: number | null;
  leaseExpiryMs: number | null;
}

export interface CancelEvent {
  type: 'job.cancel';
  asker: Asker;
  jobId: string;
  /** The asking connection is the submitting session's own, or the embedder's policy lets it. */
  mayCancel: boolean;
  reason?: string;
}

/** How a job can end (§7): the `final_status` of its terminal frame. */
export type FinalStatus = 'success' | 'error' | 'cancelled' | 'timed_out';

export interface JobOutput {
  jobId: string;
}

export type JobEvent =
  | { type: 'job.start' }
  | { type: 'job.interrupted' }
  | { type: 'job.overdue' }
  | { type: 'job.cancel'; asker?: Asker; reason?: string }
  /** Its session has said bye, or has expired, and its policy is that jobs end with it (§3). */
  | { type: 'session.over' }
  | { type: 'agent.returned' }
  | { type: 'agent.failed' }
  /** Found out before its timer: the wall clock has stepped on (§9.5). */
  | { type: 'lease.expired' }
  | { type: 'parent.ended' }
  /** Every credential of the job is worth nothing now (§9.8). */
  | { type: 'credentials.revoked' }
  | { type: 'runtime.shutdown' };
