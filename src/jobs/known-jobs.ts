import { ExpiringMap } from '../expiring-map.ts';
import type { Settings } from '../options.ts';
import type { Ledger } from '../records/ledger.ts';
import type { JobHistory } from '../watching/history.ts';
import { HistoryShelf } from '../watching/history-shelf.ts';
import type { JobStatus } from '../wire/listing-messages.ts';
import type { AcceptedPayload } from '../wire/messages.ts';
import { JobIds } from './job-ids.ts';

const endedJobsMax = 100_000;

/** What is known of a job while it runs, and for `jobRetentionSec` after its end. */
export interface KnownJob {
  readonly id: string;
  /** Who submitted it, in which session. */
  readonly principal: string;
  readonly sessionId: string;
  readonly status: JobStatus;
  readonly accepted: AcceptedPayload;
  /** What is left of it; undefined where there is none (§9.6). */
  readonly budget: Readonly<Record<string, number>> | undefined;
  readonly history: JobHistory;
  /** Its first event has this number in its session's log, or a later one. */
  readonly firstSeq: number;
}

/** Whose jobs, and which of them. */
export interface JobRange {
  /** Undefined: everybody's. */
  principal: string | undefined;
  /** Those that run, alone. */
  liveOnly: boolean;
  /** Those that were minted before this one. */
  before: string | undefined;
}

/** Every job that can be listed, watched, or told to have ended: by id, and by principal in the order of their ids. */
export class KnownJobs {
  readonly shelf: HistoryShelf;
  readonly #live = new Map<string, KnownJob>();
  readonly #ended: ExpiringMap<string, KnownJob>;
  readonly #idsOf = new Map<string, JobIds>();
  readonly #allIds = new JobIds();
  readonly #liveIdsOf = new Map<string, JobIds>();
  readonly #allLiveIds = new JobIds();
  /** By session, each in the order of its jobs' first events, once what an earlier process has left is all there. */
  readonly #ofSession = new Map<string, Map<string, KnownJob>>();
  readonly #ledger: Ledger;

  constructor(settings: Settings, ledger: Ledger) {
    const { clock, jobRetentionMs: keepMs, features } = settings;
    this.#ledger = ledger;
    this.shelf = new HistoryShelf(features.has('subscribe') ? settings : undefined);
    const gone = (jobId: string, job: KnownJob) => {
      ledger.delete('job', jobId);
      this.#forget(job);
    };
    this.#ended = new ExpiringMap({ clock, keepMs, entriesMax: endedJobsMax, gone });
  }

  find(jobId: string): KnownJob | undefined {
    return this.#live.get(jobId) ?? this.#ended.get(jobId);
  }

  add(job: KnownJob): void {
    this.#join(job);
    this.shelf.put(job.history);
    this.#live.set(job.id, job);
    for (const ids of [idsOf(this.#idsOf, job), this.#allIds]) ids.add(job.id);
    for (const ids of [idsOf(this.#liveIdsOf, job), this.#allLiveIds]) ids.add(job.id);
  }

  /** The job's terminal is in its history: what is kept of it from now on is small. */
  end({ id, principal, sessionId, status, accepted, budget, history, firstSeq }: KnownJob): void {
    if (!this.#live.delete(id)) return;
    const ended = { id, principal, sessionId, status, accepted, budget, history, firstSeq };
    this.#ended.set(id, ended);
    this.#ofSession.get(sessionId)?.set(id, ended);
    history.complete();
    this.#thin(this.#liveIdsOf, principal, (jobId) => this.#live.has(jobId));
    this.#allLiveIds.lost((jobId) => this.#live.has(jobId));
  }

  /** A job that ended in an earlier process, with what is left of the time it is known for. */
  restoreEnded(job: KnownJob, keepMs: number): void {
    this.#join(job);
    this.shelf.put(job.history);
    for (const ids of [idsOf(this.#idsOf, job), this.#allIds]) ids.add(job.id);
    this.#ended.set(job.id, job, keepMs);
  }

  /** All that an earlier process has left is there. */
  restored(): void {
    for (const [sessionId, jobs] of this.#ofSession) {
      const inOrder = [...jobs].sort(([, a], [, b]) => a.firstSeq - b.firstSeq);
      this.#ofSession.set(sessionId, new Map(inOrder));
    }
  }

  /** The first frame of a session's log that the history of one of its jobs needs; infinite where none does (§7.6). */
  neededFrom(sessionId: string): number {
    let needed = Number.POSITIVE_INFINITY;
    for (const { firstSeq, history } of this.#ofSession.get(sessionId)?.values() ?? []) {
      // Those behind it begin later.
      if (firstSeq >= needed) break;
      needed = Math.min(needed, Math.max(firstSeq, history.neededFrom));
    }
    return needed;
  }

  /** The newest first. */
  *newestFirst({ principal, liveOnly, before }: JobRange): Generator<KnownJob> {
    const [byPrincipal, all] = liveOnly ? [this.#liveIdsOf, this.#allLiveIds] : [this.#idsOf, this.#allIds];
    const ids = principal === undefined ? all : byPrincipal.get(principal);
    for (const jobId of ids?.descending(before) ?? []) {
      const job = liveOnly ? this.#live.get(jobId) : this.find(jobId);
      if (job) yield job;
    }
  }

  clear(): void {
    this.#live.clear();
    this.#ended.clear();
    this.#idsOf.clear();
    this.#liveIdsOf.clear();
    this.#ofSession.clear();
  }

  #join(job: KnownJob): void {
    const others = this.#ofSession.get(job.sessionId);
    if (others) others.set(job.id, job);
    else this.#ofSession.set(job.sessionId, new Map([[job.id, job]]));
  }

  #leave({ id, sessionId }: KnownJob): void {
    const others = this.#ofSession.get(sessionId);
    others?.delete(id);
    if (others?.size === 0) this.#ofSession.delete(sessionId);
    this.#ledger.needsLess(sessionId);
  }

  #forget(job: KnownJob): void {
    this.#leave(job);
    const { principal, history } = job;
    this.shelf.remove(history);
    history.free(history.count);
    const isKnown = (jobId: string) => this.find(jobId) !== undefined;
    this.#thin(this.#idsOf, principal, isKnown);
    this.#allIds.lost(isKnown);
  }

  #thin(byPrincipal: Map<string, JobIds>, principal: string, isKnown: (jobId: string) => boolean): void {
    const ids = byPrincipal.get(principal);
    ids?.lost(isKnown);
    if (ids?.isEmpty) byPrincipal.delete(principal);
  }
}

function idsOf(byPrincipal: Map<string, JobIds>, { principal }: KnownJob): JobIds {
  const known = byPrincipal.get(principal);
  if (known) return known;
  const ids = new JobIds();
  byPrincipal.set(principal, ids);
  return ids;
}
