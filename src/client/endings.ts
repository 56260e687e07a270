import type { ClientEvent } from '../../machines/client.events.ts';
import { closeCodes } from '../transports/transport.ts';
import { ArcpError } from '../wire/errors.ts';
import { ConnectionError, messageOf } from './errors.ts';

/** What else is known when a session ends. */
export interface EndingFacts {
  /** Where the runtime is, without what may be secret in its URL. */
  place: string;
  /** The last refusal that named no request. */
  refusal: ArcpError | undefined;
  /** What the last attempt to connect failed with. */
  failure: unknown;
  /** The connection that ends had been welcomed: whatever ends it now, it was not unreachable. */
  hadWelcome: boolean;
}

/** Why the session could not be resumed: always an error of the protocol's (§12), the runtime's own where it gave one. */
export function expiryOf(event: ClientEvent, facts: EndingFacts): ArcpError {
  if (event.type === 'handshake.refused' && facts.refusal) return facts.refusal;
  if (event.type === 'session.welcome')
    return lost('another', 'the runtime opened another session instead of resuming');
  if (event.type === 'session.bye')
    return lost('shutdown', `the runtime ended the session, not resumable: ${event.reason}`);
  const failure = facts.failure === undefined ? '' : ` (${messageOf(facts.failure)})`;
  return lost('unreachable', `gave up coming back to ${facts.place}: no connection in the resume window${failure}`);
}

function lost(reason: string, message: string): ArcpError {
  return new ArcpError('RESUME_WINDOW_EXPIRED', message, { reason });
}

/** Why the client is over, its session perhaps not. */
export function endOf(event: ClientEvent, facts: EndingFacts): Error {
  const { place, refusal, failure, hadWelcome } = facts;
  switch (event.type) {
    case 'handshake.refused':
      return refusal ?? new ConnectionError('refused', `${place} refused: ${event.message}`);
    case 'stream.broken':
      return new ConnectionError('unreachable', `${place} does not speak ARCP 1.1: it sent ${event.reason}`);
    case 'transport.lost':
      return lossOf(event, facts);
    case 'session.closed':
    case 'close.requested':
    case 'bye.requested':
      return closed();
    default:
      // Time is over: of the goodbye, or, where it never was connected, of the first attempts.
      return hadWelcome ? closed() : unreachable(place, failure ?? new Error('no answer in the time it was given'));
  }
}

function lossOf({ code, reason }: { code: number; reason: string }, facts: EndingFacts): Error {
  const { place, refusal, failure, hadWelcome } = facts;
  if (code === closeCodes.superseded) {
    return new ConnectionError('superseded', 'another connection has taken this session over (4001)');
  }
  if (code === closeCodes.policy && refusal) return refusal;
  if (code === closeCodes.policy || code === closeCodes.otherProtocol) {
    return new ConnectionError('refused', `${place} closed the connection for good: ${code} ${reason}`.trimEnd());
  }
  return hadWelcome ? closed() : unreachable(place, failure);
}

function unreachable(place: string, failure: unknown): ConnectionError {
  const advice = 'Is an ARCP runtime running there, and is the path right?';
  return new ConnectionError('unreachable', `cannot connect to ${place}: ${messageOf(failure)}. ${advice}`, failure);
}

function closed(): ConnectionError {
  return new ConnectionError('closed', 'the client was closed');
}

const lossNames = new Map<number, string>([
  [closeCodes.goodbye, 'the runtime closed the connection'],
  [closeCodes.shutdown, 'shutdown'],
  [closeCodes.tooBig, 'a frame was too big'],
  [closeCodes.heartbeatLost, 'heartbeat lost'],
  [closeCodes.slowConsumer, 'too slow'],
]);

/** A few words on why the client is waiting. */
export function reasonOf(event: ClientEvent): string {
  switch (event.type) {
    case 'transport.lost':
      return lossNames.get(event.code) ?? (event.reason || 'connection lost');
    case 'handshake.refused':
      return event.code;
    case 'stream.broken':
    case 'session.bye':
      return event.reason;
    default:
      return 'heartbeat lost';
  }
}

/** The same, of the end: the code or reason of the error it ended with. */
export function labelOf(error: Error): string {
  if (error instanceof ArcpError) return typeof error.details?.reason === 'string' ? error.details.reason : error.code;
  return error instanceof ConnectionError ? error.reason : messageOf(error);
}

/** A URL without what may be secret in it. */
export function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin + new URL(url).pathname : url;
}
