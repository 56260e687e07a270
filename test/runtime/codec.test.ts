import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/wire/codec.ts';
import { mintId } from '../../src/wire/ids.ts';
import { payloadSchemas } from '../../src/wire/schemas.ts';
import { badRequests, goodRequests } from './codec.requests.ts';

const frame = (type: string, payload: unknown, envelope: object = {}) =>
  JSON.stringify({ arcp: '1.1', id: 'req_1', type, payload, ...envelope });
const problemOf = (text: string) => {
  const decoded = decode(text);
  return decoded.ok ? undefined : decoded.problem;
};

/** A good payload of each type, every optional field in it. */
const good: Record<string, object> = {
  'session.hello': {
    client: { name: 'peer', version: '1' },
    auth: { scheme: 'bearer', token: 'tok' },
    capabilities: { encodings: ['json'], features: ['ack', 'x-unknown'] },
    resume: { session_id: 'sess_1', resume_token: 'rt_1', token: 'rt_1', last_event_seq: 3 },
    resume_token: 'rt_1',
    last_event_seq: 3,
    session_id: 'sess_1',
  },
  'session.resume': {
    resume_token: 'rt_1',
    token: 'rt_1',
    last_event_seq: 3,
    session_id: 'sess_1',
    auth: { scheme: 'bearer', token: 'tok' },
    client: { name: 'peer' },
    capabilities: {},
  },
  'session.bye': { reason: 'done' },
  'session.close': { reason: 'lunch' },
  'session.ping': { nonce: 'n', sent_at: '2026-01-01T00:00:00Z' },
  'session.pong': { ping_nonce: 'n', received_at: '2026-01-01T00:00:00Z' },
  'session.ack': { last_processed_seq: 3 },
  'job.submit': {
    agent: 'echo@1.0.0',
    input: { any: ['thing', null] },
    lease_request: {},
    lease_constraints: {},
    idempotency_key: 'key',
    max_runtime_sec: 0.5,
  },
  ...goodRequests,
};

/** Payloads with one field wrong each, and the field that the problem has to name. */
const bad: [type: string, payload: unknown, field: string][] = [
  ['session.hello', { client: 'peer' }, 'payload.client'],
  ['session.hello', { client: {} }, 'payload.client'],
  ['session.hello', { client: { name: 5 } }, 'payload.client.name'],
  ['session.hello', { client: { name: 'peer', version: 1 } }, 'payload.client.version'],
  ['session.hello', { auth: 'tok' }, 'payload.auth'],
  ['session.hello', { auth: ['bearer', 'tok'] }, 'payload.auth'],
  ['session.hello', { auth: { scheme: 7 } }, 'payload.auth.scheme'],
  ['session.hello', { auth: { token: ['tok'] } }, 'payload.auth.token'],
  ['session.hello', { auth: { token: 'x'.repeat(8193) } }, 'payload.auth.token'],
  ['session.hello', { capabilities: [] }, 'payload.capabilities'],
  ['session.hello', { capabilities: { features: 'ack' } }, 'payload.capabilities.features'],
  ['session.hello', { capabilities: { features: ['ack', 5] } }, 'payload.capabilities.features.1'],
  ['session.hello', { capabilities: { features: Array(129).fill('ack') } }, 'payload.capabilities.features'],
  ['session.hello', { capabilities: { encodings: [1] } }, 'payload.capabilities.encodings.0'],
  ['session.hello', { resume: 'rt_1' }, 'payload.resume'],
  ['session.hello', { resume: { resume_token: 5 } }, 'payload.resume.resume_token'],
  ['session.hello', { resume: { token: {} } }, 'payload.resume.token'],
  ['session.hello', { resume: { session_id: 5 } }, 'payload.resume.session_id'],
  ['session.hello', { resume_token: true }, 'payload.resume_token'],
  ['session.hello', { session_id: '' }, 'payload.session_id'],
  ['session.resume', { resume_token: 5 }, 'payload.resume_token'],
  ['session.resume', { token: [] }, 'payload.token'],
  ['session.resume', { session_id: 5 }, 'payload.session_id'],
  ['session.resume', { capabilities: 'none' }, 'payload.capabilities'],
  ['session.bye', { reason: 5 }, 'payload.reason'],
  ['session.close', { reason: 'x'.repeat(4097) }, 'payload.reason'],
  ['session.ping', { nonce: 5 }, 'payload.nonce'],
  ['session.ping', { sent_at: 1 }, 'payload.sent_at'],
  ['session.pong', { ping_nonce: {} }, 'payload.ping_nonce'],
  ['session.ack', {}, 'payload'],
  ['session.ack', { last_processed_seq: '3' }, 'payload.last_processed_seq'],
  ['session.ack', { last_processed_seq: null }, 'payload.last_processed_seq'],
  ['job.submit', {}, 'payload'],
  ['job.submit', { agent: 5 }, 'payload.agent'],
  ['job.submit', { agent: 'x'.repeat(257) }, 'payload.agent'],
  ['job.submit', { agent: 'echo', lease_request: [] }, 'payload.lease_request'],
  ['job.submit', { agent: 'echo', lease_constraints: 'none' }, 'payload.lease_constraints'],
  ['job.submit', { agent: 'echo', idempotency_key: '' }, 'payload.idempotency_key'],
  ['job.submit', { agent: 'echo', idempotency_key: 5 }, 'payload.idempotency_key'],
  ['job.submit', { agent: 'echo', max_runtime_sec: 0 }, 'payload.max_runtime_sec'],
  ['job.submit', { agent: 'echo', max_runtime_sec: -1 }, 'payload.max_runtime_sec'],
  ['job.submit', { agent: 'echo', max_runtime_sec: '5' }, 'payload.max_runtime_sec'],
  ...badRequests,
];

describe('decoding', () => {
  test('every frame a client may send has a good example here', () => {
    expect(Object.keys(good).sort()).toEqual(Object.keys(payloadSchemas).sort());
  });

  for (const [type, payload] of Object.entries(good)) {
    test(`a ${type} with every field it may have is read as it was sent`, () => {
      expect(decode(frame(type, payload))).toEqual({ ok: true, frame: { arcp: '1.1', id: 'req_1', type, payload } });
    });

    test(`a ${type} with fields nobody knows is read all the same`, () => {
      const text = frame(type, { ...payload, x_new: { deep: [1] } }, { timestamp: 'now', x_trace: null });
      expect(decode(text)).toMatchObject({ ok: true, frame: { type, payload } });
    });

    for (const wrong of ['text', 5, [], null, true]) {
      test(`a ${type} whose payload is ${JSON.stringify(wrong)} is none`, () => {
        expect(problemOf(frame(type, wrong))).toBe('payload must be object');
      });
    }
  }

  for (const [type, payload, field] of bad) {
    const shown = JSON.stringify(payload);
    test(`a ${type} of ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown} is none, and the problem names ${field}`, () => {
      expect(problemOf(frame(type, payload))?.split(' ')[0]).toBe(field);
      expect(decode(frame(type, payload))).toMatchObject({ ok: false, requestId: 'req_1', type });
    });
  }

  for (const type of [
    'session.hello',
    'session.resume',
    'session.bye',
    'session.close',
    'session.ping',
    'session.pong',
    ...Object.keys(goodRequests),
  ]) {
    test(`a ${type} without a payload has an empty one`, () => {
      expect(decode(JSON.stringify({ arcp: '1.1', id: 'x', type }))).toMatchObject({
        ok: true,
        frame: { payload: {} },
      });
    });
  }
});

describe('what is no frame', () => {
  for (const [text, problem] of [
    ['', 'the frame is not JSON'],
    ['{"arcp":"1.1"', 'the frame is not JSON'],
    ['\u0000', 'the frame is not JSON'],
    ['NaN', 'the frame is not JSON'],
    ['[]', 'the frame is not a JSON object'],
    ['null', 'the frame is not a JSON object'],
    ['"session.hello"', 'the frame is not a JSON object'],
    ['{}', "frame must have required property 'arcp'"],
    ['{"arcp":"1.1"}', "frame must have required property 'type'"],
    ['{"arcp":"1.0","type":"session.hello"}', 'arcp must be "1.1"'],
    ['{"arcp":1.1,"type":"session.hello"}', 'arcp must be "1.1"'],
    ['{"arcp":"1.1","type":""}', 'type must NOT have fewer than 1 characters'],
    ['{"arcp":"1.1","type":5}', 'type must be string'],
    ['{"arcp":"1.1","type":"session.hello","id":5}', 'id must be string'],
    ['{"arcp":"1.1","type":"session.hello","session_id":5}', 'session_id must be string'],
    ['{"arcp":"1.1","type":"session.hello","job_id":{}}', 'job_id must be string'],
    ['{"arcp":"1.1","type":"session.hello","trace_id":[]}', 'trace_id must be string'],
    ['{"arcp":"1.1","type":"session.nonsense","id":"a"}', 'unknown frame type "session.nonsense"'],
    ['{"arcp":"1.1","type":"__proto__","id":"a"}', 'unknown frame type "__proto__"'],
    ['{"arcp":"1.1","type":"constructor","id":"a"}', 'unknown frame type "constructor"'],
    ['{"arcp":"1.1","type":"job.accepted","id":"a"}', 'unknown frame type "job.accepted"'],
    ['{"__proto__":{"arcp":"1.1","type":"session.ping","id":"a"}}', "frame must have required property 'arcp'"],
  ] as const) {
    test(`${JSON.stringify(text)}: ${problem}`, () => {
      expect(problemOf(text)).toBe(problem);
    });
  }

  test('a usable id is told even where the rest is malformed, so that the refusal can name it', () => {
    expect(decode('{"id":"req_9"}')).toMatchObject({ ok: false, requestId: 'req_9' });
    expect(decode('{"id":{"a":1},"type":"x"}')).toMatchObject({ ok: false, requestId: undefined });
    expect(decode(JSON.stringify({ id: 'x'.repeat(257), type: 'x' }))).toMatchObject({
      ok: false,
      requestId: undefined,
    });
  });

  test('a long unknown type is not told back whole', () => {
    expect(problemOf(frame('x'.repeat(200), {}))?.length).toBeLessThan(100);
  });
});

describe('hostile texts', () => {
  test('a __proto__ in a frame is a field like any other, and changes no other object', () => {
    const text =
      '{"arcp":"1.1","id":"a","type":"session.ping","__proto__":{"nonce":"x"},"payload":{"__proto__":{"nonce":5}}}';
    const decoded = decode(text);
    expect(decoded).toMatchObject({ ok: true });
    expect(decoded.ok && 'nonce' in decoded.frame.payload && decoded.frame.payload.nonce).toBeFalsy();
    expect(Object.keys({})).toEqual([]);
    expect('nonce' in {}).toBe(false);
  });

  test('100,000 brackets are an answer, not a crash: open, closed, and in a field nobody reads', () => {
    const depth = 100_000;
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    expect(problemOf('['.repeat(depth))).toBe('the frame is not JSON');
    expect(problemOf(nested)).toBe('the frame is not a JSON object');
    expect(problemOf('{"a":'.repeat(depth))).toBe('the frame is not JSON');
    const tooDeep = 'the frame is nested deeper than 128 levels';
    expect(problemOf(`{"arcp":"1.1","id":"a","type":${nested}}`)).toBe(tooDeep);
    expect(decode(`{"arcp":"1.1","id":"a","type":"session.ping","payload":{"pad":${nested}}}`)).toEqual({
      ok: false,
      requestId: 'a',
      problem: tooDeep,
      type: 'session.ping',
    });
  });

  test('no text whatsoever makes decoding throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.json(), frameText()), (text) => {
        const decoded = decode(text);
        expect(typeof decoded.ok).toBe('boolean');
        if (!decoded.ok) expect(decoded.problem).not.toBe('');
      }),
      { numRuns: 3000, verbose: true },
    );
  });

  test('no secret of a frame is ever quoted in a problem, wherever it stands and whatever it is', () => {
    const secret = 'tok-S3cr3t';
    const carriers = [
      'auth',
      'token',
      'resume_token',
      'resume',
      'input',
      'idempotency_key',
      'client',
      'agent',
      'reason',
      'nonce',
    ];
    const value = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<unknown>(secret, secret.repeat(1000), 5, null),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...carriers), tie('any'), { maxKeys: 3 }),
      ),
    })).any;
    const payload = fc.dictionary(fc.constantFrom(...carriers, 'last_event_seq', 'job_id', 'capabilities'), value);
    const envelope = fc.dictionary(fc.constantFrom('arcp', 'id', 'session_id', 'job_id', 'trace_id', 'payload'), value);
    const type = fc.constantFrom(...Object.keys(payloadSchemas));
    fc.assert(
      fc.property(type, fc.oneof(payload, value), envelope, (name, body, around) => {
        expect(problemOf(frame(name, body, around)) ?? '').not.toContain(secret);
      }),
      { numRuns: 3000, verbose: true },
    );
  });
});

describe('encoding', () => {
  test('what is absent is left out, and text of any script survives', () => {
    const text = encode({
      arcp: '1.1',
      id: 'ж',
      type: 'session.error',
      payload: { message: '\u2028 𝄞 "', details: undefined },
    });
    expect(JSON.parse(text)).toEqual({
      arcp: '1.1',
      id: 'ж',
      type: 'session.error',
      payload: { message: '\u2028 𝄞 "' },
    });
    expect(text).not.toContain('\n');
  });

  test('the ids we mint are a prefix and a ULID, and come in the order they were minted', () => {
    const ids = Array.from({ length: 1000 }, () => mintId('msg'));
    for (const id of ids) expect(id).toMatch(/^msg_[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(new Set(ids).size).toBe(1000);
    expect([...ids].sort()).toEqual(ids);
  });
});

/** Texts close to frames: a known type, an envelope with anything in it, a payload with anything in its fields. */
function frameText() {
  const names = [...new Set(Object.values(good).flatMap((payload) => Object.keys(payload)))];
  const payload = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5 });
  const envelope = fc.dictionary(
    fc.constantFrom('id', 'session_id', 'job_id', 'trace_id', '__proto__'),
    fc.jsonValue(),
  );
  return fc
    .tuple(fc.constantFrom(...Object.keys(good), 'x'), fc.oneof(payload, fc.jsonValue()), envelope)
    .map(([type, body, around]) => frame(type, body, around));
}
