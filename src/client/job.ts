import type { AcceptedPayload, Credential } from '../wire/messages.ts';
import type { Feed, JobEvent } from './feed.ts';

export interface JobOptions {
  feed: Feed;
  cancel(jobId: string, reason: string | undefined): Promise<void>;
  /** The end is awaited: events nobody reads must not stand in its way. */
  awaited(): void;
}

/**
 * A job of this session (§7), and an async iterable of its events: each exactly once and in order, however often the
 * connection is lost. Iterating may begin late, what has arrived waits (`bufferEvents`, `bufferBytes`), and may be broken
 * off and taken up again. It ends with the job, whether that succeeds or fails, which `result()` tells; it throws what
 * `result()` throws when the session ends before the job.
 */
export class Job implements AsyncIterable<JobEvent> {
  readonly #options: JobOptions;

  /** @internal */
  constructor(options: JobOptions) {
    this.#options = options;
    options.feed.isClaimed = true;
  }

  get id(): string {
    return this.#options.feed.jobId;
  }

  /** What the runtime accepted: lease, time, trace id. Undefined if another client, or process, submitted the job. */
  get accepted(): AcceptedPayload | undefined {
    return this.#options.feed.accepted;
  }

  /** `name@version`, as accepted. */
  get agent(): string | undefined {
    return this.accepted?.agent;
  }

  /**
   * The job's credentials of services upstream (§9.8), with the values that are good now; none where it has none, or another
   * client submitted it. Each value is a secret, worth nothing once the job has ended.
   */
  get credentials(): readonly Credential[] {
    return this.#options.feed.credentials;
  }

  /** One reader at a time: each event goes to one. Throws `TypeError` while another loop is reading. */
  [Symbol.asyncIterator](): AsyncIterableIterator<JobEvent, undefined, undefined> {
    return this.#options.feed.read();
  }

  /**
   * The job's result: what the agent returned, or a streamed result put together, a string of its utf8 chunks or bytes.
   * Rejects with `ArcpError{code, retryable, details}` if the job failed, was cancelled (`CANCELLED`) or timed out (`TIMEOUT`),
   * or its session expired; with `ConnectionError` if the client was closed first. Waiting here without iterating lets
   * events go once they fill the buffer.
   */
  result(): Promise<unknown> {
    this.#options.feed.isAwaited = true;
    this.#options.awaited();
    return this.#options.feed.result;
  }

  /**
   * Asks for the job's end; resolves once that is acknowledged (`job.cancelled`), and the end itself is told by `result()`.
   * Rejects with `ArcpError`: `JOB_NOT_FOUND` (`details.reason` `ended`) if it was over already, `PERMISSION_DENIED` if it is
   * another session's.
   */
  cancel(reason?: string): Promise<void> {
    return this.#options.cancel(this.id, reason);
  }
}
