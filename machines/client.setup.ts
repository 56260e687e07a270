import { assign, setup } from 'xstate';
import type { ClientEvent } from './client.events.ts';

/** What a client's chart is told when it begins. Durations in milliseconds. */
export interface ClientInput {
  /** The session to resume, null to open one. */
  sessionId: string | null;
  /** How long to try for the first connection: 0 gives up at the first failure. */
  patienceMs: number;
  connectTimeoutMs: number;
  handshakeTimeoutMs: number;
  closeTimeoutMs: number;
  /** Longest wait before the first new attempt; it doubles with each that fails. */
  backoffBaseMs: number;
  /** The wait is never longer than this. */
  backoffCapMs: number;
}

/** What a client's chart remembers. No token, no socket, no clock: those are possessions (src/client/session.ts). */
export interface ClientContext extends ClientInput {
  /** Connections lost since the client was last live. */
  losses: number;
  /** The number drawn at the last loss. */
  jitter: number;
}

// Effects are named here and done by src/client/session.ts: on its own, the chart touches nothing.
const effect = () => {};

/** Close codes after which coming back would be refused, or would take the session from who has it now (§3). */
const superseded = 4001;
const refusals = [1002, 1008];

/** Types, guards, delays and the names of every effect of the client chart (machines/client.ts). */
export const clientSetup = setup({
  types: {
    context: {} as ClientContext,
    input: {} as ClientInput,
    events: {} as ClientEvent,
  },
  delays: {
    // A clock never fires an infinite delay (src/clock.ts): without patience, the first failure ends it instead.
    patienceMs: ({ context }) => (context.patienceMs > 0 ? context.patienceMs : Number.POSITIVE_INFINITY),
    connectTimeoutMs: ({ context }) => context.connectTimeoutMs,
    handshakeTimeoutMs: ({ context }) => context.handshakeTimeoutMs,
    closeTimeoutMs: ({ context }) => context.closeTimeoutMs,
    backoffMs: ({ context }) => {
      const { backoffBaseMs, backoffCapMs, losses, jitter } = context;
      return jitter * Math.min(backoffCapMs, backoffBaseMs * 2 ** (losses - 1));
    },
  },
  guards: {
    hasSession: ({ context }) => context.sessionId !== null,
    isPatient: ({ context }) => context.patienceMs > 0,
    isSameSession: ({ context, event }) => event.type === 'session.welcome' && event.sessionId === context.sessionId,
    isResumeRefused: ({ context, event }) =>
      event.type === 'handshake.refused' &&
      context.sessionId !== null &&
      (event.code === 'RESUME_WINDOW_EXPIRED' || event.code === 'PERMISSION_DENIED'),
    isWorthAnotherTry: ({ context, event }) =>
      event.type === 'handshake.refused' && event.retryable && context.patienceMs > 0,
    isSuperseded: ({ event }) => event.type === 'transport.lost' && event.code === superseded,
    isRefused: ({ event }) => event.type === 'transport.lost' && refusals.includes(event.code),
    isResumable: ({ event }) => event.type === 'session.bye' && event.resumable,
  },
  actions: {
    // To the connection.
    dial: effect,
    sayHello: effect,
    abandon: effect,
    attach: effect,
    resend: effect,
    prove: effect,
    detach: effect,
    sayClose: effect,
    sayBye: effect,
    // To the application.
    expire: effect,
    end: effect,
    ignore: effect,
    // To the context.
    adopt: assign(({ context, event }) =>
      event.type === 'session.welcome' ? { sessionId: event.sessionId, patienceMs: event.patienceMs } : context,
    ),
    countLoss: assign(({ context, event }) => ({
      losses: context.losses + 1,
      jitter: 'jitter' in event ? event.jitter : context.jitter,
    })),
    forgetLosses: assign({ losses: 0 }),
  },
});
