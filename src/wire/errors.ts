/** Every error code of the protocol (§12) and whether repeating the same request can help. No other code ever goes out. */
export const retryableByCode = {
  PERMISSION_DENIED: false,
  LEASE_SUBSET_VIOLATION: false,
  JOB_NOT_FOUND: false,
  DUPLICATE_KEY: false,
  AGENT_NOT_AVAILABLE: false,
  AGENT_VERSION_NOT_AVAILABLE: false,
  CANCELLED: false,
  TIMEOUT: true,
  RESUME_WINDOW_EXPIRED: false,
  HEARTBEAT_LOST: true,
  LEASE_EXPIRED: false,
  BUDGET_EXHAUSTED: false,
  INVALID_REQUEST: false,
  UNAUTHENTICATED: false,
  INTERNAL_ERROR: true,
} as const;

/** A code of the table above (§12). */
export type ErrorCode = keyof typeof retryableByCode;

/** Facts that help the asker: plain JSON, never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The error as it goes over the wire, in `session.error`, `job.error` and a `tool_result` (§12). */
export interface ErrorPayload {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  details?: ErrorDetails;
}

/**
 * An error with a code of the protocol (§12). Thrown by the client library for whatever the runtime refused, and by
 * a job's context for what its agent may not do.
 */
export class ArcpError extends Error {
  override readonly name = 'ArcpError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails) {
    super(message);
    this.code = code;
    this.retryable = retryableByCode[code];
    this.details = details;
  }

  /** The wire form: `{code, message, retryable, details?}`. */
  toPayload(): ErrorPayload {
    const payload: ErrorPayload = { code: this.code, message: this.message, retryable: this.retryable };
    if (this.details !== undefined) payload.details = this.details;
    return payload;
  }
}

/** Whether a text is a code of the protocol: what another runtime sends may not be. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(retryableByCode, text);
}
