import type { Envelope, EventBodies, EventKind, RuntimeFrame } from '../wire/messages.ts';

/** The kinds of event and their bodies (§8); `x-vendor.*` is the embedder's own. */
type EventContent =
  | { [Kind in EventKind]: { kind: Kind; body: EventBodies[Kind] } }[EventKind]
  | { kind: `x-vendor.${string}`; body: unknown };

/** `job.event` as a client reads it. A kind this version does not know comes through as it is. */
export type EventFrame = Envelope<'job.event', EventContent & { ts: string }>;

/** A frame of a kind this client has no use for, or without what its type must have: only its number counts. */
export interface OtherFrame {
  type: 'other';
  event_seq?: number;
}

/** What a client hears (§6, §7). */
export type InboundFrame = Exclude<RuntimeFrame, { type: 'job.event' }> | EventFrame | OtherFrame;

/** The frames that carry a number; the one counter of the session (§4). */
export type SequencedFrame = Extract<InboundFrame, { type: 'job.event' | 'job.result' | 'job.error' | 'other' }>;

type Fields = Readonly<Record<string, unknown>>;

// A runtime is trusted more than a client: what is checked is what this library would stumble over.
const checkByType = new Map<string, (payload: Fields, frame: Fields) => boolean>([
  ['session.welcome', isWelcome],
  ['session.error', isError],
  ['session.closed', () => true],
  ['session.bye', () => true],
  ['session.ping', () => true],
  ['session.pong', () => true],
  ['job.accepted', (payload) => isText(payload.job_id)],
  ['job.cancelled', () => true],
  ['session.jobs', (payload) => Array.isArray(payload.jobs)],
  ['job.subscribed', (payload) => isText(payload.job_id)],
  ['job.event', (payload, frame) => isText(payload.kind) && isNumbered(frame)],
  ['job.result', (_, frame) => isNumbered(frame)],
  ['job.error', (payload, frame) => isError(payload) && isNumbered(frame)],
]);

/** Reads one text. Undefined: it makes no sense, and whoever sent it has lost the thread. */
export function readFrame(text: string): InboundFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  if (isInbound(value)) return value;
  // Without its welcome a handshake waits for nothing.
  if (value.type === 'session.welcome') return undefined;
  const isSequenced = isText(value.type) && value.type.startsWith('job.') && isSeq(value.event_seq);
  return isSequenced && isSeq(value.event_seq) ? { type: 'other', event_seq: value.event_seq } : { type: 'other' };
}

function isInbound(value: Fields): value is Fields & Exclude<InboundFrame, OtherFrame> {
  const check = isText(value.type) ? checkByType.get(value.type) : undefined;
  return check !== undefined && isRecord(value.payload) && check(value.payload, value);
}

function isWelcome(payload: Fields): boolean {
  const { session_id, resume_token, resume_window_sec, capabilities } = payload;
  const features = isRecord(capabilities) ? capabilities.features : undefined;
  return isText(session_id) && isText(resume_token) && typeof resume_window_sec === 'number' && Array.isArray(features);
}

function isError(payload: Fields): boolean {
  return typeof payload.code === 'string' && typeof payload.message === 'string';
}

function isNumbered(frame: Fields): boolean {
  return isText(frame.job_id) && isSeq(frame.event_seq);
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
