// What the client's chart can hear. Frames keep their wire names, facts are told in the past tense. Neither the bearer
// nor the resume token is ever in one: they are possessions of the client (src/client/session.ts).

/** A number drawn in [0, 1) by whoever tells of a loss: how much of the longest wait the client waits (full jitter). */
interface Drawn {
  jitter: number;
}

export type ClientEvent =
  | { type: 'transport.opened' }
  | TransportLost
  | { type: 'session.welcome'; sessionId: string /** How long to try to come back once lost. */; patienceMs: number }
  | HandshakeRefused
  | { type: 'replay.caughtUp' }
  | ({ type: 'heartbeat.lost' } & Drawn)
  /** The frames no longer make sense: one missing, one not JSON. */
  | ({ type: 'stream.broken'; reason: string } & Drawn)
  | ({ type: 'session.bye'; reason: string; resumable: boolean } & Drawn)
  | { type: 'session.closed' }
  | { type: 'close.requested'; reason?: string }
  | { type: 'bye.requested'; reason?: string };

/** The connection, or the attempt to make one, has ended; `code` is a close code of §3, 1006 where there is none. */
export interface TransportLost extends Drawn {
  type: 'transport.lost';
  code: number;
  reason: string;
}

/** `session.error` in answer to a hello, with its code of §12. */
export interface HandshakeRefused extends Drawn {
  type: 'handshake.refused';
  code: string;
  message: string;
  retryable: boolean;
}
