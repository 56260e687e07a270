// JSON Schema 2020-12 of every frame a client may send (§4 to §7). Unknown fields are ignored everywhere, so none is
// closed with `additionalProperties`; a field that is there must have its type.
import { jobStatuses } from './listing-messages.ts';
import type { ClientFrameType } from './messages.ts';

/** Longest id, key or name a frame may carry: far above any client's, far below what would cost memory. */
const idCharsMax = 256;
/** Longest bearer or resume token. */
const tokenCharsMax = 8192;
const reasonCharsMax = 4096;
/** Longest cursor of a listing: ours hold a position and the filter. */
const cursorCharsMax = 4096;

const id = { type: 'string', minLength: 1, maxLength: idCharsMax };
const token = { type: 'string', maxLength: tokenCharsMax };
const reason = { type: 'string', maxLength: reasonCharsMax };
const nonce = { type: 'string', maxLength: idCharsMax };
const instant = { type: 'string', maxLength: 64 };
// Which numbers a cursor may hold is §6.3's own rule (src/connections/resume-request.ts), told with a reason of its own.
const cursor = {};

// Absent and null are the same here: `next_cursor` goes back as it came, and some SDKs write null for what was not given.
const orNull = (type: string, rules: object = {}) => ({ type: [type, 'null'], ...rules });

const peer = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', maxLength: idCharsMax }, version: { type: 'string', maxLength: idCharsMax } },
};
const auth = {
  type: 'object',
  properties: { scheme: { type: 'string', maxLength: 64 }, token },
};
const capabilities = {
  type: 'object',
  properties: {
    encodings: { type: 'array', maxItems: 16, items: { type: 'string', maxLength: 64 } },
    features: { type: 'array', maxItems: 128, items: { type: 'string', maxLength: idCharsMax } },
  },
};

/** The envelope all frames share (§4); `payload` is checked by its type's own schema. */
export const envelopeSchema = {
  type: 'object',
  required: ['arcp', 'type'],
  properties: {
    arcp: { const: '1.1' },
    id: { type: 'string', maxLength: idCharsMax },
    type: { type: 'string', minLength: 1, maxLength: idCharsMax },
    session_id: id,
    job_id: id,
    trace_id: { type: 'string', maxLength: idCharsMax },
    payload: { type: 'object' },
  },
};

/** The payload of each type. */
export const payloadSchemas: Record<ClientFrameType, object> = {
  'session.hello': {
    type: 'object',
    properties: {
      client: peer,
      auth,
      capabilities,
      resume: {
        type: 'object',
        properties: { session_id: id, resume_token: token, token, last_event_seq: cursor },
      },
      resume_token: token,
      last_event_seq: cursor,
      session_id: id,
    },
  },
  'session.resume': {
    type: 'object',
    properties: {
      resume_token: token,
      token,
      last_event_seq: cursor,
      session_id: id,
      auth,
      client: peer,
      capabilities,
    },
  },
  'session.bye': { type: 'object', properties: { reason } },
  'session.close': { type: 'object', properties: { reason } },
  'session.ping': { type: 'object', properties: { nonce, sent_at: instant } },
  'session.pong': { type: 'object', properties: { ping_nonce: nonce, received_at: instant } },
  'session.ack': {
    type: 'object',
    required: ['last_processed_seq'],
    properties: { last_processed_seq: { type: 'number' } },
  },
  'job.submit': {
    type: 'object',
    required: ['agent'],
    properties: {
      // `name` or `name@version` (§7): what a malformed one is refused with says so (src/jobs/agents.ts).
      agent: { type: 'string', maxLength: idCharsMax },
      lease_request: { type: 'object' },
      lease_constraints: { type: 'object' },
      idempotency_key: id,
      max_runtime_sec: { type: 'number', exclusiveMinimum: 0 },
    },
  },
  'job.cancel': { type: 'object', properties: { job_id: id, reason } },
  'session.list_jobs': {
    type: 'object',
    properties: {
      filter: orNull('object', {
        properties: {
          status: orNull('array', { maxItems: 16, items: { enum: jobStatuses } }),
          agent: orNull('string', { maxLength: idCharsMax }),
          created_after: orNull('string', { maxLength: 64 }),
          created_before: orNull('string', { maxLength: 64 }),
        },
      }),
      // Above 500 is 500 (§6.6).
      limit: orNull('integer', { minimum: 1 }),
      cursor: orNull('string', { maxLength: cursorCharsMax }),
    },
  },
  'job.subscribe': {
    type: 'object',
    properties: { job_id: id, from_event_seq: orNull('integer', { minimum: 0 }), history: orNull('boolean') },
  },
  'job.unsubscribe': { type: 'object', properties: { job_id: id } },
};
