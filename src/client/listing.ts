import type { JobFilter, JobStatus, JobsPayload, ListedJob } from '../wire/listing-messages.ts';

/** Which jobs are asked for (§6.6): all conditions hold. */
export interface ListOptions {
  status?: readonly JobStatus[];
  /** `name`, in any version, or `name@version`. */
  agent?: string;
  /** ISO 8601 with its zone, or a date; the bound itself is left out. */
  createdAfter?: string | Date;
  createdBefore?: string | Date;
  /** Jobs a page: 1 to 500. Default 100. */
  limit?: number;
  /** Where to go on: a page's `nextCursor`. */
  cursor?: string;
}

/** One page of a listing, the newest job first. */
export interface JobPage {
  /** As the wire has them: `job_id`, `agent`, `status`, `created_at`, `last_event_seq`, … */
  jobs: ListedJob[];
  /** Undefined at the end. */
  nextCursor: string | undefined;
}

/** What `client.listJobs()` gives: awaited, one page; iterated, every job of every page, each fetched when it is come to. */
export class Listing implements PromiseLike<JobPage>, AsyncIterable<ListedJob> {
  readonly #options: ListOptions;
  readonly #ask: (payload: ListPayload) => Promise<JobsPayload>;
  #first: Promise<JobPage> | undefined;

  /** @internal */
  constructor(options: ListOptions, ask: (payload: ListPayload) => Promise<JobsPayload>) {
    this.#options = options;
    this.#ask = ask;
  }

  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for
  then<Then = JobPage, Else = never>(
    fulfilled?: ((page: JobPage) => Then | PromiseLike<Then>) | null,
    rejected?: ((error: unknown) => Else | PromiseLike<Else>) | null,
  ): Promise<Then | Else> {
    this.#first ??= this.#page(this.#options.cursor);
    return this.#first.then(fulfilled, rejected);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ListedJob, undefined, undefined> {
    let page: JobPage = await this;
    yield* page.jobs;
    while (page.nextCursor !== undefined) {
      page = await this.#page(page.nextCursor);
      yield* page.jobs;
    }
  }

  async #page(cursor: string | undefined): Promise<JobPage> {
    const { jobs, next_cursor } = await this.#ask(payloadOf(this.#options, cursor));
    return { jobs, nextCursor: next_cursor ?? undefined };
  }
}

interface ListPayload {
  filter?: JobFilter;
  limit?: number;
  cursor?: string;
}

function payloadOf({ status, agent, createdAfter, createdBefore, limit }: ListOptions, cursor?: string): ListPayload {
  const filter: JobFilter = {
    ...(status === undefined ? {} : { status: [...status] }),
    ...(agent === undefined ? {} : { agent }),
    ...(createdAfter === undefined ? {} : { created_after: isoOf(createdAfter) }),
    ...(createdBefore === undefined ? {} : { created_before: isoOf(createdBefore) }),
  };
  return {
    ...(Object.keys(filter).length === 0 ? {} : { filter }),
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

function isoOf(time: string | Date): string {
  return typeof time === 'string' ? time : time.toISOString();
}
