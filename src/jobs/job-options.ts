import type { Credentials } from '../credentials/credentials.ts';
import type { Authority } from '../leases/authority.ts';
import type { AuditEntry, Settings } from '../options.ts';
import type { Session } from '../session.ts';
import type { JobHistory } from '../watching/history.ts';
import type { ArcpError } from '../wire/errors.ts';
import type { AcceptedPayload } from '../wire/messages.ts';
import type { Agent } from './agents.ts';
import type { ChildJob, DelegateRequest } from './delegation.ts';
import type { Job } from './job.ts';

/** How a job's agent ended: what its terminal frame will say (§7). An inline result is JSON text, written once. */
export type Outcome = ({ result: string } | { resultId: string; resultSize: number }) & { summary?: string };

/** How a job ended, for whoever delegated it. */
export type JobEnd = { result: unknown } | ArcpError;

export interface JobOptions {
  id: string;
  session: Session;
  agent: Agent;
  input: unknown;
  traceId: string | undefined;
  accepted: AcceptedPayload;
  authority: Authority;
  /** The job that delegated this one (§10). */
  parent?: Job;
  delegate(parent: Job, request: DelegateRequest): ChildJob;
  audit(entry: Omit<AuditEntry, 'at'>): void;
  history: JobHistory;
  settings: Settings;
  provisioning: Credentials;
  kept?: KeptJob;
  /** When `max_runtime_sec` is over, in wall time; absent for none. */
  deadlineMs?: number;
  /** The number its first event would have; default: the next one. */
  firstSeq?: number;
}

/** What a durable store has to do with a job whose agent is a machine. */
export interface KeptJob {
  /** The snapshot to go on from; undefined for a job that begins. */
  from?: string;
  /** The machine has changed: `job.machine.snapshot()` is to be kept with the frames of this turn. Called at every step. */
  changed(job: Job): void;
}
