import { ArcpError } from '../wire/errors.ts';
import type { JobStatus, SubscribedPayload, SubscribePayload } from '../wire/listing-messages.ts';
import type { Feed, JobEvent } from './feed.ts';

export interface SubscribeOptions {
  /** Everything the job has emitted so far, before what it emits from now on. Default false: the latter alone. */
  history?: boolean;
  /** The same, of events after this number of the session that submitted the job. */
  fromEventSeq?: number;
}

/** What a subscription needs of its session. */
export interface Watching {
  feed: Feed;
  /** The number of the last event received. */
  lastEventSeq(): number;
  ask(payload: SubscribePayload): Promise<SubscribedPayload>;
  /** The end is awaited: events nobody reads must not stand in its way. */
  awaited(): void;
  /** Nothing more of the job is wanted. */
  leave(): void;
}

const endedStatuses: readonly JobStatus[] = ['success', 'error', 'cancelled', 'timed_out'];

/**
 * A job of any session, watched (§7.6): an async iterable of its events, each exactly once and in order, however often the
 * connection is lost. It ends with the job, whether that succeeds or fails, which `result()` tells. Leaving the loop ends the
 * subscription. It gives no authority over the job.
 */
export class Subscription implements AsyncIterable<JobEvent> {
  /** What the runtime told of the job as the subscription began. Rejects with its refusal: `JOB_NOT_FOUND`, … */
  readonly subscribed: Promise<SubscribedPayload>;
  readonly #watching: Watching;

  /** @internal */
  constructor(watching: Watching, options: SubscribeOptions) {
    this.#watching = watching;
    watching.feed.isClaimed = true;
    this.subscribed = this.#begin(options);
    this.subscribed.catch((error) => {
      watching.feed.fail(error);
      watching.leave();
    });
  }

  get id(): string {
    return this.#watching.feed.jobId;
  }

  /** One loop at a time. Throws `TypeError` while another is reading. */
  [Symbol.asyncIterator](): AsyncIterableIterator<JobEvent, undefined, undefined> {
    const reader = this.#watching.feed.read();
    // What comes before the answer is of a subscription before, whose answer was lost. A refusal is the feed's to tell.
    let next = async (): Promise<IteratorResult<JobEvent, undefined>> => {
      await this.subscribed.catch(() => {});
      next = () => reader.next();
      return next();
    };
    const iterator: AsyncIterableIterator<JobEvent, undefined, undefined> = {
      next: () => next(),
      return: () => {
        this.unsubscribe();
        return reader.return?.() ?? Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * The job's result, as `Job.result()` tells it. A streamed one is whole only with all of its history. Rejects with
   * `ConnectionError` when the subscription is left before the job's end is known.
   */
  result(): Promise<unknown> {
    this.#watching.feed.isAwaited = true;
    this.#watching.awaited();
    return this.#watching.feed.result;
  }

  /** Ends the subscription; a loop over it ends. After the job's end it changes nothing. */
  unsubscribe(): void {
    if (!this.#watching.feed.hasEnded) this.#watching.leave();
  }

  async #begin({ history, fromEventSeq }: SubscribeOptions): Promise<SubscribedPayload> {
    const asked = {
      ...(history === undefined ? {} : { history }),
      ...(fromEventSeq === undefined ? {} : { from_event_seq: fromEventSeq }),
    };
    const told = await this.#watching.ask(asked);
    await this.#reachEnd(told, asked);
    return told;
  }

  /** A job that has ended has nothing to come but its terminal: where that was not asked for, it is asked for here. */
  async #reachEnd(told: SubscribedPayload, { from_event_seq: from = 0 }: SubscribePayload): Promise<void> {
    const { current_status, subscribed_from: newest, history_from = 0, follows_event_seq } = told;
    if (!endedStatuses.includes(current_status)) return;
    const { feed, lastEventSeq, ask } = this.#watching;
    const isOwn = follows_event_seq === undefined;
    const isGone = isOwn ? newest <= lastEventSeq() : history_from >= newest;
    if (isGone && !feed.hasEnded) {
      const details = { reason: 'ended', final_status: current_status };
      throw new ArcpError('JOB_NOT_FOUND', `${feed.jobId} has ended, and its end is not kept any more`, details);
    }
    const isAsked = told.replayed && (from ?? 0) < newest;
    if (!isOwn && !isAsked) await ask({ from_event_seq: Math.max(0, newest - 1) });
  }
}
