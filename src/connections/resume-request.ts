import { ArcpError } from '../wire/errors.ts';
import type { ClientFrameOf } from '../wire/messages.ts';

export type HandshakeFrame = ClientFrameOf<'session.hello'> | ClientFrameOf<'session.resume'>;

/** A wish to resume, in whichever spelling it came (§6.3). */
export interface ResumeRequest {
  token: string;
  /** The last event the client has; it wants what comes after. */
  cursor: number;
  /** The session it believes to resume, where it says so. */
  sessionId: string | undefined;
}

/**
 * Reads the resume of a hello (nested block or flat fields) or of a `session.resume`: all spellings are one request.
 * `beforeFirst` is what this client says who has had no event (§10). Undefined for a plain hello; `INVALID_REQUEST` where the spellings contradict each other or the cursor is no count.
 */
export function readResumeRequest(frame: HandshakeFrame, beforeFirst = 0): ResumeRequest | undefined {
  const block = frame.type === 'session.hello' ? frame.payload.resume : frame.payload;
  const flat = frame.type === 'session.hello' ? frame.payload : {};
  const token = single('resume_token', [block?.resume_token, block?.token, flat.resume_token]);
  if (token === undefined || token === '') {
    if (frame.type === 'session.hello' && frame.payload.resume === undefined) return undefined;
    throw new ArcpError('INVALID_REQUEST', 'a resume needs a resume_token');
  }
  const cursor = (value: unknown) => readCursor(value === beforeFirst ? 0 : value);
  return {
    token,
    cursor: single('last_event_seq', [cursor(block?.last_event_seq), cursor(flat.last_event_seq)]) ?? 0,
    sessionId: single('session_id', [block?.session_id, flat.session_id]),
  };
}

/** Missing or null is 0; negative, fractional or text is nothing one can resume from (§6.3). */
function readCursor(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ArcpError('INVALID_REQUEST', 'last_event_seq must be a whole number of at least 0');
}

function single<Value>(name: string, values: (Value | undefined)[]): Value | undefined {
  const given = new Set(values.filter((value) => value !== undefined));
  if (given.size > 1) throw new ArcpError('INVALID_REQUEST', `the frame has two different values for ${name}`);
  return given.values().next().value;
}
