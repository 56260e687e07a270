import type { Frame } from '../support/peer.ts';
import { isSlow, principalOf } from './bearers.ts';
import type { StoreView } from './disk.ts';
import type { Issuing } from './issuing.ts';
import type { Link } from './link.ts';
import { foreseeList } from './listing.ts';
import type { Loads } from './loads.ts';
import { shownOf } from './promised-credentials.ts';
import type { PromisedJob, Remembered } from './promised-job.ts';
import type { PromisedSession } from './promised-session.ts';
import type { Promises } from './promises.ts';
import type { Policy } from './settings.ts';
import { foreseeSubscribe, foreseeUnsubscribe } from './watching.ts';
import type { News, Owed, Wire } from './wire.ts';

/** What a frame has to be answered with, and what it changes. */
export interface Foresight {
  answer?: string;
  closes?: number;
  keeps?: true;
  /** Called as the frame is heard. */
  changes?: (owed: Owed) => void;
  /** It cannot be answered yet: what follows waits, too. */
  waits?: 'an authenticator' | 'the disk' | 'a history' | 'credentials' | 'an equal submit';
  /** The job whose history that is. */
  job?: PromisedJob;
  /** It is answered when the turn is over; or what is behind it waits until then. */
  isLate?: true;
  holds?: true;
  /** What came to pass, where that is more than the answer. */
  what?: string;
}

/** All that is known of a runtime. */
export interface Known {
  policy: Policy;
  store: StoreView;
  nowMs(): number;
  wallMs(): number;
  /** The runtime's ends of links that it has not been told are over. */
  wires: ReadonlyMap<Link, Wire>;
  sessions: ReadonlyMap<string, PromisedSession>;
  jobs: ReadonlyMap<string, PromisedJob>;
  /** Submits by principal and idempotency key. */
  keys: ReadonlyMap<string, Remembered>;
  promises: Promises;
  loads: Loads;
  issuing: Issuing;
}

const badRequest: Foresight = { answer: 'session.error INVALID_REQUEST' };

/** What must come of a frame that the runtime is about to hear (§6, §7); undefined text is nonsense. */
export function foresee(wire: Wire, frame: Frame | undefined, known: Known, news: News): Foresight {
  const { session } = wire;
  if (!session) return foreseeGreeting(wire, frame, { known, news });
  if (!frame) return badRequest;
  switch (frame.type) {
    case 'session.ping':
      return { answer: 'session.pong' };
    case 'session.pong':
      return {};
    case 'session.ack':
      return session.features.has('ack')
        ? foreseeAck(wire, session, { seq: frame.payload.last_processed_seq, known })
        : badRequest;
    case 'session.close':
      return { ...goodbye, changes: () => session.detach(known.nowMs()) };
    case 'session.bye':
      return { ...goodbye, changes: () => bye(session, known) };
    case 'job.submit':
      return foreseeSubmit(session, frame, { known, news });
    case 'session.list_jobs':
      return foreseeList(session, frame, known);
    case 'job.subscribe':
      return foreseeSubscribe(session, frame, { known, news });
    case 'job.unsubscribe':
      return foreseeUnsubscribe(session, frame);
    case 'job.cancel':
      return foreseeCancel(session, known.jobs.get(frame.payload.job_id), known);
    default:
      return badRequest;
  }
}

const goodbye = { answer: 'session.closed', closes: 1000, keeps: true } as const;

/** A key belongs to its principal; the order in which the input names things does not count (§7). */
export function keyOf(principal: string, { payload }: Frame): string | undefined {
  return payload.idempotency_key && JSON.stringify([principal, payload.idempotency_key]);
}

export function parametersOf({ payload }: Frame): string {
  const { agent, input = {}, max_runtime_sec, lease_request, lease_constraints } = payload;
  return JSON.stringify([agent, Object.entries(input).sort(), max_runtime_sec, lease_request, lease_constraints]);
}

/** What an acceptance says, whichever request it answers. */
export function acceptanceOf({ payload }: Frame): string {
  return JSON.stringify({ ...payload, credentials: undefined, request_id: undefined, reply_to: undefined });
}

/** Where credentials are issued, nothing but a repeat is answered before the turn is over. */
function foreseeSubmit(session: PromisedSession, frame: Frame, { known, news }: Asked): Foresight {
  if (known.policy.provisions === 'nothing') return foreseeJob(session, frame, known);
  if (news.pending === 'refused')
    return { answer: 'session.error INTERNAL_ERROR credentials', isLate: true, holds: true };
  if (known.issuing.isPending(keyOf(session.principal, frame))) return { waits: 'an equal submit' };
  const foresight = foreseeJob(session, frame, known);
  if (foresight.what !== undefined) return { ...foresight, holds: true };
  if (foresight.answer !== 'job.accepted') return { ...foresight, isLate: true, holds: true };
  return { waits: 'credentials' };
}

function foreseeJob(session: PromisedSession, frame: Frame, known: Known): Foresight {
  const remembered = known.keys.get(keyOf(session.principal, frame) ?? '');
  if (!remembered) {
    const { lease_request: lease, lease_constraints: constraints } = frame.payload;
    const isBeyond =
      (lease?.['cost.budget'] && !session.features.has('cost.budget')) ||
      (constraints && !session.features.has('lease_expires_at')) ||
      (constraints && Date.parse(constraints.expires_at) <= known.wallMs());
    if (isBeyond) return badRequest;
    const changes = (owed: Owed) => known.promises.accepts(known.promises.prepares(session, frame), frame, owed);
    return { answer: 'job.accepted', keeps: true, changes };
  }
  if (remembered.parameters !== parametersOf(frame)) return { answer: 'session.error DUPLICATE_KEY' };
  const changes = (owed: Owed) => {
    owed.remembered = remembered;
    const { job } = remembered;
    const isShown = job.session === session && !isEnding(job, known);
    owed.tells = isShown ? shownOf(job) : undefined;
  };
  return { answer: 'job.accepted', what: 'submit repeated', changes };
}

interface Asked {
  known: Known;
  news: News;
}

function foreseeGreeting(wire: Wire, frame: Frame | undefined, { known, news }: Asked): Foresight {
  if (frame?.type !== 'session.hello' && frame?.type !== 'session.resume')
    return { answer: `session.error ${frame ? 'UNAUTHENTICATED' : 'INVALID_REQUEST'}`, closes: 1008 };
  const { auth, resume_token: token, last_event_seq: cursor = 0, session_id: id } = frame.payload;
  const { verdict } = news;
  if (isSlow(auth.token) && verdict === undefined) return { waits: 'an authenticator' };
  const principal = verdict === undefined || verdict === 'granted' ? principalOf(auth.token) : '';
  if (principal === '') return { answer: 'session.error UNAUTHENTICATED', closes: 1008 };
  const welcome = { answer: 'session.welcome', keeps: true } as const;
  if (token === undefined) return { ...welcome, changes: (owed) => known.promises.admits(wire, frame, owed) };
  const session = [...known.sessions.values()].find((one) => one.token(token));
  if (news.read === undefined && isCold(session, { token, cursor })) return { waits: 'the disk' };
  const refusal =
    news.read === 'failed' ? 'INTERNAL_ERROR' : refusalOf(session, { principal, cursor, id, token }, known);
  if (refusal === undefined && session) {
    const changes = (owed: Owed) => known.promises.attaches(wire, { session, token, cursor }, owed);
    return { ...welcome, what: `resume from ${session.state}`, changes };
  }
  const changes = () => {
    wire.refusals += 1;
  };
  const answer = `session.error ${refusal}`;
  return wire.refusals >= 2 ? { answer, closes: 1008, changes } : { answer, changes };
}

/** Whether what it asks for is on disk alone, where it may be asked for at all. */
function isCold(session: PromisedSession | undefined, { token, cursor }: { token: string; cursor: number }): boolean {
  if (session?.state !== 'attached' && session?.state !== 'detached') return false;
  return !isBeyond(session, { token, cursor }) && session.isCold(cursor);
}

/** Nobody can have seen so much by that token (§3, Crash), unless what is before that is gone. */
function isBeyond(session: PromisedSession, { token, cursor }: { token: string; cursor: number }): boolean {
  return cursor > (session.token(token)?.fenceSeq ?? 0) && cursor > session.freed;
}

interface Wish {
  principal: string;
  cursor: number;
  id: string | undefined;
  token: string;
}

/** Why a resume is refused, in the order of §6.3. */
function refusalOf(session: PromisedSession | undefined, wish: Wish, { policy, nowMs }: Known): string | undefined {
  const { principal, cursor, id, token } = wish;
  const isOwn = session?.principal === principal;
  if (session?.state === 'expired') {
    const isRemembered = session.buriedMs + policy.windowMs > nowMs();
    return `RESUME_WINDOW_EXPIRED ${isOwn && isRemembered ? 'expired' : 'unknown'}`;
  }
  if (!session || session.state === 'closed' || session.state === 'failed') return 'RESUME_WINDOW_EXPIRED unknown';
  if (!isOwn) return 'PERMISSION_DENIED';
  if (id !== undefined && id !== session.id) return 'INVALID_REQUEST';
  if (cursor < session.freed) return 'RESUME_WINDOW_EXPIRED trimmed';
  return cursor > session.kept.newest || isBeyond(session, { token, cursor })
    ? 'RESUME_WINDOW_EXPIRED ahead'
    : undefined;
}

function foreseeAck(wire: Wire, session: PromisedSession, { seq, known }: { seq: number; known: Known }): Foresight {
  const changes = () => {
    if (seq <= session.acked || seq > session.kept.newest) return;
    session.acked = seq;
    session.free(Math.min(seq, wire.pushed));
    if (session.kept.newest - seq < known.policy.backPressure / 2) session.lag = 'untold';
  };
  return { changes };
}

function bye(session: PromisedSession, { policy, nowMs }: Known): void {
  session.detach(nowMs());
  session.state = 'closed';
  session.watches.clear();
  if (policy.onBye === 'cancel') session.cancelJobs(nowMs());
}

function foreseeCancel(session: PromisedSession, job: PromisedJob | undefined, known: Known): Foresight {
  const nowMs = known.nowMs();
  if (job?.session.principal !== session.principal) return { answer: 'session.error JOB_NOT_FOUND' };
  if (job.ended) {
    const isRemembered = job.endedMs + known.policy.retentionMs > nowMs;
    return { answer: `session.error JOB_NOT_FOUND${isRemembered ? ' ended' : ''}` };
  }
  const mayCancel = job.session === session || job.session.state === 'closed' || job.session.state === 'expired';
  if (!mayCancel) return { answer: 'session.error PERMISSION_DENIED' };
  // How it ends is decided: its credentials are being revoked.
  const { decided } = job;
  if (decided && decided.cancelledMs > decided.atMs) return { answer: 'session.error JOB_NOT_FOUND ended' };
  const changes = () => {
    if (!decided) job.cancelledMs = Math.min(job.cancelledMs, nowMs);
  };
  return { answer: 'job.cancelled', keeps: true, changes };
}

/** Whether a job will say nothing more. */
function isEnding({ ended, decided, cancelledMs }: PromisedJob, { nowMs }: Known): boolean {
  return ended !== undefined || decided !== undefined || cancelledMs <= nowMs();
}
