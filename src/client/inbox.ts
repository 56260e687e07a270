import { Feed } from './feed.ts';
import type { SequencedFrame } from './frames.ts';

/** Ended jobs whose handles can still be asked for by id. */
const endedFeedsMax = 1000;

export interface InboxOptions {
  lastEventSeq: number;
  bufferEvents: number;
  bufferBytes: number;
  /** A submit is unanswered: a job nobody claims may be its. */
  awaitsAcceptance(): boolean;
  /** There is room again, and events that were passed over have to be asked for again. */
  roomAgain(): void;
}

/** `duplicate`: seen before. `gap`: one before it is missing. `held`: there is no room, it has to come again. */
export type Taken = 'taken' | 'duplicate' | 'gap' | 'held';

/**
 * Where sequenced frames arrive: each number exactly once and in order, sorted by job (§4). What is not yet read waits
 * here; when that is more than the limits, nothing further is taken, nor acknowledged, until half of it has been read.
 * Then the session resumes from `lastEventSeq`, and the runtime sends again what was passed over.
 */
export class Inbox {
  #lastEventSeq: number;
  readonly #options: InboxOptions;
  readonly #feeds = new Map<string, Feed>();
  readonly #ended = new Set<string>();
  #events = 0;
  #chars = 0;
  #isHolding = false;
  #failure: Error | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#lastEventSeq = options.lastEventSeq;
  }

  get lastEventSeq(): number {
    return this.#lastEventSeq;
  }

  take(frame: SequencedFrame, chars: number): Taken {
    const seq = frame.event_seq;
    if (seq === undefined || seq <= this.#lastEventSeq) return 'duplicate';
    if (this.#isHolding) return 'held';
    if (seq !== this.#lastEventSeq + 1) return 'gap';
    if (frame.type === 'job.event' && !this.#hasRoom()) {
      this.#isHolding = true;
      return 'held';
    }
    this.#lastEventSeq = seq;
    if (frame.type !== 'other' && frame.job_id !== undefined) this.#deliver(frame, { seq, chars, jobId: frame.job_id });
    return 'taken';
  }

  #deliver(
    frame: Exclude<SequencedFrame, { type: 'other' }>,
    { seq, chars, jobId }: { seq: number; chars: number; jobId: string },
  ) {
    const feed = this.feed(jobId);
    if (feed.hasEnded) return;
    if (frame.type !== 'job.event') {
      feed.finish(frame);
      if (feed.hasEnded) this.#retire(jobId);
    } else if (feed.push(frame, { seq, chars })) {
      this.#events += 1;
      this.#chars += chars;
    }
  }

  /** The feed of a job, there from its first frame or from the first time it is asked for. */
  feed(jobId: string): Feed {
    const known = this.#feeds.get(jobId);
    if (known) return known;
    const feed = new Feed(jobId, (chars) => this.#free(chars));
    if (this.#failure) feed.fail(this.#failure);
    this.#feeds.set(jobId, feed);
    return feed;
  }

  /**
   * The feed of a job that is to be watched: of a job of this session its own, which other handles may read as well, else a new
   * one. Throws `TypeError` while it is being watched already.
   */
  watch(jobId: string): Feed {
    const known = this.#feeds.get(jobId);
    if (known && !known.isWatched && (known.isClaimed || !known.hasEnded)) return known;
    if (known?.isWatched && !known.hasEnded) throw new TypeError(`${jobId} is being watched already by this client`);
    this.#feeds.delete(jobId);
    this.#ended.delete(jobId);
    const feed = this.feed(jobId);
    feed.isWatched = true;
    return feed;
  }

  /** Events of this job are not for anybody here any more, should some come yet. */
  unwatch(feed: Feed, because: Error): void {
    feed.leave(because);
    this.#retire(feed.jobId);
  }

  /** The session has ended: whatever has not ended yet fails with `error`. */
  fail(error: Error): void {
    this.#failure = error;
    for (const feed of this.#feeds.values()) feed.fail(error);
  }

  /** Somebody waits for a job's end: if everything stands still for want of room, events nobody reads must give way. */
  awaited(): void {
    if (this.#isHolding) this.#makeRoom();
  }

  /** Lets go of events nobody may ever read: of jobs nobody asked for, or asked only for their result. */
  #makeRoom(): void {
    for (const feed of this.#feeds.values()) {
      const isUnclaimed = !feed.isClaimed && !this.#options.awaitsAcceptance();
      if (isUnclaimed || (feed.isAwaited && !feed.isRead)) feed.forget(this.#overflow(feed));
    }
  }

  #overflow(feed: Feed): Error {
    const { bufferEvents, bufferBytes } = this.#options;
    return new RangeError(
      `events of ${feed.jobId} were not kept: nobody was reading them when ${bufferEvents} events or ${bufferBytes} bytes ` +
        'were waiting. Iterate the job while it runs, or raise bufferEvents and bufferBytes.',
    );
  }

  #hasRoom(): boolean {
    if (this.#isFull()) this.#makeRoom();
    return !this.#isFull();
  }

  #isFull(): boolean {
    return this.#events >= this.#options.bufferEvents || this.#chars >= this.#options.bufferBytes;
  }

  #free(chars: number): void {
    this.#events -= 1;
    this.#chars -= chars;
    const { bufferEvents, bufferBytes, roomAgain } = this.#options;
    if (!this.#isHolding || this.#events > bufferEvents / 2 || this.#chars > bufferBytes / 2) return;
    this.#isHolding = false;
    roomAgain();
  }

  #retire(jobId: string): void {
    this.#ended.add(jobId);
    if (this.#ended.size <= endedFeedsMax) return;
    for (const oldest of this.#ended) {
      const feed = this.#feeds.get(oldest);
      // A handle keeps its own feed; without one, nobody will ever read it.
      if (feed && !feed.isClaimed) feed.forget(this.#overflow(feed));
      this.#feeds.delete(oldest);
      this.#ended.delete(oldest);
      return;
    }
  }
}
