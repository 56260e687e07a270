import { type Clock, isoTime } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import { inlined } from '../jobs/inline-result.ts';
import type { KnownJob } from '../jobs/known-jobs.ts';
import type { Ledger } from '../records/ledger.ts';
import { uncommittedMax } from '../records/store-room.ts';
import type { Session } from '../session.ts';
import { inDialect } from '../wire/dialect-text.ts';
import { envelopeText, frameHead, frameTail } from '../wire/frame-text.ts';
import type { EventBodies } from '../wire/messages.ts';
import type { HistoryEntry, HistoryReader } from './history.ts';
import type { Task, Turns } from './turns.ts';

/** Entries and characters that one turn moves at most, and what an entry costs beside its text. */
const partEntriesMax = 64;
const partCostMax = 64 * 1024;
const entryCost = 1024;

export interface SubscriptionOptions {
  session: Session;
  /** What is needed of it: the job itself would be kept from being freed at its end. */
  job: Pick<KnownJob, 'id' | 'accepted' | 'history'>;
  /** The first entry wanted: its index in the job's history, or the place before it, where the history may have to be read. */
  from: { index: number } | { place: number };
  turns: Turns;
  clock: Clock;
  ledger: Ledger;
  /** The job's terminal has been passed on, or nothing more can come. */
  ended(subscription: Subscription): void;
  /** The history cannot be read: that is tried again when a connection comes. */
  failed(error: unknown): void;
}

/** A subscription in a few words: enough to go on with it. `fromSeq` is the place in the job's history that it has come to. */
export interface SubscriptionRecord {
  session: string;
  job: string;
  fromSeq: number;
}

/**
 * A session's view of a job of another session (§7.6): a cursor on the job's history, which passes on what it finds into the
 * subscriber's own log, under that log's own numbers. What was emitted before and what is emitted now are one sequence with one
 * reader, so that there is no seam between them. While nobody reads the subscriber's log, entries wait in the history, where
 * they cost nothing; if they are to go from there, they are passed on first.
 */
export class Subscription implements HistoryReader, Task {
  readonly session: Session;
  readonly jobId: string;
  next: number;
  readonly #options: SubscriptionOptions;
  readonly #envelope: string;
  readonly #id: string;
  readonly #recordText = () => JSON.stringify(this.record);
  /** `unread`, `reading`: where it begins is not known before the history is read. `waiting`: for room, or for a connection. */
  #state: 'unread' | 'reading' | 'idle' | 'due' | 'waiting' | 'over' = 'idle';

  constructor(options: SubscriptionOptions) {
    const { session, job, from } = options;
    this.#options = options;
    this.session = session;
    this.jobId = job.id;
    this.next = 'index' in from ? from.index : Number.POSITIVE_INFINITY;
    if ('place' in from) this.#state = 'unread';
    this.#id = `${session.id} ${job.id}`;
    const { trace_id: traceId } = job.accepted;
    const trace_id = traceId === undefined ? undefined : session.dialect.trace(traceId);
    this.#envelope = envelopeText({ session_id: session.id, job_id: job.id, trace_id });
    job.history.readers.add(this);
    this.#keep();
  }

  get record(): SubscriptionRecord {
    const { from, job } = this.#options;
    const isRead = Number.isFinite(this.next);
    const fromSeq = 'place' in from && !isRead ? from.place : job.history.placeBefore(this.next);
    return { session: this.session.id, job: this.jobId, fromSeq };
  }

  wake(): void {
    if (this.#state !== 'idle') return;
    const { history } = this.#options.job;
    // Level with the job, it takes an event as it comes, in the order of its session's own; behind it, in its turn.
    if (history.end - this.next > 1) return this.#due();
    if (this.next < history.end && this.#hasRoom()) this.#pass(history.read(this.next));
    if (this.next === history.end) this.#conclude();
  }

  /** Finds where it begins: at once, unless the history has to be read first. */
  begin(): void {
    const { from, job, failed } = this.#options;
    if (this.#state !== 'unread' || !('place' in from)) return this.wake();
    const found = () => {
      if (this.#state !== 'unread' && this.#state !== 'reading') return;
      this.#state = 'idle';
      this.next = job.history.after(from.place);
      this.wake();
    };
    const loading = job.history.newestSeq > from.place ? job.history.loaded() : undefined;
    if (!loading) return found();
    this.#state = 'reading';
    const unread = (error: unknown) => {
      if (this.#state === 'reading') this.#state = 'unread';
      failed(error);
    };
    loading.then(found).catch(unread);
  }

  /** There is room again, or a connection. */
  readonly resume = (): void => {
    if (this.#state === 'unread') return this.begin();
    if (this.#state !== 'waiting') return;
    this.#state = 'idle';
    this.wake();
  };

  stop(): void {
    this.#state = 'over';
    this.#options.job.history.readers.delete(this);
    this.#options.ledger.delete('subscription', this.#id);
  }

  part(): number {
    if (this.#state !== 'due') return 0;
    this.#state = 'idle';
    const { history } = this.#options.job;
    let cost = 0;
    for (let count = 0; this.next < history.end; count += 1) {
      if (!this.#hasRoom()) return cost;
      if (count >= partEntriesMax || cost >= partCostMax) {
        this.#due();
        return cost;
      }
      cost += entryCost + this.#pass(history.read(this.next));
    }
    this.#conclude();
    return cost;
  }

  #due(): void {
    this.#state = 'due';
    this.#options.turns.add(this);
  }

  hurry(before: number): void {
    while (this.#state !== 'over' && this.next < before) this.#pass(this.#options.job.history.read(this.next));
  }

  /** A note of the runtime's to this session alone (§6.5). */
  note(body: EventBodies['status']): void {
    const payload = { kind: 'status', ts: isoTime(this.#options.clock.now()), body };
    this.session.log.append(frameHead('job.event', this.#envelope), frameTail(JSON.stringify(payload)));
  }

  /** What the socket or the store has not taken waits in the log; what comes behind that waits in the history. */
  #hasRoom(): boolean {
    const { connection, log } = this.session;
    const isKept = log.newestSeq - log.durableSeq < uncommittedMax;
    if (connection && isKept && this.#hasRoomFor(connection)) return true;
    this.#state = 'waiting';
    if (connection) void (isKept ? connection.room(log.newestSeq) : log.room()).then(this.resume);
    return false;
  }

  #hasRoomFor({ cursor }: Connection): boolean {
    const { log } = this.session;
    return cursor + partEntriesMax >= log.durableSeq && log.hasRoomAfter(cursor);
  }

  /** The length of what was passed on. */
  #pass(entry: HistoryEntry | undefined): number {
    this.next += 1;
    this.#keep();
    if (!entry) return 0;
    const { session } = this;
    if (!isFor(session, entry)) return 0;
    const { history } = this.#options.job;
    const plain = session.features.has('result_chunk') ? entry.payload : inlined(entry, history);
    const payload = inDialect(session.dialect, entry.type, plain);
    const eventSeq = session.log.append(frameHead(entry.type, this.#envelope), frameTail(payload));
    if (entry.type === 'job.event' && eventSeq >= session.lagsFromSeq) session.tellLag(this);
    return payload.length;
  }

  /** Where it has come to is written with what it has passed on. */
  #keep(): void {
    this.#options.ledger.putLate('subscription', this.#id, this.#recordText);
  }

  #conclude(): void {
    if (this.#options.job.history.state === 'complete') this.#options.ended(this);
  }
}

/** Which features count is the subscriber's matter (§7.6): events of those it has not negotiated are not for it. */
function isFor({ features }: Session, { type, payload }: HistoryEntry): boolean {
  if (type !== 'job.event') return true;
  if (payload.startsWith('{"kind":"progress"')) return features.has('progress');
  return !payload.startsWith('{"kind":"result_chunk"') || features.has('result_chunk');
}
