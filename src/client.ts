// What users import from 'arcp-xstate/client', in Node and in browsers.
import type { Feed } from './client/feed.ts';
import { Job } from './client/job.ts';
import { Listing, type ListOptions } from './client/listing.ts';
import { type ClientState, type ConnectOptions, type StateChange, settle, type Ticket } from './client/options.ts';
import { Session } from './client/session.ts';
import { type SubscribeOptions, Subscription } from './client/subscription.ts';
import { Watched } from './client/watched.ts';
import { mintId } from './wire/ids.ts';
import type { SubscribedPayload, SubscribePayload } from './wire/listing-messages.ts';
import type { AcceptedPayload, AgentListing, Peer, SubmitPayload } from './wire/messages.ts';

export { ConnectionError, type ConnectionErrorReason } from './client/errors.ts';
export type { JobEvent } from './client/feed.ts';
export type { Job } from './client/job.ts';
export type { JobPage, Listing, ListOptions } from './client/listing.ts';
export type { ClientState, ConnectOptions, ReconnectOptions, StateChange, Ticket } from './client/options.ts';
export type { SubscribeOptions, Subscription } from './client/subscription.ts';
export { ArcpError, type ErrorCode } from './wire/errors.ts';

/**
 * Opens a session with the runtime at `url` (`ws:` or `wss:`), or goes on with the one of `resume` (§6.1, §6.3). Resolves at
 * the runtime's welcome. From then on the client comes back to the session by itself whenever the connection is lost.
 *
 * Rejects with `ArcpError` when the runtime refuses (`UNAUTHENTICATED`; of a resume `RESUME_WINDOW_EXPIRED`,
 * `PERMISSION_DENIED`), with `ConnectionError` when no connection can be made, and with `TypeError` or `RangeError` for
 * options that cannot work.
 */
export async function connect(url: string | URL, options: ConnectOptions): Promise<Client> {
  const session = new Session(String(url), settle(options));
  await session.opened;
  return new Client(session);
}

export interface SubmitOptions {
  /** The lease asked for (§9): namespace → patterns. */
  lease?: Record<string, unknown>;
  leaseConstraints?: Record<string, unknown>;
  /** The same key and parameters are one run (§7). Default: one of our own, so that a submit repeated after a drop is one run. */
  idempotencyKey?: string;
  /** The job ends with `TIMEOUT` after this many seconds. */
  maxRuntimeSec?: number;
}

/** One session with a runtime, over as many connections as it takes. */
export class Client {
  readonly #session: Session;
  readonly #watched: Watched;

  /** @internal Use `connect`. */
  constructor(session: Session) {
    this.#session = session;
    this.#watched = new Watched(session.inbox, session.unsubscribe);
    session.listen(({ state }) => {
      if (state === 'resumed') this.#watched.resend();
    });
  }

  get state(): ClientState {
    return this.#session.state;
  }

  /** What another process needs to go on with this session: JSON, a secret, and new after every resume. */
  get ticket(): Ticket {
    return this.#session.ticket;
  }

  /** The features negotiated (§6.2). */
  get features(): readonly string[] {
    return this.#session.welcome?.capabilities.features ?? [];
  }

  /** The agents the runtime told of in its welcome. */
  get agents(): readonly AgentListing[] {
    return this.#session.welcome?.capabilities.agents ?? [];
  }

  get runtime(): Peer | undefined {
    return this.#session.welcome?.runtime;
  }

  /** Calls back with every change of state from now on. Returns the way to stop. */
  on(what: 'state', listener: (change: StateChange) => void): () => void {
    if (what !== 'state') throw new TypeError(`nothing is told of ${JSON.stringify(what)}: a client tells of 'state'`);
    return this.#session.listen(listener);
  }

  /**
   * Starts a job (§7): `agent` is `name` or `name@version`, `input` any JSON. Resolves once the runtime has accepted it; while
   * the client is `waiting`, that is after the resume. Rejects with the runtime's refusal, an `ArcpError`
   * (`AGENT_NOT_AVAILABLE`, `AGENT_VERSION_NOT_AVAILABLE`, `INVALID_REQUEST`, `DUPLICATE_KEY`, …).
   */
  async submit(agent: string, input?: unknown, options: SubmitOptions = {}): Promise<Job> {
    const { lease, leaseConstraints, idempotencyKey, maxRuntimeSec } = options;
    const payload: SubmitPayload = {
      agent,
      idempotency_key: idempotencyKey ?? mintId('req'),
      ...(input === undefined ? {} : { input }),
      ...(lease === undefined ? {} : { lease_request: lease }),
      ...(leaseConstraints === undefined ? {} : { lease_constraints: leaseConstraints }),
      ...(maxRuntimeSec === undefined ? {} : { max_runtime_sec: maxRuntimeSec }),
    };
    return this.#session.ask('job.submit', {
      payload,
      read: (reply) => (reply.type === 'job.accepted' ? this.#accepted(reply.payload) : undefined),
    });
  }

  /**
   * A job of this session by its id, with the events that arrive for it: for a client that goes on with a `ticket`, and did
   * not submit the job itself. An id that is not of this session is a job of which nothing arrives.
   */
  job(jobId: string): Job {
    return new Job({
      feed: this.#session.inbox.feed(jobId),
      cancel: (id, reason) => this.#cancel(id, reason),
      awaited: () => this.#session.inbox.awaited(),
    });
  }

  /**
   * Jobs, the newest first (§6.6): those of every session of one's principal, running, and ended for as long as the runtime
   * remembers them. Awaited, it is one page, `{ jobs, nextCursor }`; `for await` goes over all jobs of all pages. Rejects with
   * `ArcpError` `INVALID_REQUEST` for a filter or cursor that makes no sense.
   */
  listJobs(options: ListOptions = {}): Listing {
    return new Listing(options, (payload) =>
      this.#session.ask('session.list_jobs', {
        payload,
        read: (reply) => (reply.type === 'session.jobs' ? reply.payload : undefined),
      }),
    );
  }

  /**
   * Watches a job of any session (§7.6), by default what it emits from now on, with `history` all it has emitted. Of a job of
   * this session it reads what the job's own handle would. Refusals (`JOB_NOT_FOUND`) are thrown by the loop. Throws
   * `TypeError` while this client watches the job already.
   */
  subscribe(jobId: string, options: SubscribeOptions = {}): Subscription {
    const { feed, leave } = this.#watched.begin(jobId);
    const ask = (asked: SubscribePayload) => this.#subscribe(feed, asked);
    const { inbox } = this.#session;
    const lastEventSeq = () => inbox.lastEventSeq;
    return new Subscription({ feed, leave, ask, lastEventSeq, awaited: () => inbox.awaited() }, options);
  }

  /** Asks the runtime for a sign of life. Resolves with the milliseconds the answer took. */
  async ping(): Promise<number> {
    const { clock } = this.#session;
    const askedMs = clock.uptime();
    const nonce = mintId('req');
    const payload = { nonce, sent_at: new Date(clock.now()).toISOString() };
    await this.#session.ask(
      'session.ping',
      { payload, read: (reply) => (reply.type === 'session.pong' ? true : undefined) },
      nonce,
    );
    return clock.uptime() - askedMs;
  }

  /**
   * Leaves the session (`session.close`, §6.7): its jobs run on, and `ticket` brings it back within the resume window. Resolves
   * when the runtime has answered, or after `closeTimeoutMs`; without a connection at once. Never rejects.
   */
  close(reason?: string): Promise<void> {
    return this.#session.leave('close', reason);
  }

  /**
   * Ends the session (`session.bye`, §6.7): the runtime cancels its jobs, unless told otherwise, and the ticket is void. Without
   * a connection the runtime cannot be told, and the session ends with its resume window. Otherwise like `close`.
   */
  bye(reason?: string): Promise<void> {
    return this.#session.leave('bye', reason);
  }

  #accepted(payload: AcceptedPayload): Job {
    const job = this.job(payload.job_id);
    this.#session.inbox.feed(payload.job_id).accepted = payload;
    return job;
  }

  #subscribe(feed: Feed, asked: SubscribePayload): Promise<SubscribedPayload> {
    const { jobId } = feed;
    return this.#session.ask('job.subscribe', {
      jobId,
      payload: { job_id: jobId, ...asked },
      read: (reply) => {
        if (reply.type !== 'job.subscribed' || reply.payload.job_id !== jobId) return undefined;
        const { follows_event_seq: afterSeq } = reply.payload;
        // Before anything else is read: what comes next is of this subscription.
        feed.isWatched = afterSeq !== undefined;
        if (afterSeq !== undefined) feed.begin(afterSeq);
        return reply.payload;
      },
    });
  }

  #cancel(jobId: string, reason: string | undefined): Promise<void> {
    return this.#session
      .ask('job.cancel', {
        jobId,
        payload: { job_id: jobId, ...(reason === undefined ? {} : { reason }) },
        read: (reply) => (reply.type === 'job.cancelled' ? true : undefined),
        // The acknowledgement of the first one was lost with its connection, and the job has ended since.
        readRefusal: ({ code, details }, timesSent) =>
          timesSent > 1 && code === 'JOB_NOT_FOUND' && details?.reason === 'ended' ? true : undefined,
      })
      .then(() => {});
  }
}
