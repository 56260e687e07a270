// What can happen to a client, seen from the runtime it speaks to and from the application that uses it, as data. A driver makes
// each act happen to the real client; test/conformance/client/outcome.ts knows what has to come of it.
import type { ClientState } from '../../../src/client.ts';

/** What time alone can bring. */
export type Timer = 'connect' | 'handshake' | 'backoff' | 'patience' | 'heartbeat' | 'close';

/** How a client of the walks is set up. */
export interface ClientSetup {
  /** It goes on with a session, by its ticket. */
  hasTicket: boolean;
  /** It is patient with its first connection. */
  isPatient: boolean;
  /** The timers that end within a walk; any other is longer than all of it. */
  due: readonly Timer[];
  /** Whether time stands still until told: then anything can happen before a timer ends, else the timer alone. */
  time: 'stands' | 'passes';
  /** What is walked with it; all else is only on the way there, and the same as in another setup. */
  scope: 'everything' | 'the first connection' | 'what time brings' | 'leaving';
}

/** Where a client is, as its application may know it. */
export interface ClientReference {
  state: ClientState;
  /** It has a session to come back to. */
  hasSession: boolean;
  isPatient: boolean;
  /** The application has its handle: `connect` has resolved. */
  isOpened: boolean;
  /** A submit waits for its answer. */
  hasAsked: boolean;
  /** A refusal that named no request came on this connection. */
  isWarned: boolean;
  /** Something has been received in this session. */
  hasEvents: boolean;
}

export const closeCodesOfRuntimes = [1000, 1002, 1006, 1008, 1011, 4001] as const;
export const refusalCodes = [
  'RESUME_WINDOW_EXPIRED',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'INTERNAL_ERROR',
] as const;

export type ClientAct =
  // The connection, and who is at its other end.
  | { do: 'made' | 'refused connection' }
  | { do: 'welcome'; to: 'its session' | 'another session' }
  | { do: 'refuse'; code: (typeof refusalCodes)[number] }
  | { do: 'end'; code: (typeof closeCodesOfRuntimes)[number] }
  | { do: 'garble'; how: 'not JSON' | 'no object' | 'binary' | 'a gap' }
  | { do: 'say bye'; resumable: boolean }
  | { do: 'answer the goodbye' | 'catch up' | 'event' | 'event again' | 'answer' }
  /** A frame that means nothing here. */
  | { do: 'misplace'; frame: 'session.welcome' | 'session.bye' | 'session.closed' | 'session.pong' }
  | { do: 'warn' }
  // The application.
  | { do: 'leave'; by: 'close' | 'bye' }
  | { do: 'submit' }
  // Time.
  | { do: 'time'; over: Timer };

export interface NamedClientAct {
  name: string;
  act: ClientAct;
}

function named(name: string, act: ClientAct): NamedClientAct {
  return { name, act };
}

const timers = ['connect', 'handshake', 'backoff', 'patience', 'heartbeat', 'close'] as const;
const nonsense = ['not JSON', 'no object', 'binary', 'a gap'] as const;
const misplaced = ['session.welcome', 'session.bye', 'session.closed', 'session.pong'] as const;

export const clientActs: readonly NamedClientAct[] = [
  named('the connection is made', { do: 'made' }),
  named('the connection is refused', { do: 'refused connection' }),
  named('a welcome', { do: 'welcome', to: 'its session' }),
  named('a welcome to another session', { do: 'welcome', to: 'another session' }),
  ...refusalCodes.map((code) => named(`the runtime refuses with ${code}`, { do: 'refuse', code })),
  ...closeCodesOfRuntimes.map((code) => named(`the connection ends with ${code}`, { do: 'end', code })),
  ...nonsense.map((how) => named(`what comes in is ${how}`, { do: 'garble', how })),
  named('the runtime says bye, resumable', { do: 'say bye', resumable: true }),
  named('the runtime says bye for good', { do: 'say bye', resumable: false }),
  named('the goodbye is answered', { do: 'answer the goodbye' }),
  named('the replay catches up', { do: 'catch up' }),
  named('an event comes', { do: 'event' }),
  named('the same event comes again', { do: 'event again' }),
  named('the submit is answered', { do: 'answer' }),
  ...misplaced.map((frame) => named(`a ${frame} out of place`, { do: 'misplace', frame })),
  named('an error that answers nothing', { do: 'warn' }),
  named('the application closes', { do: 'leave', by: 'close' }),
  named('the application says bye', { do: 'leave', by: 'bye' }),
  named('the application submits', { do: 'submit' }),
  ...timers.map((over) => named(`${over} time over`, { do: 'time', over })),
];

const hour = 3_600_000;

/** How long each timer of a client so set up is, in milliseconds. */
export function timingOf({ due, time }: ClientSetup): Record<Timer, number> {
  const standing = { connect: 3000, handshake: 4000, backoff: 100, patience: 60_000, heartbeat: 30_000, close: 5000 };
  const passing = { connect: 40, handshake: 40, backoff: 5, patience: 50, heartbeat: 40, close: 40 };
  const short = time === 'stands' ? standing : passing;
  // What is not due is longer than whatever is.
  const long = { connect: hour, handshake: hour, backoff: hour, patience: 10 * hour, heartbeat: hour, close: hour };
  const timing = { ...long };
  for (const timer of due) timing[timer] = short[timer];
  return timing;
}

/** The timers that run in a state and will end within the walk. */
export function dueIn({ state, isPatient }: ClientReference, { due }: ClientSetup): Timer[] {
  const isDetached = state === 'connecting' || state === 'handshaking' || state === 'waiting';
  const running: Record<Timer, boolean> = {
    connect: state === 'connecting',
    handshake: state === 'handshaking',
    backoff: state === 'waiting',
    patience: isDetached && isPatient,
    heartbeat: state === 'live' || state === 'resumed',
    close: state === 'closing',
  };
  return due.filter((timer) => running[timer]);
}
