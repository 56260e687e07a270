// What is asked and told of jobs by their sessions' side: listing (§6.6) and subscribing (§7.6).
import type { Lease, LeaseConstraints, ReplyTo } from './messages.ts';

/** How far a job has come (§7). */
export const jobStatuses = ['pending', 'running', 'success', 'error', 'cancelled', 'timed_out'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Which jobs a listing is about (§6.6): all conditions hold. `agent` is `name` or `name@version`, times are ISO 8601. */
export interface JobFilter {
  status?: JobStatus[] | null;
  agent?: string | null;
  created_after?: string | null;
  created_before?: string | null;
}

export interface ListJobsPayload {
  filter?: JobFilter | null;
  limit?: number | null;
  cursor?: string | null;
}

export interface SubscribePayload {
  job_id?: string;
  from_event_seq?: number | null;
  history?: boolean | null;
}

/** One job of a listing (§6.6). `last_event_seq` is the submitting session's number of its newest event; 0 for none. */
export interface ListedJob {
  job_id: string;
  agent: string;
  status: JobStatus;
  lease: Lease;
  lease_constraints?: LeaseConstraints;
  /** What is left now, by currency (§9.6). */
  budget?: Record<string, number>;
  parent_job_id: string | null;
  created_at: string;
  submitted_at: string;
  trace_id?: string;
  last_event_seq: number;
}

export interface JobsPayload extends ReplyTo {
  jobs: ListedJob[];
  /** Null at the end. */
  next_cursor: string | null;
}

/**
 * What a subscription begins with (§7.6). `subscribed_from` is the job's newest event, by its submitting session's number;
 * `history_from` is there where asked history is gone: what comes begins behind that number. Events of the job up to
 * `follows_event_seq`, by the subscriber's own number, are of a subscription before; it is
 * absent where none begins, since the job is of the session itself.
 */
export interface SubscribedPayload extends ReplyTo {
  job_id: string;
  current_status: JobStatus;
  agent: string;
  lease: Lease;
  lease_constraints?: LeaseConstraints;
  budget?: Record<string, number>;
  parent_job_id: string | null;
  trace_id?: string;
  subscribed_from: number;
  replayed: boolean;
  history_from?: number;
  follows_event_seq?: number;
}
