import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { boundsFault } from './bounds.ts';
import type { ClientFrame, Envelope, RuntimeFrameType } from './messages.ts';
import { envelopeSchema, payloadSchemas } from './schemas.ts';

/** What became of an inbound text: a frame, or why it is none, with the envelope id where one could be read (§4). */
export type Decoded =
  | { ok: true; frame: ClientFrame }
  | { ok: false; requestId: string | undefined; problem: string; type: string | undefined };

// Whether the schemas are schemas is a matter of test/runtime/schemas.test.ts: to ask here would cost each start a moment.
const known = { validateSchema: false, meta: false };
const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: false, ownProperties: true, ...known });
const isEnvelope = ajv.compile(envelopeSchema);
const payloadChecks = new Map<string, ValidateFunction>(
  Object.entries(payloadSchemas).map(([type, schema]) => [type, ajv.compile(schema)]),
);

/** Reads one inbound text: one parse, one validation, nothing repaired but an absent payload. */
export function decode(text: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, requestId: undefined, problem: 'the frame is not JSON', type: undefined };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, requestId: undefined, problem: 'the frame is not a JSON object', type: undefined };
  }
  const requestId = 'id' in value && typeof value.id === 'string' && value.id.length <= 256 ? value.id : undefined;
  const type = 'type' in value && typeof value.type === 'string' ? value.type : undefined;
  const outOfBounds = boundsFault(text, value);
  if (outOfBounds !== undefined) return { ok: false, requestId, problem: outOfBounds, type };
  if (!isEnvelope(value)) return { ok: false, requestId, problem: explain('frame', isEnvelope.errors), type };
  const check = type === undefined ? undefined : payloadChecks.get(type);
  if (!check) return { ok: false, requestId, problem: `unknown frame type ${quote(type ?? '')}`, type };
  if (!('payload' in value)) Object.assign(value, { payload: {} });
  if (!('id' in value)) Object.assign(value, { id: '' });
  if (isFrame(value, check)) return { ok: true, frame: value };
  return { ok: false, requestId, problem: explain('payload', check.errors), type };
}

/** Writes one outbound frame; absent fields are left out. */
export function encode(frame: Envelope<RuntimeFrameType, object>): string {
  return JSON.stringify(frame);
}

function isFrame(value: object, check: ValidateFunction): value is ClientFrame {
  return 'payload' in value && check(value.payload);
}

/** One sentence that names the field and what is wrong with it. Values are never quoted: they may be secrets. */
function explain(what: string, errors: ErrorObject[] | null | undefined): string {
  const error = errors?.[0];
  if (!error) return `the ${what} is malformed`;
  const field = error.instancePath.slice(1).replaceAll('/', '.');
  if (error.keyword === 'const') return `${field || what} must be ${JSON.stringify(error.params.allowedValue)}`;
  return `${[what === 'frame' ? '' : what, field].filter(Boolean).join('.') || what} ${error.message ?? 'is malformed'}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
