// What a runtime has promised about one session and its jobs, as the protocol's text has it (§3 to §7): held against what the
// runtime does, by test/sim/oracle.ts. Times are the simulated clock's, in milliseconds.
import type { FinalStatus } from '../../machines/index.ts';
import type { Frame } from '../support/peer.ts';
import type { Link } from './link.ts';
import type { PromisedResult } from './results.ts';

export interface Policy {
  onBye: 'cancel' | 'keep';
  onExpire: 'cancel' | 'keep';
  windowMs: number;
  graceMs: number;
  heartbeatMs: number;
  handshakeMs: number;
  stallMs: number;
  retentionMs: number;
  bufferEvents: number;
  maxUnsentBytes: number;
  backPressure: number;
}

/** The runtime's end of a link. */
export interface Wire {
  link: Link;
  phase: 'handshake' | 'open' | 'over';
  session: PromisedSession | undefined;
  /** The last numbered frame that was written to it. */
  pushed: number;
  openedMs: number;
  lastInMs: number;
  lastOutMs: number;
  lastPingMs: number;
  lastDrainMs: number;
  /** Since when it holds all it may, with more waiting. */
  fullSinceMs: number | undefined;
  refusals: number;
  /** What waits, in order, until it is known who it is from (§6.1); undefined texts are nonsense. */
  held: (Frame | undefined)[] | undefined;
  /** It was told that the runtime shuts down. */
  saidGoodbye?: true;
}

/** How long the protocol has an idempotency key kept. */
export const keyKeptMs = 24 * 3600 * 1000;

/** What a submit with an idempotency key was answered with, and to what (§7). */
export interface Remembered {
  atMs: number;
  parameters: string;
  accepted: string;
}

export interface PromisedJob {
  id: string;
  session: PromisedSession;
  limitAtMs: number;
  cancelledMs: number;
  /** What its agent did in the end. */
  told: 'nothing' | 'finish' | 'fail';
  /** What its agent streams as its result, once it does. */
  result: PromisedResult | undefined;
  /** When the runtime was shut down under it. */
  shutMs: number;
  /** What the agent said that has yet to be numbered. */
  said: string[];
  ended: FinalStatus | undefined;
  endedMs: number;
}

/** Everything numbered in one session, as it was kept. */
export class Kept {
  readonly texts: string[] = [];
  readonly #bytesUpTo: number[] = [0];

  get newest(): number {
    return this.texts.length;
  }

  add(text: string): void {
    this.texts.push(text);
    this.#bytesUpTo.push((this.#bytesUpTo.at(-1) ?? 0) + Buffer.byteLength(text));
  }

  bytesAfter(seq: number): number {
    return (this.#bytesUpTo.at(-1) ?? 0) - (this.#bytesUpTo[seq] ?? 0);
  }
}

export class PromisedSession {
  readonly id: string;
  readonly principal: string;
  readonly features: ReadonlySet<string>;
  readonly kept: Kept;
  /** The newest, then the one before it until the newest is proven received. */
  tokens: string[];
  state: 'attached' | 'detached' | 'closed' | 'expired' | 'failed' = 'attached';
  wire: Wire | undefined;
  detachedMs = Number.POSITIVE_INFINITY;
  expiredMs = Number.POSITIVE_INFINITY;
  acked = 0;
  /** The newest event that any connection was given. */
  written = 0;
  trimmed = 0;
  /** Whether the client was told that it is behind, and has not caught up by half since (§6.5). */
  lag: 'untold' | 'due' | 'told' = 'untold';
  readonly jobs: PromisedJob[] = [];

  constructor(id: string, about: { principal: string; features: ReadonlySet<string>; kept: Kept; token: string }) {
    this.id = id;
    this.principal = about.principal;
    this.features = about.features;
    this.kept = about.kept;
    this.tokens = [about.token];
  }

  get running(): PromisedJob[] {
    return this.jobs.filter(({ ended }) => ended === undefined);
  }

  /** Kept frames after this one can be had again. */
  freedThrough({ bufferEvents }: Policy): number {
    return Math.max(this.trimmed, this.kept.newest - bufferEvents);
  }

  detach(nowMs: number): void {
    if (this.wire) this.wire.phase = 'over';
    this.wire = undefined;
    this.state = 'detached';
    this.lag = 'untold';
    this.detachedMs = nowMs;
  }

  /** A window that is over by now has expired the session, at its own time. */
  lapse(nowMs: number, { windowMs, onExpire }: Policy): void {
    if (this.state !== 'detached' || this.detachedMs + windowMs > nowMs) return;
    this.state = 'expired';
    this.expiredMs = this.detachedMs + windowMs;
    if (onExpire === 'cancel') this.cancelJobs(this.expiredMs);
  }

  cancelJobs(atMs: number): void {
    for (const job of this.running) job.cancelledMs = Math.min(job.cancelledMs, atMs);
  }

  /** When the last trace of it but a tombstone went: once expired and its jobs ended. */
  get buriedMs(): number {
    if (this.state !== 'expired' || this.running.length > 0) return Number.POSITIVE_INFINITY;
    return Math.max(this.expiredMs, ...this.jobs.map(({ endedMs }) => endedMs));
  }
}

/** Whether a job may end so, now; undefined where it may, else why not. */
export function faultOfEnd(
  job: PromisedJob,
  status: FinalStatus,
  nowMs: number,
  { graceMs }: Policy,
): string | undefined {
  const { told, cancelledMs, limitAtMs, shutMs } = job;
  const isCancelled = cancelledMs <= nowMs;
  const isShut = shutMs <= nowMs;
  const causes: Record<FinalStatus, boolean> = {
    success: told === 'finish' && (!isCancelled || cancelledMs === nowMs),
    error: (told === 'fail' || isShut) && (!isCancelled || cancelledMs === nowMs),
    timed_out: limitAtMs <= nowMs && limitAtMs <= cancelledMs,
    cancelled: isCancelled && (told !== 'nothing' || isShut || cancelledMs + graceMs <= nowMs),
  };
  if (causes[status]) return undefined;
  return `ended ${status} at ${nowMs}: ${JSON.stringify({ told, cancelledMs, limitAtMs })}`;
}

/** Whether a job should have ended by now. */
export function isOverdue({ told, cancelledMs, limitAtMs }: PromisedJob, nowMs: number, { graceMs }: Policy): boolean {
  return told !== 'nothing' || cancelledMs + graceMs <= nowMs || (limitAtMs <= nowMs && limitAtMs < cancelledMs);
}
