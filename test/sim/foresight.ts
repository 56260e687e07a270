import type { Frame } from '../support/peer.ts';
import type { Verdict } from './authenticators.ts';
import { isSlow, principalOf } from './bearers.ts';
import type { Link } from './link.ts';
import type { Policy, PromisedJob, PromisedSession, Remembered, Wire } from './promise.ts';

/** What a frame has to be answered with, and what it changes once it was. */
export interface Foresight {
  answer: string | undefined;
  closes?: number;
  /** The session that a resume leads to, or undefined for a hello. */
  opens?: PromisedSession | undefined;
  cursor?: number;
  after?: () => void;
  /** Who it is from is not known at once: what follows waits. */
  waits?: true;
  /** What an equal submit was answered with: this one starts nothing. */
  repeats?: string;
}

/** All that is known of a runtime. */
export interface Known {
  policy: Policy;
  nowMs(): number;
  /** The runtime's ends of links that it has not been told are over. */
  wires: ReadonlyMap<Link, Wire>;
  sessions: Iterable<PromisedSession>;
  jobs: ReadonlyMap<string, PromisedJob>;
  /** Submits by principal and idempotency key. */
  keys: ReadonlyMap<string, Remembered>;
}

const badRequest: Foresight = { answer: 'session.error INVALID_REQUEST' };

/** What must come of a frame that the runtime is about to hear (§6, §7); undefined text is nonsense. */
export function foresee(wire: Wire, frame: Frame | undefined, known: Known, verdict?: Verdict): Foresight {
  const { session } = wire;
  if (!session) return foreseeGreeting(wire, frame, { known, verdict });
  if (!frame) return badRequest;
  switch (frame.type) {
    case 'session.ping':
      return { answer: 'session.pong' };
    case 'session.pong':
      return { answer: undefined };
    case 'session.ack':
      return session.features.has('ack')
        ? foreseeAck(wire, session, { seq: frame.payload.last_processed_seq, known })
        : badRequest;
    case 'session.close':
      return { answer: 'session.closed', closes: 1000, after: () => session.detach(known.nowMs()) };
    case 'session.bye':
      return { answer: 'session.closed', closes: 1000, after: () => bye(session, known) };
    case 'job.submit':
      return foreseeSubmit(session, frame, known);
    case 'job.cancel':
      return foreseeCancel(session, known.jobs.get(frame.payload.job_id), known);
    default:
      return badRequest;
  }
}

/** A key belongs to its principal; the order in which the input names things does not count (§7). */
export function keyOf(principal: string, { payload }: Frame): string | undefined {
  return payload.idempotency_key && JSON.stringify([principal, payload.idempotency_key]);
}

export function parametersOf({ payload: { agent, input = {}, max_runtime_sec } }: Frame): string {
  return JSON.stringify([agent, Object.entries(input).sort(), max_runtime_sec]);
}

/** What an acceptance says, whichever request it answers. */
export function acceptanceOf({ payload }: Frame): string {
  return JSON.stringify({ ...payload, request_id: undefined, reply_to: undefined });
}

function foreseeSubmit(session: PromisedSession, frame: Frame, { keys }: Known): Foresight {
  const known = keys.get(keyOf(session.principal, frame) ?? '');
  if (!known) return { answer: 'job.accepted' };
  return known.parameters === parametersOf(frame)
    ? { answer: 'job.accepted', repeats: known.accepted }
    : { answer: 'session.error DUPLICATE_KEY' };
}

function foreseeGreeting(
  wire: Wire,
  frame: Frame | undefined,
  { known, verdict }: { known: Known; verdict: Verdict | undefined },
): Foresight {
  if (frame?.type !== 'session.hello' && frame?.type !== 'session.resume')
    return { answer: `session.error ${frame ? 'UNAUTHENTICATED' : 'INVALID_REQUEST'}`, closes: 1008 };
  const { auth, resume_token: token, last_event_seq: cursor = 0, session_id: id } = frame.payload;
  if (isSlow(auth.token) && verdict === undefined) return { answer: undefined, waits: true };
  const principal = verdict === undefined || verdict === 'granted' ? principalOf(auth.token) : '';
  if (principal === '') return { answer: 'session.error UNAUTHENTICATED', closes: 1008 };
  if (token === undefined) return { answer: 'session.welcome', cursor: 0 };
  const session = [...known.sessions].find(({ tokens }) => tokens.includes(token));
  const refusal = refusalOf(session, { principal, cursor, id }, known);
  if (refusal === undefined) return { answer: 'session.welcome', opens: session, cursor };
  const after = () => {
    wire.refusals += 1;
  };
  const answer = `session.error ${refusal}`;
  return wire.refusals >= 2 ? { answer, closes: 1008, after } : { answer, after };
}

interface Wish {
  principal: string;
  cursor: number;
  id: string | undefined;
}

/** Why a resume is refused, in the order of §6.3. */
function refusalOf(session: PromisedSession | undefined, wish: Wish, { policy, nowMs }: Known): string | undefined {
  const { principal, cursor, id } = wish;
  const isOwn = session?.principal === principal;
  if (session?.state === 'expired') {
    const isRemembered = session.buriedMs + policy.windowMs > nowMs();
    return `RESUME_WINDOW_EXPIRED ${isOwn && isRemembered ? 'expired' : 'unknown'}`;
  }
  if (!session || session.state === 'closed' || session.state === 'failed') return 'RESUME_WINDOW_EXPIRED unknown';
  if (!isOwn) return 'PERMISSION_DENIED';
  if (id !== undefined && id !== session.id) return 'INVALID_REQUEST';
  if (cursor < session.freedThrough(policy)) return 'RESUME_WINDOW_EXPIRED trimmed';
  return cursor > session.kept.newest ? 'RESUME_WINDOW_EXPIRED ahead' : undefined;
}

function foreseeAck(wire: Wire, session: PromisedSession, { seq, known }: { seq: number; known: Known }): Foresight {
  const after = () => {
    if (seq <= session.acked || seq > session.kept.newest) return;
    session.acked = seq;
    session.trimmed = Math.max(session.trimmed, Math.min(seq, wire.pushed));
    if (session.kept.newest - seq < known.policy.backPressure / 2) session.lag = 'untold';
  };
  return { answer: undefined, after };
}

function bye(session: PromisedSession, { policy, nowMs }: Known): void {
  session.detach(nowMs());
  session.state = 'closed';
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
  const after = () => {
    job.cancelledMs = Math.min(job.cancelledMs, nowMs);
  };
  return { answer: 'job.cancelled', after };
}
