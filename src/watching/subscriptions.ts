import type { Connection } from '../connections/connection.ts';
import type { KnownJob, KnownJobs } from '../jobs/known-jobs.ts';
import { namedJob } from '../jobs/named-job.ts';
import type { AuditEntry, Settings } from '../options.ts';
import type { Policy } from '../policy.ts';
import type { Ledger } from '../records/ledger.ts';
import type { Session } from '../session.ts';
import { ArcpError, type ErrorCode, type ErrorDetails } from '../wire/errors.ts';
import type { ClientFrameOf } from '../wire/messages.ts';
import { describe } from './listing.ts';
import { Subscription, type SubscriptionOptions, type SubscriptionRecord } from './subscription.ts';
import { Turns } from './turns.ts';

export interface SubscriptionsWorld {
  settings: Settings;
  known: KnownJobs;
  policy: Policy;
  ledger: Ledger;
  audit(entry: Omit<AuditEntry, 'at'>): void;
}

/** Who watches whose job (§7.6): the requests that begin and end it. Each session holds its own subscriptions. */
export class Subscriptions {
  readonly #world: SubscriptionsWorld;
  readonly #turns = new Turns();

  constructor(world: SubscriptionsWorld) {
    this.#world = world;
  }

  /** `job.subscribe`: first the answer, then history, then live. */
  subscribe(connection: Connection, frame: ClientFrameOf<'job.subscribe'>): void {
    const job = this.#admit(connection.session, namedJob(frame));
    const loading = wantsHistory(frame) && job.sessionId !== connection.session.id ? job.history.loaded() : undefined;
    if (!loading) return this.#answer(connection, { job, frame });
    const release = connection.hold();
    loading
      .catch((error) => this.#world.settings.log.error({ jobId: job.id, err: error }, 'a history cannot be read'))
      .then(() => {
        // Its session may have gone on without this connection.
        if (connection.session.connection === connection) this.#answer(connection, { job, frame });
        release();
      })
      .catch((error) => this.#world.settings.log.error({ jobId: job.id, err: error }, 'a subscription failed'));
  }

  /** `job.unsubscribe`: nothing more of the job is numbered for this session. It has no answer. */
  unsubscribe({ session }: Connection, frame: ClientFrameOf<'job.unsubscribe'>): void {
    this.#stop(session.subscriptions.get(namedJob(frame)));
  }

  /** Begins a subscription; one before it is over. */
  #begin(session: Session, job: KnownJob, from: SubscriptionOptions['from']): void {
    this.#stop(session.subscriptions.get(job.id));
    const { settings, ledger } = this.#world;
    const { clock, log } = settings;
    const failed = (error: unknown) => log.error({ jobId: job.id, err: error }, 'a history cannot be read');
    const ended = (over: Subscription) => this.#stop(over);
    const { id, accepted, history } = job;
    const watched = { id, accepted, history };
    const turns = this.#turns;
    const subscription = new Subscription({ session, job: watched, from, turns, clock, ledger, ended, failed });
    session.subscriptions.set(job.id, subscription);
    subscription.begin();
  }

  #stop(subscription: Subscription | undefined): void {
    if (!subscription) return;
    subscription.stop();
    const { session, jobId } = subscription;
    if (session.subscriptions.get(jobId) === subscription) session.subscriptions.delete(jobId);
  }

  /** Goes on with a subscription where `record` says that it was. */
  restore(session: Session, job: KnownJob, { fromSeq }: SubscriptionRecord): void {
    // What came behind that was kept in the process alone, and has been passed on: other events have its numbers now.
    this.#begin(session, job, { place: Math.min(fromSeq, job.history.foundSeq) });
  }

  #admit(session: Session, jobId: string): KnownJob {
    const { known, policy, settings } = this.#world;
    const job = known.find(jobId);
    if (!job || !policy.mayObserve(session.principal, job)) {
      throw this.#refusal(session, jobId, { code: 'JOB_NOT_FOUND', message: `there is no job ${jobId}` });
    }
    const { maxSubscriptionsPerSession: max } = settings;
    if (job.sessionId === session.id || session.subscriptions.has(jobId) || session.subscriptions.size < max)
      return job;
    throw this.#refusal(session, jobId, {
      code: 'PERMISSION_DENIED',
      message: `this session is subscribed to ${max} jobs already: end a subscription with job.unsubscribe`,
      details: { limit: 'subscriptions_per_session', max },
    });
  }

  #answer(connection: Connection, { job, frame }: { job: KnownJob; frame: ClientFrameOf<'job.subscribe'> }): void {
    const { session } = connection;
    const { history } = job;
    const isOwn = job.sessionId === session.id;
    const replayed = !isOwn && wantsHistory(frame);
    const fromSeq = frame.payload.from_event_seq ?? 0;
    const goneSeq = replayed ? history.goneAfter(fromSeq) : undefined;
    this.#world.audit({ action: 'subscribe', outcome: 'allowed', ...whose(session, job.id) });
    connection.reply(
      'job.subscribed',
      { requestId: frame.id, jobId: job.id, traceId: job.accepted.trace_id },
      {
        ...describe(job),
        current_status: job.status,
        subscribed_from: history.newestSeq,
        replayed,
        ...(goneSeq === undefined ? {} : { history_from: goneSeq }),
        ...(isOwn ? {} : { follows_event_seq: session.log.newestSeq }),
      },
    );
    // To its own session's job it changes nothing: each event comes once.
    if (!isOwn) this.#begin(session, job, { index: replayed ? history.after(fromSeq) : history.end });
  }

  #refusal(
    session: Session,
    jobId: string,
    { code, message, details }: { code: ErrorCode; message: string; details?: ErrorDetails },
  ): ArcpError {
    this.#world.audit({ action: 'subscribe', outcome: 'refused', ...whose(session, jobId), code });
    return new ArcpError(code, message, details);
  }
}

/** A number to begin behind asks for history as well, unless the request says that it does not. */
function wantsHistory({ payload }: ClientFrameOf<'job.subscribe'>): boolean {
  const { history, from_event_seq } = payload;
  return history ?? typeof from_event_seq === 'number';
}

function whose({ principal, id: sessionId }: Session, jobId: string) {
  return { principal, sessionId, jobId };
}
