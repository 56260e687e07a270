// The protocol's own word on what has to come of each act (§3 to §7 of docs/protocol.md).
import type { Act } from './model.ts';
import { crashOutcome, shutDownToReturn } from './outcome-crash.ts';
import { jobOutcome, workOutcome } from './outcome-jobs.ts';
import { resumeOutcome } from './outcome-resume.ts';
import {
  type Answer,
  detached,
  error,
  hasCredential,
  isAttached,
  isCalm,
  type Outcome,
  over,
  type Policy,
  proven,
  type Reference,
  stays,
  written,
} from './reference.ts';

/** What has to come of an act, or null where it cannot happen. */
export function outcomeOf(at: Reference, act: Act, policy: Policy): Outcome | null {
  if (at.over === 'shutdown' || at.over === 'refused') return null;
  const isPlain = !at.jobs.some(hasCredential);
  if (act.do === 'shutdown') return at.state === 'ended' || !isPlain ? null : shutdown(at, policy);
  if (act.do === 'crash') return isPlain ? crashOutcome(at, act, policy) : null;
  if (act.do === 'resume') return isPlain ? resumeOutcome(at, act) : null;
  if (at.state === 'handshaking') return handshake(at, act);
  if (at.ghost && !besideGhost.has(act.do)) return null;
  if (!isPlain && !besideCredential.has(act.do)) return null;
  if (act.do === 'work') return workOutcome(at, act.how === 'finishes' ? 'success' : 'cancelled');
  return ofConnection(at, act, policy) ?? jobOutcome(at, act) ?? ofOthers(at, act, policy);
}

/** What is walked while a replaced connection has yet to notice: the rest is the same as without it. */
const besideGhost: ReadonlySet<Act['do']> = new Set(['ghost', 'ping', 'drop', 'close', 'bye', 'agent', 'submit']);

/** What is walked beside a job with a credential: the rest is the same as beside any other. */
const besideCredential: ReadonlySet<Act['do']> = new Set([
  'agent',
  'cancel',
  'cancel again',
  'cancel the ended job',
  'cancel grace over',
  'max runtime over',
  'revocation done',
  'revocation grace over',
  'ping',
  'drop',
  'bye',
]);

function handshake(at: Reference, act: Act): Outcome | null {
  const refused = (answer: Answer | null, closes: number | null): Outcome => ({
    ...stays({ ...at, state: 'ended', over: 'refused' }, answer),
    closes,
  });
  switch (act.do) {
    case 'hello':
      return stays({ ...at, state: 'live', tokens: 1, refusals: 0 }, { type: 'session.welcome' });
    case 'unauthenticated hello':
      return refused(error('UNAUTHENTICATED'), 1008);
    case 'refused resume': {
      const invalid = act.has === 'two different tokens' || act.has === 'no count';
      const foreign = act.has === "another principal's token";
      const answer = error(invalid ? 'INVALID_REQUEST' : foreign ? 'PERMISSION_DENIED' : 'RESUME_WINDOW_EXPIRED');
      return at.refusals === 2 ? refused(answer, 1008) : stays({ ...at, refusals: at.refusals + 1 }, answer);
    }
    case 'early frame':
      return refused(error('UNAUTHENTICATED'), 1008);
    case 'malformed first frame':
      return refused(error('INVALID_REQUEST'), act.frame === 'session.open' ? 1002 : 1008);
    case 'be adopted':
      return refused({ type: 'session.welcome' }, null);
    case 'handshake timeout':
      return act.moment === 'over' ? refused(null, 4004) : stays(at);
    case 'drop':
      return refused(null, null);
    case 'violate':
      return refused(null, act.code);
    default:
      return null;
  }
}

/** The session's own connection: what its client sends, and how it is lost. */
function ofConnection(at: Reference, act: Act, policy: Policy): Outcome | null {
  if (!isAttached(at)) return null;
  const spoken = proven(at);
  switch (act.do) {
    case 'ping':
      return stays(spoken, { type: 'session.pong' });
    case 'ack':
      return at.state === 'live' && (at.log === 'whole' || at.log === 'long')
        ? stays({ ...spoken, log: 'trimmed' })
        : null;
    case 'ack beyond the newest':
      return stays(spoken);
    case 'malformed frame':
    case 'misplaced frame':
      return stays(spoken, error('INVALID_REQUEST'));
    case 'refused submit':
      return stays(spoken, error('AGENT_NOT_AVAILABLE'));
    case 'cancel an unknown job':
      return stays(spoken, error('JOB_NOT_FOUND'));
    case 'read on':
      return at.state === 'resumed' ? stays({ ...at, state: 'live' }) : null;
    case 'close':
      return detached(spoken, { type: 'session.closed' }, 1000);
    case 'bye':
      return { ...over(spoken, 'closed', policy.onBye), answer: { type: 'session.closed' }, closes: 1000 };
    case 'drop':
      return detached(at, null, null);
    case 'violate':
      return detached(at, null, act.code);
    case 'heartbeat lost':
      return isCalm(at) ? detached(at, error('HEARTBEAT_LOST'), 4002) : null;
    case 'stall':
      return isCalm(at) && at.state === 'live' && at.jobs.length > 0
        ? detached({ ...at, log: written(at) }, null, 4003)
        : null;
    case 'outlive the window':
      return isCalm(at) ? stays(spoken) : null;
    default:
      return null;
  }
}

function shutdown(at: Reference, { onShutdown }: Policy): Outcome {
  if (onShutdown === 'keep') return shutDownToReturn(at);
  const terminals = at.jobs.map(({ status }) => (status === 'cancelling' ? 'cancelled' : 'error'));
  const shut = { ...at, jobs: [], over: 'shutdown' as const, ghost: false };
  if (isAttached(at)) {
    return { ...stays({ ...shut, state: 'detached' }, { type: 'session.bye' }), closes: 1001, terminals };
  }
  const state = at.state === 'detached' ? 'detached' : 'ended';
  return { ...stays({ ...shut, state }), closes: at.state === 'handshaking' ? 1001 : null, terminals };
}

function ofOthers(at: Reference, act: Act, policy: Policy): Outcome | null {
  switch (act.do) {
    case 'window over':
      return at.state === 'detached' && isCalm(at) ? over(at, 'expired', policy.onExpire) : null;
    case 'ghost':
      return at.ghost ? stays(act.does === 'closes' ? { ...at, ghost: false } : at) : null;
    case 'late fact': {
      if (at.state === 'ended') return null;
      const isNews = isAttached(at) && !(at.state === 'live' && act.fact === 'replay.caughtUp');
      return isNews ? null : stays(at);
    }
    default:
      return null;
  }
}
