// What a client promises its application (src/client/options.ts, docs/protocol.md): it comes back to its session or says that it
// could not, never opens another, and leaves nothing unanswered. Written from that, not from the chart.
import type { ClientState } from '../../../src/client.ts';
import { type ClientAct, type ClientReference, type ClientSetup, dueIn } from './model.ts';

export interface ClientOutcome {
  next: ClientReference;
  /** The states it tells of, in order. */
  told: readonly ClientState[];
  /** What it closes the connection it had with, or gives up making; undefined where it does not. */
  closes?: number;
  /** Why, of the end: what every call that waits is rejected with. */
  ends?: string;
}

export function clientBeginning({ hasTicket, isPatient }: ClientSetup): ClientReference {
  return {
    state: 'connecting',
    hasSession: hasTicket,
    isPatient,
    isOpened: false,
    hasAsked: false,
    isWarned: false,
    hasEvents: false,
  };
}

/** What has to come of an act, or null where it cannot happen. */
export function clientOutcome(at: ClientReference, act: ClientAct, setup: ClientSetup): ClientOutcome | null {
  if (at.state === 'closed' || at.state === 'expired') return null;
  const due = dueIn(at, setup);
  if (act.do === 'time') return due.includes(act.over) ? timeOver(at, act.over) : null;
  // Where time passes, a timer that is due may end before anything else can be done.
  if (due.length > 0 && setup.time === 'passes') return null;
  if (act.do === 'leave') return at.isOpened ? leave(at) : null;
  switch (at.state) {
    case 'connecting':
      if (act.do === 'made') return goes(at, 'handshaking');
      return act.do === 'refused connection' ? lost(at) : null;
    case 'handshaking':
      return inHandshake(at, act);
    case 'waiting':
      return act.do === 'submit' && at.isOpened && !at.hasAsked ? stays({ ...at, hasAsked: true }) : null;
    case 'closing':
      return closing(at, act);
    default:
      return attached(at, act);
  }
}

function stays(next: ClientReference): ClientOutcome {
  return { next, told: [] };
}

function goes(at: ClientReference, state: ClientState): ClientOutcome {
  return { next: { ...at, state }, told: [state] };
}

function ends(at: ClientReference, state: 'closed' | 'expired', why: string): ClientOutcome {
  return { ...goes(at, state), ends: why };
}

/** Whoever is patient tries again; for others the first failure is the end. */
function lost(at: ClientReference): ClientOutcome {
  return at.isPatient ? goes(at, 'waiting') : ends(at, 'closed', 'unreachable');
}

function timeOver(at: ClientReference, timer: string): ClientOutcome {
  switch (timer) {
    case 'backoff':
      return goes(at, 'connecting');
    case 'heartbeat':
      return { ...goes(at, 'waiting'), closes: 4002 };
    case 'close':
      return { ...ends(at, 'closed', 'closed'), closes: 1000 };
    case 'patience': {
      const given = ends(at, at.hasSession ? 'expired' : 'closed', 'unreachable');
      return at.state === 'waiting' ? given : { ...given, closes: 1000 };
    }
    default:
      return { ...lost(at), closes: 1000 };
  }
}

function leave(at: ClientReference): ClientOutcome {
  if (at.state === 'live' || at.state === 'resumed') return goes(at, 'closing');
  if (at.state === 'closing') return stays(at);
  const left = ends(at, 'closed', 'closed');
  return at.state === 'waiting' ? left : { ...left, closes: 1000 };
}

function inHandshake(at: ClientReference, act: ClientAct): ClientOutcome | null {
  switch (act.do) {
    case 'welcome': {
      if (act.to === 'another session')
        return at.hasSession ? { ...ends(at, 'expired', 'another'), closes: 1000 } : null;
      const opened = { ...at, hasSession: true, isOpened: true, isPatient: true, isWarned: false };
      return goes(opened, at.hasSession ? 'resumed' : 'live');
    }
    case 'refuse':
      return { ...refused(at, act.code), closes: 1000 };
    case 'garble':
      return act.how === 'a gap' ? null : { ...lost(at), closes: 1000 };
    case 'end':
      if (act.code === 4001) return ends(at, 'closed', 'superseded');
      if (at.isPatient) return lost(at);
      return ends(at, 'closed', act.code === 1002 || act.code === 1008 ? 'refused' : 'unreachable');
    case 'misplace':
      return act.frame === 'session.welcome' ? null : stays(at);
    default:
      return null;
  }
}

/** A refused resume is the end of the session; a refused bearer token is not, for the session may be good. */
function refused(at: ClientReference, code: string): ClientOutcome {
  if (code === 'INTERNAL_ERROR') return at.isPatient ? goes(at, 'waiting') : ends(at, 'closed', code);
  const isLost = at.hasSession && code !== 'UNAUTHENTICATED';
  return ends(at, isLost ? 'expired' : 'closed', code === 'RESUME_WINDOW_EXPIRED' ? 'unknown' : code);
}

function attached(at: ClientReference, act: ClientAct): ClientOutcome | null {
  switch (act.do) {
    case 'end':
      return lostLive(at, act.code);
    case 'garble':
      return { ...goes(at, 'waiting'), closes: 1000 };
    case 'say bye':
      return { ...(act.resumable ? goes(at, 'waiting') : ends(at, 'expired', 'shutdown')), closes: 1000 };
    case 'catch up':
      return at.state === 'resumed' ? goes(at, 'live') : null;
    case 'event':
      return stays({ ...at, hasEvents: true });
    case 'event again':
      return at.hasEvents ? stays(at) : null;
    case 'submit':
      return at.hasAsked ? null : stays({ ...at, hasAsked: true });
    case 'answer':
      return at.hasAsked ? stays({ ...at, hasAsked: false }) : null;
    case 'warn':
      return stays({ ...at, isWarned: true });
    case 'misplace':
      return act.frame === 'session.bye' ? null : stays(at);
    default:
      return null;
  }
}

/** A session that another connection has taken over is not taken back, and who was refused does not ask again. */
function lostLive(at: ClientReference, code: number): ClientOutcome {
  if (code === 4001) return ends(at, 'closed', 'superseded');
  if (code === 1002) return ends(at, 'closed', 'refused');
  if (code === 1008) return ends(at, 'closed', at.isWarned ? 'PERMISSION_DENIED' : 'refused');
  return goes(at, 'waiting');
}

/** Who says goodbye waits for the answer, whatever else comes in. */
function closing(at: ClientReference, act: ClientAct): ClientOutcome | null {
  switch (act.do) {
    case 'answer the goodbye':
      return { ...ends(at, 'closed', 'closed'), closes: 1000 };
    case 'end':
      if (act.code === 4001) return ends(at, 'closed', 'superseded');
      return act.code === 1006 ? ends(at, 'closed', 'closed') : null;
    case 'event':
      return stays({ ...at, hasEvents: true });
    case 'garble':
      return act.how === 'a gap' ? null : stays(at);
    case 'misplace':
      return act.frame === 'session.closed' ? null : stays(at);
    default:
      return null;
  }
}
