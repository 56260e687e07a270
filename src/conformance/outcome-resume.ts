import type { ResumeAct } from './model.ts';
import { type Answer, error, isAttached, isCalm, type Outcome, type Reference, stays } from './reference.ts';

/** A newer connection asks to resume: refused in the protocol's order, or welcomed with a new token (§6.3). */
export function resumeOutcome(at: Reference, act: ResumeAct): Outcome | null {
  if (!canBeAsked(at, act)) return null;
  const attached = isAttached(at);
  if (act.principal === 'nobody') return { ...stays(at, error('UNAUTHENTICATED')), closes: 1008 };
  if (act.token === 'two different ones' || act.cursor === 'no count') return stays(at, error('INVALID_REQUEST'));
  if (act.token === 'unknown' || act.token === 'superseded' || at.over !== 'no') return stays(at, gone(at, act));
  if (act.principal === 'another') return stays(at, error('PERMISSION_DENIED'));
  if (act.namesAnother) return stays(at, error('INVALID_REQUEST'));
  if (act.cursor === 'trimmed') return stays(at, error('RESUME_WINDOW_EXPIRED', 'trimmed'));
  if (act.cursor === 'ahead') return stays(at, error('RESUME_WINDOW_EXPIRED', 'ahead'));
  const next: Reference = {
    ...at,
    state: act.replay === 'held' ? 'resumed' : 'live',
    tokens: 2,
    // The token that was good beside the one presented is dead now.
    superseded: at.superseded || at.tokens === 2,
    restarted: false,
    ghost: attached && act.replaces === 'half-open' ? true : at.ghost,
  };
  return { ...stays(next, { type: 'session.welcome' }), supersedes: attached };
}

/** Expired can be told from unknown, by its principal, for one more window (§6.3). */
function gone(at: Reference, act: ResumeAct): Answer {
  const remembered = at.over === 'expired' && act.token === 'current';
  if (act.principal === 'another') return error('RESUME_WINDOW_EXPIRED');
  return error('RESUME_WINDOW_EXPIRED', remembered ? 'expired' : 'unknown');
}

function canBeAsked(at: Reference, act: ResumeAct): boolean {
  if (at.state === 'handshaking') return false;
  // Nothing opens it any more: what is left to see is whether its last token is told from others.
  if (at.over !== 'no' && (act.token !== 'current' || act.cursor !== 'head' || act.namesAnother)) return false;
  if (act.token === 'previous' && at.tokens !== 2) return false;
  if (act.token === 'superseded' && !at.superseded) return false;
  if (at.ghost && (act.cursor !== 'head' || act.spelling !== 'session.resume')) return false;
  if (act.replaces === 'half-open' && (!isAttached(at) || at.ghost)) return false;
  if (act.replay === 'held' && at.log !== 'long') return false;
  if (act.when !== 'any time' && (at.state !== 'detached' || !isCalm(at))) return false;
  if (act.cursor === 'zero') return at.log !== 'trimmed';
  if (act.cursor === 'inside') return at.log !== 'empty';
  return act.cursor !== 'trimmed' || at.log === 'trimmed';
}
