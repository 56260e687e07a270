import type { FinalStatus } from '../../machines/index.ts';
import type { Dialect } from '../wire/dialects.ts';
import type { AcceptedPayload, Feature } from '../wire/messages.ts';

// What outlives the process besides frames: one JSON text each (src/stores/store.ts). No secret is in them: tokens are hashes,
// credentials are left out. Times ending in `untilMs` are the runtime's own (Ledger.nowMs), deadlines of jobs are wall time.

/** A session that is not ended (§3). Putting it is the attach of §6.3: a compare-and-set, which can happen once. */
export interface SessionRecord {
  principal: string;
  features: readonly Feature[];
  /** What its log is written in (§10). */
  dialect: Dialect['name'];
  /** The current one first; the previous one while the client has not shown that it got the current one. */
  tokens: readonly TokenRecord[];
  state: 'attached' | 'detached' | 'closed' | 'expired';
  /** While detached: when its window is over. */
  untilMs?: number;
  ackedSeq: number;
  /** No resume asks for events up to here, although a job's history may still need them on disk. */
  trimmedSeq?: number;
}

export interface TokenRecord {
  /** Base64 of the SHA-256. */
  hash: string;
  /**
   * The newest event when the runtime first came back after this token was issued: who holds it cannot have seen more, or
   * history was lost since. Absent until then.
   */
  fenceSeq?: number;
}

/** A job, while it runs and for `jobRetentionSec` after its end. */
export interface JobRecord {
  session: string;
  principal: string;
  /** `name@version`. */
  agent: string;
  /** Kept while it may have to begin again. */
  input?: unknown;
  traceId?: string;
  accepted: AcceptedPayload;
  status: 'running' | FinalStatus;
  /** It is to end: a cancel was acknowledged, or its parent or its session is over. */
  cancel?: { reason?: string };
  /** When `max_runtime_sec` is over. */
  deadlineMs?: number;
  /** Its first event can have this number in its session's log; its last frame has that one. */
  firstSeq: number;
  lastSeq?: number;
  /** Of an ended job: until when it is remembered. */
  untilMs?: number;
}

/** An idempotency key (§7); the id is a digest of principal and key. */
export interface KeyRecord {
  /** Base64 of the parameters' digest. */
  parameters: string;
  accepted: AcceptedPayload;
  untilMs: number;
}

/** An expired session's token; the id is its hash in base64. */
export interface TombstoneRecord {
  principal: string;
  untilMs: number;
}

/** An accepted payload as it is kept: credentials are told once and never written (§9.8). */
export function withoutSecrets(accepted: AcceptedPayload): object {
  return Object.fromEntries(Object.entries(accepted).filter(([name]) => name !== 'credentials'));
}
