import type { Frame } from '../support/peer.ts';
import type { Foresight, Known } from './foresight.ts';
import type { Entry } from './promised-history.ts';
import type { PromisedJob } from './promised-job.ts';
import type { PromisedSession } from './promised-session.ts';
import type { News, Owed } from './wire.ts';

/** A session's view of a job of another one (§7.6): up to which place of its history it has been passed on. */
export interface Watch {
  job: PromisedJob;
  place: number;
  /** After a restart it goes on once the job's history has been read. */
  isAwaited?: boolean;
  /** The newest event of the session as it began, or an earlier one; and the first that was passed on by it. */
  followsSeq?: number;
  firstSeq?: number;
}

/** `job.subscribe`: what it is answered with, and where it begins. */
export function foreseeSubscribe(session: PromisedSession, frame: Frame, { known, news }: Asked): Foresight {
  if (!session.features.has('subscribe')) return { answer: 'session.error INVALID_REQUEST' };
  const { job_id: jobId, history, from_event_seq: from } = frame.payload;
  const job = known.jobs.get(jobId);
  // Who waits for its history has been found to be allowed to.
  if (!job || (!news.history && !mayWatch(session, job, known))) return { answer: 'session.error JOB_NOT_FOUND' };
  const isOwn = job.session === session;
  const replayed = !isOwn && (history ?? typeof from === 'number');
  if (replayed && job.history.elsewhere && !news.history) return { waits: 'a history', job };
  const goneSeq = replayed ? goneOf(job, known) : 0;
  const changes = (owed: Owed) => {
    const gone = goneSeq > (from ?? 0) ? goneSeq : null;
    owed.tells = JSON.stringify([job.id, job.ended ?? 'running', job.history.newestSeq, replayed, gone]);
    if (isOwn) return;
    const place = replayed ? Math.max(from ?? 0, goneSeq) : Number.POSITIVE_INFINITY;
    owed.watch = { job, place: Math.min(place, job.history.lastPlace), followsSeq: session.kept.newest };
    const before = session.watches.get(jobId);
    owed.undo = () => (before ? session.watches.set(jobId, before) : session.watches.delete(jobId));
    begin(session, owed.watch);
  };
  const what = `job.subscribed${isOwn ? ' to its own' : replayed ? ' with history' : ''}${job.ended ? ', over' : ''}`;
  return { answer: 'job.subscribed', what, changes, ...(isOwn ? {} : { keeps: true }) };
}

/** Where it cannot be read, there is what this process has seen of it; and nothing of what was forgotten meanwhile. */
function goneOf(job: PromisedJob, known: Known): number {
  if (!isKnown(job, known)) return Math.floor(job.history.lastPlace);
  return job.history.elsewhere ? job.history.foundSeq : 0;
}

interface Asked {
  known: Known;
  news: News;
}

export function foreseeUnsubscribe(session: PromisedSession, frame: Frame): Foresight {
  if (!session.features.has('subscribe')) return { answer: 'session.error INVALID_REQUEST' };
  const { job_id: jobId } = frame.payload;
  return { changes: () => session.watches.delete(jobId) };
}

export function begin(session: PromisedSession, watch: Watch): void {
  session.watches.set(watch.job.id, watch);
  endIfOver(session, watch);
}

/** Whether a job is known to whoever may see it: it runs, or has ended not long ago. */
export function isKnown({ ended, endedMs }: PromisedJob, { nowMs, policy }: Known): boolean {
  return ended === undefined || endedMs + policy.retentionMs > nowMs();
}

/** What is wrong with a frame of a job of another session that was kept in this one; undefined where nothing is. */
export function faultOfPass(session: PromisedSession, frame: Frame, known: Known): string | undefined {
  const watch = session.watches.get(frame.job_id ?? '');
  if (!watch || watch.isAwaited) return `${session.id} does not watch ${frame.job_id}`;
  const { job } = watch;
  const isForgotten = !isKnown(job, known);
  // A shutdown without a store ends jobs and sessions one after the other.
  const isShut = job.shutMs <= known.nowMs();
  const isThere = session.state === 'attached' || session.lostMs === known.nowMs();
  if (!isThere && !isForgotten && !isShut) return `${session.id} is ${session.state}, and was passed on to`;
  const [next] = due(session, watch);
  if (!next) return `${session.id} has had all of ${job.id}`;
  watch.place = next.place;
  watch.firstSeq ??= session.kept.newest;
  const [kept, promised] = [shown(frame), shown(wanted(session, job, next))];
  endIfOver(session, watch);
  return kept === promised ? undefined : `was passed on as ${kept}, and not as ${promised}`;
}

/** What a session has yet to be passed on, where nothing keeps that from it. */
export function* faultsOfWatches(session: PromisedSession, known: Known): Iterable<string> {
  const { watches, id } = session;
  const isLevel = takesMore(session, known);
  for (const watch of watches.values()) {
    const { job } = watch;
    if (watch.isAwaited || (!isLevel && isKnown(job, known))) continue;
    const [next] = due(session, watch);
    if (next) yield `${id} was not passed on ${shown(next)} of ${job.id}`;
  }
}

/** Its connection has had everything that is kept; what has yet to be kept is less than half of what it may have. */
function takesMore({ state, wire, kept, id }: PromisedSession, { policy, store }: Known): boolean {
  if (state !== 'attached' || !wire || wire.pushed < store.newestOf(id)) return false;
  const { bufferEvents, bufferBytes } = policy;
  return (kept.newest - wire.pushed) * 2 <= bufferEvents && kept.bytesAfter(wire.pushed) * 2 <= bufferBytes;
}

function mayWatch({ principal }: PromisedSession, job: PromisedJob, known: Known): boolean {
  return job.session.principal === principal && isKnown(job, known);
}

function endIfOver(session: PromisedSession, { job, place }: Watch): void {
  if (job.ended && job.history.after(place).length === 0) session.watches.delete(job.id);
}

/** Which features count is the subscriber's matter. */
function due({ features }: PromisedSession, { job, place }: Watch): Entry[] {
  return job.history.after(place).filter(({ type, payload: { kind } }) => {
    if (type !== 'job.event') return true;
    return (kind !== 'progress' && kind !== 'result_chunk') || features.has(kind);
  });
}

/** Who does not take chunks gets a streamed result inline, if all of it is there. */
function wanted({ features }: PromisedSession, job: PromisedJob, entry: Entry): Entry {
  const { result_id: id, result_size: size, ...payload } = entry.payload;
  if (features.has('result_chunk') || entry.type !== 'job.result' || id === undefined || size === undefined)
    return entry;
  const result = job.history.resultText(id);
  return result === undefined ? entry : { ...entry, payload: { ...payload, result } };
}

/** What counts of an event, or of an end: of one that the session itself did not get, not when that was. */
function shown({ type, payload }: Pick<Entry, 'type' | 'payload'>): string {
  const { kind, body, final_status, code, result, result_id, result_size, job_id } = payload;
  return JSON.stringify([type, kind, body, final_status, code, result, result_id, result_size, job_id]);
}

/** What a subscription is answered with, but for what it follows. */
export function subscribedTextOf({ payload }: Frame): string {
  const { job_id, current_status, subscribed_from, replayed, history_from = null } = payload;
  return JSON.stringify([job_id, current_status, subscribed_from, replayed, history_from]);
}

/** Whether it names the number before the first that is passed on by it. */
export function isBefore({ followsSeq = 0, firstSeq }: Watch, { payload }: Frame): boolean {
  const seq: number = payload.follows_event_seq;
  return seq >= followsSeq && seq < (firstSeq ?? Number.POSITIVE_INFINITY);
}
