// What a runtime has promised about one session, as the protocol's text has it (§3 to §6): held against what the runtime does, by
// test/sim/oracle.ts. Times are the runtime's own, in milliseconds.
import type { PromisedJob } from './promised-job.ts';
import type { Policy } from './settings.ts';
import type { Watch } from './watching.ts';
import type { Wire } from './wire.ts';

/** Everything numbered in one session, as it was kept. */
export class Kept {
  readonly texts: string[];
  readonly #bytesUpTo: number[] = [0];

  constructor(texts: readonly string[] = []) {
    this.texts = [];
    for (const text of texts) this.add(text);
  }

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

/** A token that opens a session. One that was minted is not known before it is told. */
export interface PromisedToken {
  text: string | undefined;
  /** Who holds it has seen no more than this: it is older than the process (§3, Crash). */
  fenceSeq: number;
}

export class PromisedSession {
  readonly id: string;
  readonly principal: string;
  readonly features: ReadonlySet<string>;
  readonly kept: Kept;
  /** The newest, then the one before it until the newest is proven received. */
  tokens: PromisedToken[] = [{ text: undefined, fenceSeq: Number.POSITIVE_INFINITY }];
  state: 'attached' | 'detached' | 'closed' | 'expired' | 'failed' = 'attached';
  wire: Wire | undefined;
  detachedMs = Number.POSITIVE_INFINITY;
  /** When its client was no longer heard: what else happens in that moment may come first. */
  lostMs = Number.NEGATIVE_INFINITY;
  expiredMs = Number.POSITIVE_INFINITY;
  acked = 0;
  /** The newest event that any connection was given. */
  written = 0;
  /** Events up to here cannot be had again: they were acknowledged, or there was no room for them. */
  freed = 0;
  /** Events up to here have been committed, by a store that lasts. */
  durable = 0;
  /** Events up to here are on disk alone, where they were not freed. */
  cold = 0;
  /** Whether the client was told that it is behind, and has not caught up by half since (§6.5). */
  lag: 'untold' | 'due' | 'told' = 'untold';
  jobs: PromisedJob[] = [];
  /** Secrets that its own client is told with an event, by the number of that (§9.8.2). */
  readonly disclosed = new Map<number, string>();
  /** What it watches, by the id of the job. */
  watches = new Map<string, Watch>();

  constructor(id: string, about: { principal: string; features: ReadonlySet<string>; kept: Kept }) {
    this.id = id;
    this.principal = about.principal;
    this.features = about.features;
    this.kept = about.kept;
  }

  get running(): PromisedJob[] {
    return this.jobs.filter(({ ended }) => ended === undefined);
  }

  token(text: string): PromisedToken | undefined {
    return this.tokens.find((token) => token.text === text);
  }

  /** The bytes kept in memory of what can be had again. */
  get keptBytes(): number {
    return this.kept.bytesAfter(Math.max(this.freed, this.cold));
  }

  free(throughSeq: number): void {
    this.freed = Math.max(this.freed, throughSeq);
    if (this.freed > this.cold) this.cold = this.freed;
  }

  /** What is above the limits is freed, the oldest first; of what may be freed, up to `throughSeq`, the newest stays. */
  makeRoom({ bufferEvents, bufferBytes }: Policy, throughSeq: number): void {
    const isOver = () => this.kept.newest - this.freed > bufferEvents || this.keptBytes > bufferBytes;
    while (throughSeq - this.freed > 1 && isOver()) this.free(this.freed + 1);
  }

  /** Whether what a cursor asks for has to be read from disk first. */
  isCold(cursor: number): boolean {
    return this.freed < this.cold && cursor < this.cold && cursor >= this.freed;
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
    this.watches.clear();
    this.expiredMs = this.detachedMs + windowMs;
    if (onExpire === 'cancel') this.cancelJobs(this.expiredMs);
  }

  cancelJobs(atMs: number): void {
    for (const job of this.running) if (!job.decided) job.cancelledMs = Math.min(job.cancelledMs, atMs);
  }

  /** When the last trace of it but a tombstone went: once expired and its jobs ended. */
  get buriedMs(): number {
    if (this.state !== 'expired' || this.running.length > 0) return Number.POSITIVE_INFINITY;
    return Math.max(this.expiredMs, ...this.jobs.map(({ endedMs }) => endedMs));
  }
}
