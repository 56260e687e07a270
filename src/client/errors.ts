import { ArcpError, type ErrorPayload, isErrorCode } from '../wire/errors.ts';

/**
 * How a client can end without an error code of the protocol: `unreachable`, no connection could be made, and no session
 * lost by it; `refused`, the runtime closed the connection for good; `superseded`, another connection has taken the session
 * over (close code 4001); `closed`, by its own `close()` or `bye()`.
 */
export type ConnectionErrorReason = 'unreachable' | 'refused' | 'superseded' | 'closed';

/** The connection to the runtime is no more, or never came to be. `cause` is the transport's own error, where it gave one. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly reason: ConnectionErrorReason;

  constructor(reason: ConnectionErrorReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** The error a frame tells of. A code that is not the protocol's becomes `INTERNAL_ERROR`, and is kept in the details. */
export function errorOf(payload: ErrorPayload): ArcpError {
  const code: unknown = payload.code;
  if (isErrorCode(code)) return new ArcpError(code, payload.message, payload.details);
  return new ArcpError('INTERNAL_ERROR', payload.message, { ...payload.details, code });
}

/** What is said of a value that was thrown by somebody else's code. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.message !== '' ? thrown.message : String(thrown);
}
