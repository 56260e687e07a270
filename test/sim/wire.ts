import type { Frame } from '../support/peer.ts';
import type { Verdict } from './authenticators.ts';
import type { Link } from './link.ts';
import type { PromisedJob, Remembered } from './promised-job.ts';
import type { PromisedSession, PromisedToken } from './promised-session.ts';
import type { Watch } from './watching.ts';

/** What the runtime owes a connection: an answer, a close, or a close behind an answer. */
export interface Owed {
  /** The request; undefined where there is none, or it was nonsense. */
  asked?: Frame | undefined;
  /** In a few words (`summary` in frames.ts); undefined for a close alone. */
  answer?: string | undefined;
  closes?: number | undefined;
  /** It closes before the turn is over: until then what is under way may still be written. */
  isSoon?: true;
  /** Or it only closes with this: two timers fire in the same moment. */
  or?: number;
  /** Of whose session it speaks. */
  sessionId?: string;
  /** The session that a welcome opens, and the token that it brings; and whether the connection that it had before is closed. */
  session?: PromisedSession;
  token?: PromisedToken | undefined;
  behind?: () => boolean;
  /** The job that it accepts, and where it was accepted before. */
  job?: PromisedJob;
  remembered?: Remembered | undefined;
  /** What an answer tells, in a few words, where that is more than what it is. */
  tells?: string | undefined;
  /** What comes behind it is passed on by this. */
  watch?: Watch;
  /** It is told when the turn is over, if its connection is still there then; `undo` takes back what it was to change. */
  isLate?: true;
  undo?: () => void;
  /** What it tells is kept first, in this turn. */
  keeps?: true;
  /** Up to where the store has to be committed before it is said; undefined while that is not known. */
  position?: number;
  /** Up to where it has to be committed for it to be due: what the turn wrote behind it counts. */
  dueAt?: number;
}

export interface Heard {
  /** Undefined: nonsense. */
  frame: Frame | undefined;
  /** It was written behind the welcome. */
  isBehind: boolean;
}

/** Frames that cannot be heard yet, in order: the first of them waits for something. */
export interface Wait {
  frames: Heard[];
  /** What is known by now that the first was to wait for. */
  news: News;
}

/** What something that takes its time has come to. */
export interface News {
  verdict?: Verdict;
  read?: 'read' | 'failed';
  history?: 'loaded' | 'failed';
  /** By now, what is heard is answered when the turn is over. */
  isLate?: true;
  /** An equal submit was before it, and has become of something. */
  pending?: 'refused' | 'over';
}

/** The runtime's end of a link. */
export interface Wire {
  link: Link;
  phase: 'handshake' | 'open' | 'over';
  /** The id of the session that came to be with it: it is its own, if it says hello. */
  candidate: string;
  session: PromisedSession | undefined;
  /** In order. */
  owed: Owed[];
  wait: Wait | undefined;
  /** The last numbered frame that was written to it. */
  pushed: number;
  /** Up to where events were freed that it had no room for. */
  missed: number;
  openedMs: number;
  lastInMs: number;
  lastOutMs: number;
  lastPingMs: number;
  lastDrainMs: number;
  /** Since when it holds all it may, with more waiting. */
  fullSinceMs: number | undefined;
  refusals: number;
}

export function newWire(link: Link, nowMs: number): Wire {
  return {
    link,
    phase: 'handshake',
    candidate: '',
    session: undefined,
    owed: [],
    wait: undefined,
    pushed: 0,
    missed: 0,
    openedMs: nowMs,
    lastInMs: nowMs,
    lastOutMs: nowMs,
    lastPingMs: Number.NEGATIVE_INFINITY,
    lastDrainMs: nowMs,
    fullSinceMs: undefined,
    refusals: 0,
  };
}

/** Whether its welcome is still owed: nothing numbered comes before it. */
export function owesWelcome({ owed }: Wire): boolean {
  return owed.some(({ answer }) => answer === 'session.welcome');
}
