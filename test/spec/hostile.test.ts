// §1, §2: JSON that is well-formed and means harm: it reaches an agent as it came, or it is refused, and touches nothing else.
import { describe, expect, test } from 'vitest';
import { bearer } from '../../src/auth.ts';
import { defineAgent } from '../../src/index.ts';
import { echo, live, world } from '../support/envelope.ts';
import type { Frame } from '../support/peer.ts';
import { simulatedRuntime, tokens } from '../support/runtime.ts';
import { socketRuntime } from '../support/socket.ts';

const submit = (input: string, more = '') =>
  `{"arcp":"1.1","id":"req_x","type":"job.submit","payload":{"agent":"echo"${more},"input":${input}}}`;
const isEnd = (sent: Frame) => sent.type === 'job.result' || sent.type === 'job.error';
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const invalid = { type: 'session.error', payload: { code: 'INVALID_REQUEST', retryable: false } };

/** The text that echo returns for a text of JSON; nothing is parsed on the way that a test would mend. */
async function echoed(input: string): Promise<string> {
  const { peer } = await live(world());
  peer.raw(submit(input));
  await peer.next(isEnd);
  const text = peer.texts.at(-1) ?? '';
  return text.slice(text.indexOf('"result":') + 9, -2);
}

describe('§1 depth', () => {
  test('§1 a frame nested 128 deep is served, one level more is refused by its id, and the session lives on', async () => {
    const { peer } = await live(world());
    // The envelope and its payload are two levels.
    peer.raw(submit(nested(126)));
    expect(await peer.reply('req_x')).toMatchObject({ type: 'job.accepted' });
    await peer.next('job.result');
    peer.raw(submit(nested(127)));
    expect(await peer.reply('req_x')).toMatchObject(invalid);
    await peer.settle();
  });

  test('§1 100,000 levels are refused like 129, with an idempotency_key or without, before the welcome or after', async () => {
    const at = world();
    const { peer } = await live(at);
    for (const more of ['', ',"idempotency_key":"k"']) {
      peer.raw(submit(nested(100_000), more));
      expect(await peer.reply('req_x')).toMatchObject(invalid);
    }
    const stranger = at.open();
    stranger.raw(`{"arcp":"1.1","id":"h","type":"session.hello","payload":{"pad":${nested(100_000)}}}`);
    expect(await stranger.next('session.error')).toMatchObject(invalid);
    expect(await stranger.closed).toMatchObject({ code: 1008 });
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live', jobs: [] }]);
  });
});

describe('§1 names that mean something to JavaScript', () => {
  const poison =
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":1,"toJSON":"x","then":2}';

  test('§1 in an input they are data: they come back as they were, and reach no prototype', async () => {
    expect(await echoed(poison)).toBe(poison);
    expect('admin' in {}).toBe(false);
    expect(`${{}}`).toBe('[object Object]');
  });

  test('§1 an agent has them as properties of its input alone', async () => {
    const seen: unknown[] = [];
    const spy = defineAgent({
      name: 'echo',
      run({ input }) {
        const members = Object(input);
        seen.push(Object.keys(members), Object.getPrototypeOf(members) === Object.prototype, members.admin);
      },
    });
    const { peer } = await live({ ...world(), ...simulatedRuntime({ agents: [spy] }) });
    peer.raw(submit(poison));
    await peer.next(isEnd);
    expect(seen).toEqual([['__proto__', 'constructor', 'toString', 'toJSON', 'then'], true, undefined]);
  });

  test('§1 they count where parameters are compared', async () => {
    const { peer } = await live(world());
    const key = ',"idempotency_key":"k"';
    peer.raw(submit('{"__proto__":{"admin":true}}', key));
    await peer.next('job.result');
    peer.raw(submit('{"__proto__":{"admin":false}}', key));
    expect(await peer.next('session.error')).toMatchObject({ payload: { code: 'DUPLICATE_KEY' } });
  });

  test('§1 what they hold does not stand for a field that is missing', async () => {
    const { peer } = await live(world());
    for (const payload of ['{"__proto__":{"agent":"echo"}}', '{"constructor":{"agent":"echo"}}']) {
      peer.raw(`{"arcp":"1.1","id":"req_x","type":"job.submit","payload":${payload}}`);
      expect(await peer.reply('req_x')).toMatchObject(invalid);
    }
    peer.raw('{"__proto__":{"arcp":"1.1","type":"session.ping"},"id":"req_y"}');
    expect(await peer.reply('req_y')).toMatchObject(invalid);
  });

  test('§1 in every field that is a name they are a name like any other', async () => {
    const at = world({ authenticate: bearer(JSON.parse('{"t":"__proto__"}')) });
    const peer = at.open();
    expect(await peer.hello('t')).toMatchObject({ type: 'session.welcome' });
    expect(await at.open().hello('__proto__')).toMatchObject({ payload: { code: 'UNAUTHENTICATED' } });
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      expect((await peer.ask('job.submit', { agent: name })).type).toBe('session.error');
      expect(await peer.ask('job.cancel', { job_id: name })).toMatchObject({ payload: { code: 'JOB_NOT_FOUND' } });
      const keyed = await peer.ask('job.submit', { agent: 'echo', idempotency_key: name });
      expect(keyed).toMatchObject({ type: 'job.accepted' });
      expect(await peer.ask(name)).toMatchObject(invalid);
      expect(await peer.ask('session.hello', { capabilities: { features: [name] } })).toMatchObject(invalid);
    }
    expect(at.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('§1 they are harmless in the tokens, features and resume block of a hello', async () => {
    const at = world();
    for (const name of ['__proto__', 'constructor']) {
      const peer = at.open();
      const features = [name, 'ack'];
      const welcome = await peer.hello(tokens.alice, { features });
      expect(welcome.payload.capabilities.features).toEqual(['ack']);
      const back = at.open();
      expect(await back.resume(tokens.alice, { resume_token: name })).toMatchObject({
        payload: { code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'unknown' } },
      });
    }
  });
});

describe('§1 numbers, texts and keys at their edges', () => {
  test('§1 numbers come back as JSON has them; one that no double holds is refused, not turned to null', async () => {
    expect(await echoed('[1e308,-1e308,5e-324,0.1,9007199254740991]')).toBe(
      '[1e+308,-1e+308,5e-324,0.1,9007199254740991]',
    );
    expect(await echoed('-0')).toBe('0');
    const { peer } = await live(world());
    for (const input of ['1e999', '[-1e400]', `{"a":${'9'.repeat(400)}}`]) {
      peer.raw(submit(input));
      expect(await peer.reply('req_x')).toMatchObject(invalid);
    }
    for (const payload of ['{"last_processed_seq":1e999}', '{"last_processed_seq":"1"}']) {
      peer.raw(`{"arcp":"1.1","id":"req_y","type":"session.ack","payload":${payload}}`);
      expect(await peer.reply('req_y')).toMatchObject(invalid);
    }
  });

  test('§1 half a character is a text like any other, in an input, an id and a key', async () => {
    expect(await echoed('"\\ud800 \\udc00"')).toBe('"\\ud800 \\udc00"');
    const at = await socketRuntime({ agents: [echo] });
    const peer = await at.open();
    await peer.hello(tokens.alice);
    const key = ',"idempotency_key":"\\udfff"';
    peer.raw(submit('"\\ud83d"', key).replace('req_x', '\\ud800'));
    expect(await peer.next('job.accepted')).toMatchObject({ id: '\ud800', payload: { request_id: '\ud800' } });
    expect(await peer.next('job.result')).toMatchObject({ payload: { result: '\ud83d' } });
  });

  test('§1 of two fields of one name the last counts', async () => {
    const { peer } = await live(world());
    peer.raw(
      '{"arcp":"1.1","id":"a","id":"b","type":"job.submit","payload":{"agent":"nobody","agent":"echo","input":1}}',
    );
    expect(await peer.reply('b')).toMatchObject({ type: 'job.accepted' });
    peer.raw('{"arcp":"1.1","id":"c","type":"session.ping","payload":{},"arcp":"1.0"}');
    expect(await peer.reply('c')).toMatchObject(invalid);
  });

  test('§1 40,000 fields, and 40,000 in the payload, are ignored where nobody asked for them', async () => {
    const { peer } = await live(world());
    const fields = Array.from({ length: 40_000 }, (_, index) => `"field ${index}":${index}`).join(',');
    peer.raw(`{"arcp":"1.1","id":"req_x","type":"session.ping",${fields},"payload":{}}`);
    expect(await peer.reply('req_x')).toMatchObject({ type: 'session.pong' });
    peer.raw(`{"arcp":"1.1","id":"req_y","type":"session.ping","payload":{${fields}}}`);
    expect(await peer.reply('req_y')).toMatchObject({ type: 'session.pong' });
  });

  test.each([
    ['id', 256, (text: string) => ({ id: text })],
    ['session_id', 256, (text: string) => ({ session_id: text })],
    ['job_id', 256, (text: string) => ({ job_id: text })],
    ['trace_id', 256, (text: string) => ({ trace_id: text })],
    ['payload.agent', 256, (text: string) => ({ type: 'job.submit', payload: { agent: text } })],
    [
      'payload.idempotency_key',
      256,
      (text: string) => ({ type: 'job.submit', payload: { agent: 'echo', idempotency_key: text } }),
    ],
    ['payload.reason', 4096, (text: string) => ({ type: 'job.cancel', payload: { job_id: 'j', reason: text } })],
    ['payload.nonce', 256, (text: string) => ({ payload: { nonce: text } })],
    ['payload.auth.token', 8192, (text: string) => ({ type: 'session.hello', payload: { auth: { token: text } } })],
  ])(
    '§1 %s has at most %i characters; a longer one is INVALID_REQUEST that names the field',
    async (field, max, fields) => {
      const { peer } = await live(world());
      const frame = (length: number) =>
        JSON.stringify({ arcp: '1.1', id: 'req_x', type: 'session.ping', payload: {}, ...fields('x'.repeat(length)) });
      peer.raw(frame(max + 1));
      const refused = await peer.next('session.error');
      expect(refused).toMatchObject(invalid);
      expect(refused.payload.message).toBe(`${field} must NOT have more than ${max} characters`);
      peer.raw(frame(max));
      await peer.settle();
      expect(peer.frames.filter(({ payload }) => /characters/.test(payload.message))).toHaveLength(1);
    },
  );
});

describe('§2 before the welcome', () => {
  const mark = 'do-not-write-this-down';

  // proves P2.23
  test('§2 nothing of what a stranger sends is kept, or written to the log', async () => {
    const at = world({ authenticate: () => null, maxFramesPerSecond: 1000 });
    const sent = [
      {
        type: 'session.hello',
        payload: { auth: { scheme: 'bearer', token: mark }, client: { name: mark }, pad: mark },
      },
      { type: 'session.resume', payload: { auth: { token: mark }, resume_token: mark, last_event_seq: 3 } },
      { type: 'job.submit', payload: { agent: 'echo', idempotency_key: mark, input: mark } },
      { type: mark, payload: {} },
      { type: 'session.hello', payload: { auth: mark } },
    ];
    for (const frame of sent) {
      const peer = at.open();
      peer.raw(JSON.stringify({ arcp: '1.1', id: 'x', ...frame }));
      expect(await peer.closed).toMatchObject({ code: 1008 });
    }
    const silent = at.open();
    silent.raw(mark.repeat(1000));
    await silent.closed;
    expect(at.runtime.sessions()).toEqual([]);
    expect(at.clock.nextInMs()).toBeUndefined();
    expect(JSON.stringify(at.log.lines)).not.toContain(mark);
    expect(at.agent.jobs).toEqual([]);
  });

  // proves P2.23
  test('§2 what waits for an authenticator is bounded, in frames and in bytes, and forgotten with the socket', async () => {
    const asked: (() => void)[] = [];
    const authenticate = () => new Promise<null>((resolve) => asked.push(() => resolve(null)));
    for (const [count, pad] of [
      [300, 'x'],
      [5, 'x'.repeat(600_000)],
    ] as const) {
      const at = world({ authenticate });
      const peer = at.open();
      peer.send('session.hello', { auth: { scheme: 'bearer', token: mark } });
      for (let i = 0; i < count; i += 1) peer.send('job.submit', { agent: 'echo', input: pad });
      expect(await peer.closed).toMatchObject({ code: 1008 });
      for (const answer of asked.splice(0)) answer();
      expect(at.runtime.sessions()).toEqual([]);
      expect(at.agent.jobs).toEqual([]);
    }
  });

  // proves P2.23
  test('§2 an authenticator is asked once for each hello that is one, and never for anything else', async () => {
    let asked = 0;
    const authenticate = () => {
      asked += 1;
      return null;
    };
    const at = world({ authenticate });
    for (const payload of [{ auth: 7 }, { auth: { token: 'x'.repeat(9000) } }, { resume: [] }, {}]) {
      const peer = at.open();
      peer.send('session.hello', payload);
      await peer.closed;
    }
    for (const type of ['session.ping', 'job.submit', 'nonsense']) {
      const peer = at.open();
      peer.send(type, { agent: 'echo' });
      await peer.closed;
    }
    expect(asked).toBe(0);
    const peer = at.open();
    peer.send('session.hello', { auth: { scheme: 'bearer', token: 't' } });
    await peer.closed;
    expect(asked).toBe(1);
  });
});
