import { ConnectionError } from './errors.ts';
import type { Feed } from './feed.ts';
import type { Inbox } from './inbox.ts';

/** Jobs whose watching has ended, and of which the runtime is told again after a resume; the oldest is let go. */
const leftMax = 100;

/**
 * What a client watches, and does not watch any more. That is told at once, and once more after every resume: `job.unsubscribe`
 * has no answer that says it was heard, and to say it twice does no harm (§7.6).
 */
export class Watched {
  readonly #inbox: Inbox;
  readonly #unsubscribe: (jobId: string) => void;
  readonly #left = new Set<string>();

  constructor(inbox: Inbox, unsubscribe: (jobId: string) => void) {
    this.#inbox = inbox;
    this.#unsubscribe = unsubscribe;
  }

  /** The feed of a job that is to be watched, and the way to end that. */
  begin(jobId: string): { feed: Feed; leave: () => void } {
    const feed = this.#inbox.watch(jobId);
    this.#left.delete(jobId);
    return { feed, leave: () => this.#leave(feed) };
  }

  /** Back after a drop. */
  resend(): void {
    for (const jobId of this.#left) this.#unsubscribe(jobId);
  }

  #leave(feed: Feed): void {
    const { jobId, isWatched, hasEnded } = feed;
    // A job of the session itself is not watched: its events are nobody's to refuse.
    if (!isWatched) return;
    this.#inbox.unwatch(feed, new ConnectionError('closed', `${jobId} is not watched any more`));
    if (hasEnded) return;
    this.#left.add(jobId);
    const [oldest] = this.#left;
    if (this.#left.size > leftMax && oldest !== undefined) this.#left.delete(oldest);
    this.#unsubscribe(jobId);
  }
}
