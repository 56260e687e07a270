// The frames of a fuzz run: well-formed ones, drawn from the schemas that the runtime validates with, and broken in each way
// that the schemas know, or spoilt in ways that nobody planned.
import fc from 'fast-check';
import { envelopeSchema, payloadSchemas } from '../../src/wire/schemas.ts';
import { fieldsOf, fittingObject, type Json, type Schema, unfitting } from './values.ts';

/** A text to send. `broken` ones must be refused as INVALID_REQUEST; what becomes of `any` depends on what it is. */
export interface FuzzFrame {
  kind: 'broken' | 'any';
  /** Its text, given an id of its own. Whether it is spoilt on the way, and how, is drawn from `below`. */
  text(id: string, below: (limit: number) => number): string;
  /** Whether a refusal can name it: its id is there, and is one. */
  named: boolean;
}

interface Draft {
  type: string;
  payload: Json;
  envelope: Json;
}

/** Ends of a session, which a run asks for by itself: else no connection would last for two frames. */
const goodbyes = ['session.bye', 'session.close'];
const schemas = new Map<string, Schema>(Object.entries(payloadSchemas));
const envelope: Schema = envelopeSchema;
const types = [...schemas.keys()];
const lasting = types.filter((type) => !goodbyes.includes(type));

/** What a few characters of a text are changed to. */
const spoilers = [
  '',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  '0',
  '-',
  'e',
  'null',
  'true',
  '\u0000',
  'x',
  '1.1',
  '__proto__',
];

function drafts(among: readonly string[]): fc.Arbitrary<Draft> {
  const around = fc.record({ trace_id: fc.constant('ab'.repeat(16)) }, { requiredKeys: [] });
  const perType = among.map((type) =>
    fc.record({ type: fc.constant(type), payload: fittingObject(schemas.get(type) ?? {}), envelope: around }),
  );
  return fc.oneof(...perType.map((arbitrary, index) => ({ arbitrary, weight: among[index] === 'job.submit' ? 5 : 1 })));
}

const textOf = ({ type, payload, envelope: around }: Draft, id: unknown) =>
  JSON.stringify({ arcp: '1.1', id, type, ...around, payload });

/** A broken frame that is JSON still: one field of a wrong type, too long, or gone. */
function brokenFields(): fc.Arbitrary<FuzzFrame> {
  const spoilt = types.flatMap((type) => {
    const schema = schemas.get(type) ?? {};
    const wrong = fieldsOf(schema).map(({ path, schema: field }) => broken(type, path, unfitting(field)));
    const long = fieldsOf(schema).flatMap(({ path, schema: { maxLength } }) =>
      maxLength === undefined ? [] : [broken(type, path, fc.constant('x'.repeat(maxLength + 1)))],
    );
    return [...wrong, ...long, ...(schema.required ?? []).map((name) => broken(type, [name], fc.constant(undefined)))];
  });
  return fc.oneof(...spoilt);
}

function broken(type: string, path: readonly string[], values: fc.Arbitrary<unknown>): fc.Arbitrary<FuzzFrame> {
  return fc.tuple(drafts([type]), values).map(([draft, value]) => ({
    kind: 'broken',
    named: true,
    text: (id) => textOf({ ...draft, payload: withValue(draft.payload, path, value) }, id),
  }));
}

/** A broken envelope. One whose id is the broken part cannot be named. */
function brokenEnvelopes(): fc.Arbitrary<FuzzFrame> {
  const wrong = fieldsOf(envelope).flatMap(({ path: [name = ''], schema }) => [
    { name, values: unfitting(schema) },
    ...(schema.maxLength === undefined
      ? []
      : [{ name, values: fc.constant<unknown>('x'.repeat(schema.maxLength + 1)) }]),
  ]);
  const required = (envelope.required ?? []).map((name) => ({ name, values: fc.constant<unknown>(undefined) }));
  const version = { name: 'arcp', values: fc.constantFrom<unknown>('1.0', '2', 1.1, null, '') };
  const unknownType = { name: 'type', values: fc.string({ maxLength: 20 }).map((text): unknown => `x.${text}`) };
  return fc.oneof(
    ...[...wrong, ...required, version, unknownType].map(({ name, values }) =>
      fc.tuple(drafts(lasting), values).map(
        ([draft, value]): FuzzFrame => ({
          kind: 'broken',
          named: name !== 'id',
          text: (id) => JSON.stringify({ ...JSON.parse(textOf(draft, id)), [name]: value }),
        }),
      ),
    ),
  );
}

/** Texts that are no JSON, or no object, too deep, or with a number that nothing holds. */
function brokenTexts(): fc.Arbitrary<FuzzFrame> {
  const noObject = fc.oneof(
    fc.string({ maxLength: 40 }).filter(isNoJson),
    fc.constantFrom('[]', 'null', '7', '"x"', ''),
  );
  const cut = fc.tuple(drafts(types), fc.double({ min: 0.01, max: 0.99, noNaN: true }));
  const input = fc.constantFrom('1e999', '[-1e400]', `${'['.repeat(200)}${']'.repeat(200)}`, '9'.repeat(400));
  return fc.oneof(
    noObject.map((text): FuzzFrame => ({ kind: 'broken', named: false, text: () => text })),
    cut.map(
      ([draft, share]): FuzzFrame => ({
        kind: 'broken',
        named: false,
        text: (id) => {
          const whole = textOf(draft, id);
          return whole.slice(0, Math.floor(whole.length * share));
        },
      }),
    ),
    input.map(
      (value): FuzzFrame => ({
        kind: 'broken',
        named: true,
        text: (id) => `{"arcp":"1.1","id":"${id}","type":"job.submit","payload":{"agent":"echo","input":${value}}}`,
      }),
    ),
  );
}

/** Well-formed frames, half of them with a few characters changed: nobody knows what those are now. */
function anything(): fc.Arbitrary<FuzzFrame> {
  return drafts(lasting).map((draft) => ({
    kind: 'any',
    named: false,
    text: (id, below) => {
      let text = textOf(draft, id);
      for (let changes = below(2) * below(4); changes > 0; changes -= 1) {
        const index = below(text.length);
        text = text.slice(0, index) + (spoilers[below(spoilers.length)] ?? '') + text.slice(index + below(3));
      }
      return text;
    },
  }));
}

/** Submits that are served: jobs come and go meanwhile. */
function submits(): fc.Arbitrary<FuzzFrame> {
  const payload = fc.record({ agent: fc.constantFrom('echo', 'slow'), input: fc.jsonValue({ maxDepth: 3 }) });
  return payload.map((asked) => ({
    kind: 'any',
    named: true,
    text: (id) => textOf({ type: 'job.submit', payload: asked, envelope: {} }, id),
  }));
}

/** Everything, the broken and the rest about half and half. */
export const corpus: fc.Arbitrary<FuzzFrame> = fc.oneof(
  { weight: 3, arbitrary: anything() },
  { weight: 1, arbitrary: submits() },
  { weight: 2, arbitrary: brokenFields() },
  { weight: 1, arbitrary: brokenEnvelopes() },
  { weight: 1, arbitrary: brokenTexts() },
);

function withValue(target: Json, [name = '', ...rest]: readonly string[], value: unknown): Json {
  if (rest.length === 0) return { ...target, [name]: value };
  const inner = target[name];
  const members = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.entries(inner) : [];
  return { ...target, [name]: withValue(Object.fromEntries(members), rest, value) };
}

function isNoJson(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
}
