// Values of the fields of a frame, as its schema has them and as it has not.
import fc from 'fast-check';

export type Json = Record<string, unknown>;

export interface Schema {
  type?: string | readonly string[] | undefined;
  const?: unknown;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  exclusiveMinimum?: number;
}

/** Texts that have been trouble somewhere. */
const oddText = fc.constantFrom(
  ...['', '__proto__', 'constructor', '\u0000', '\ud800', '"', '\\', '../..', '%00', '$x', '\u202e', '💥', 'NaN', '{}'],
  ...['echo', 'slow', 'echo@1.0.0', 'nobody', 'k1', 'k2', 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'ab'.repeat(16)],
);

const namespace = fc.constantFrom(
  ...[
    'fs.read',
    'fs.write',
    'net.fetch',
    'tool.call',
    'agent.delegate',
    'cost.budget',
    'model.use',
    'x-vendor.a.b',
    'x',
    '__proto__',
  ],
);
const pattern = fc.oneof(
  fc.constantFrom(
    '/**',
    '*',
    '**',
    '/a/*/b',
    'https://x.example/**',
    'USD:1.00',
    'USD:-1',
    'USD:1e9',
    '**a'.repeat(80),
    '/%2e%2e/x',
  ),
  fc.string({ maxLength: 12 }),
);
const instants = fc.constantFrom(
  '2099-01-01T00:00:00Z',
  '2001-01-01T00:00:00Z',
  '2099-01-01T00:00:00+01:00',
  'soon',
  '',
  '+275760-09-13T00:00:00Z',
);

/** Fields that hold more than their schema says, or of whose values few make sense. */
const known: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  lease_request: fc.dictionary(
    namespace,
    fc.oneof(fc.array(pattern, { maxLength: 3 }), fc.jsonValue({ maxDepth: 1 })),
    { maxKeys: 3 },
  ),
  lease_constraints: fc.record({ expires_at: fc.oneof(instants, fc.jsonValue({ maxDepth: 1 })) }, { requiredKeys: [] }),
  agent: fc.oneof(oddText, fc.constantFrom('echo', 'slow', 'echo@1.0.0', 'echo')),
  idempotency_key: fc.constantFrom('k1', 'k2', 'k3', '__proto__', '\ud800'),
};

/** Values of a schema, well-formed by it. */
function fitting(given: Schema): fc.Arbitrary<unknown> {
  const [type = given.type] = [given.type].flat();
  const schema = { ...given, type: type === 'integer' ? 'number' : type };
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.type === 'string') {
    const { minLength = 0, maxLength = 64 } = schema;
    const plain = fc.string({ minLength, maxLength: Math.min(maxLength, 32) });
    return fc.oneof(
      { weight: 2, arbitrary: plain },
      oddText.map((text) => (text.length < minLength ? 'x' : text)),
    );
  }
  if (schema.type === 'number') {
    const least = schema.exclusiveMinimum === undefined ? {} : { min: schema.exclusiveMinimum, minExcluded: true };
    return fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true, ...least }),
      fc.integer({ min: 1, max: 2 ** 31 }),
    );
  }
  if (schema.type === 'array')
    return fc.array(fitting(schema.items ?? {}), { maxLength: Math.min(schema.maxItems ?? 4, 4) });
  if (schema.type === 'object') return fittingObject(schema);
  return fc.jsonValue({ maxDepth: 2 });
}

export function fittingObject({ properties = {}, required = [] }: Schema): fc.Arbitrary<Json> {
  const members = Object.fromEntries(
    // Agents that there are, for the most part: else nothing would ever be accepted. Keys of a few: each is kept for a day.
    Object.entries(properties).map(([name, schema]) => [name, known[name] ?? fitting(schema)]),
  );
  const ours: fc.Arbitrary<Json> = fc.record(members, { requiredKeys: [...required] });
  const unknown = fc.dictionary(fc.oneof(oddText, fc.string({ maxLength: 8 })), fc.jsonValue({ maxDepth: 2 }), {
    maxKeys: 2,
  });
  return fc.tuple(unknown, ours).map(([more, all]) => ({ ...more, ...all }));
}

/** Values of any other type than a schema asks for. */
export function unfitting({ type }: Schema): fc.Arbitrary<unknown> {
  const asked = [type].flat().map((name) => (name === 'integer' ? 'number' : name));
  const byType: Record<string, fc.Arbitrary<unknown>> = {
    string: fc.string({ maxLength: 8 }),
    number: fc.integer(),
    object: fc.constantFrom({}, { a: 1 }),
    array: fc.constantFrom([], ['x'], [[]]),
    null: fc.constant(null),
    boolean: fc.boolean(),
  };
  return fc.oneof(...Object.entries(byType).flatMap(([name, values]) => (asked.includes(name) ? [] : [values])));
}

/** Each field of a frame that has a type of its own: where it is, and what it must be. */
export function fieldsOf(schema: Schema, path: readonly string[] = []): { path: readonly string[]; schema: Schema }[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const here = [...path, name];
    return [...(inner.type === undefined ? [] : [{ path: here, schema: inner }]), ...fieldsOf(inner, here)];
  });
}
