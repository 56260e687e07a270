// §2 of the protocol, the handshake: who comes in, what is agreed on, and how everyone else is turned away.
import { request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bearer } from '../../src/auth.ts';
import { createRuntime, defineAgent } from '../../src/index.ts';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { socketRuntime } from '../support/socket.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent], ...options }) };
}

/** One error, a close, and nothing left of whoever was turned away. */
async function turnedAway(
  at: ReturnType<typeof world>,
  peer: Peer,
  { code, closed }: { code: string; closed: number },
) {
  expect(await peer.closed).toMatchObject({ code: closed });
  expect(peer.frames).toMatchObject([{ type: 'session.error', payload: { code } }]);
  expect(peer.frames[0]?.session_id).toMatch(/^sess_/);
  expect(at.runtime.sessions()).toEqual([]);
  expect(at.clock.nextInMs()).toBeUndefined();
  expect(at.agent.jobs).toEqual([]);
}

const hello = (token: string, more: object = {}) => ({ auth: { scheme: 'bearer', token }, ...more });

describe('§2 the welcome', () => {
  // proves P2.02
  test('§2 the welcome says session_id, runtime, resume token, window, heartbeat interval, and capabilities with the agents', async () => {
    const run = () => {};
    const agents = [
      defineAgent({ name: 'echo', version: '1.10.0', run }),
      defineAgent({ name: 'echo', version: '1.9.0', run }),
      defineAgent({ name: 'count', version: '2.0.0', run }),
      defineAgent({ name: 'count', version: '1.0.0', default: true, run }),
    ];
    const welcome = await world({ agents }).open().hello(tokens.alice);
    expect(welcome).toEqual({
      arcp: '1.1',
      id: 'req_1',
      type: 'session.welcome',
      session_id: welcome.session_id,
      payload: {
        request_id: 'req_1',
        reply_to: 'req_1',
        session_id: welcome.session_id,
        runtime: { name: 'arcp-xstate', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
        resume_token: expect.stringMatching(/^rt_.{43}$/),
        resume_window_sec: 600,
        heartbeat_interval_sec: 30,
        capabilities: {
          encodings: ['json'],
          features: ['heartbeat', 'ack', 'list_jobs', 'subscribe', 'progress', 'result_chunk', 'agent_versions'],
          agents: [
            { name: 'echo', versions: ['1.9.0', '1.10.0'], default: '1.10.0' },
            { name: 'count', versions: ['1.0.0', '2.0.0'], default: '1.0.0' },
          ],
        },
      },
    });
  });

  // proves P2.02
  test('§2 the welcome has heartbeat_interval_sec only if heartbeat was negotiated', async () => {
    const welcome = await world()
      .open()
      .hello(tokens.alice, { features: ['ack'] });
    expect(welcome.payload).not.toHaveProperty('heartbeat_interval_sec');
  });

  for (const [resumeWindowSec, heartbeatSec, told] of [
    [0.001, 0.2, [1, 1]],
    [1, 1, [1, 1]],
    [1.001, 2.5, [2, 3]],
    [600, 29.999, [600, 30]],
  ] as const) {
    // proves P2.13
    test(`§2 seconds on the wire are whole, rounded up, never 0: ${resumeWindowSec} and ${heartbeatSec}`, async () => {
      const { payload } = await world({ resumeWindowSec, heartbeatSec }).open().hello(tokens.alice);
      expect([payload.resume_window_sec, payload.heartbeat_interval_sec]).toEqual(told);
    });
  }

  for (const option of ['resumeWindowSec', 'heartbeatSec']) {
    test(`§2 an infinite ${option} is refused by name, or told as a whole number: never as null`, async () => {
      let at: ReturnType<typeof world>;
      try {
        at = world({ [option]: Number.POSITIVE_INFINITY });
      } catch (error) {
        expect(String(error)).toContain(option);
        return;
      }
      const { payload } = await at.open().hello(tokens.alice);
      expect([payload.resume_window_sec, payload.heartbeat_interval_sec].every(Number.isSafeInteger)).toBe(true);
    });
  }

  // proves P2.16
  test('§2 the welcome carries an id the runtime minted: one that a client offers is never trusted', async () => {
    const at = world();
    const peer = at.open();
    peer.send('session.hello', hello(tokens.alice, { session_id: 'sess_mine' }), { session_id: 'sess_mine' });
    const welcome = await peer.next('session.welcome');
    expect(welcome.session_id).not.toBe('sess_mine');
    expect(welcome.payload.session_id).toBe(welcome.session_id);
    const other = at.open();
    other.send('session.hello', hello(tokens.bob, { session_id: welcome.session_id }), {
      session_id: welcome.session_id,
    });
    expect((await other.next('session.welcome')).session_id).not.toBe(welcome.session_id);
    expect(at.runtime.sessions()).toHaveLength(2);
  });

  test('§2 a welcome is given to a hello without client, capabilities, or anything else but its credentials', async () => {
    const welcome = await world().open().ask('session.hello', hello(tokens.alice));
    expect(welcome).toMatchObject({ type: 'session.welcome', payload: { capabilities: { features: [] } } });
  });
});

describe('§2 the first frame', () => {
  for (const type of [
    'session.ping',
    'session.pong',
    'session.bye',
    'session.close',
    'session.ack',
    'job.submit',
    'job.cancel',
  ]) {
    // proves P2.07
    test(`§2 the first frame must be a hello or a resume: a well-formed ${type} is UNAUTHENTICATED, one error, close 1008`, async () => {
      const at = world();
      const peer = at.open();
      const payload = { agent: 'puppet', job_id: 'job_1', last_processed_seq: 0 };
      for (let i = 0; i < 3; i += 1) peer.send(type, payload);
      peer.send('session.hello', hello(tokens.alice));
      await turnedAway(at, peer, { code: 'UNAUTHENTICATED', closed: 1008 });
      expect(peer.frames[0]).toMatchObject({ id: 'req_1', payload: { request_id: 'req_1' } });
    });
  }

  const malformed: Record<string, string> = {
    'a text that is not JSON': 'GET / HTTP/1.1',
    'an array': '[]',
    'a frame without a type': '{"arcp":"1.1","id":"a"}',
    'a hello of another version':
      '{"arcp":"1.0","id":"a","type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"tok-alice"}}}',
    'a hello whose auth is a text': '{"arcp":"1.1","id":"a","type":"session.hello","payload":{"auth":"tok-alice"}}',
    'a hello whose features are a text':
      '{"arcp":"1.1","id":"a","type":"session.hello","payload":{"capabilities":{"features":"ack"}}}',
    'an unknown type': '{"arcp":"1.1","id":"a","type":"session.nonsense","payload":{}}',
    '100,000 brackets': '['.repeat(100_000) + ']'.repeat(100_000),
  };
  for (const [what, text] of Object.entries(malformed)) {
    // proves P2.07
    test(`§2 a first frame that is malformed is INVALID_REQUEST, one error, close 1008: ${what}`, async () => {
      const at = world();
      const peer = at.open();
      peer.raw(text);
      peer.raw(text);
      peer.send('session.hello', hello(tokens.alice));
      await turnedAway(at, peer, { code: 'INVALID_REQUEST', closed: 1008 });
    });
  }

  test('§2 the first frame must be text: a binary one closes 1003, and leaves nothing', async () => {
    const at = world();
    const { peer, link } = at.connect();
    link.sendBytes(Uint8Array.of(0, 1, 2));
    expect(await peer.closed).toMatchObject({ code: 1003 });
    expect(at.runtime.sessions()).toEqual([]);
  });

  // proves P3.45, P10.12
  test('§2 a first frame that is session.open, of another protocol, is told so once: INVALID_REQUEST, close 1002', async () => {
    const at = world();
    const peer = at.open();
    peer.raw('{"arcp":"1.0","id":"a","type":"session.open","payload":{"auth":{"token":"tok-alice"}}}');
    peer.send('session.hello', hello(tokens.alice));
    await turnedAway(at, peer, { code: 'INVALID_REQUEST', closed: 1002 });
    expect(peer.frames[0]?.payload.message).toMatch(/session\.open.*(protocol|session\.hello)/);
  });

  test('§2 session.open in the 1.1 envelope is the same, and on a live session just an unknown type', async () => {
    const at = world();
    const first = at.open();
    first.send('session.open');
    await turnedAway(at, first, { code: 'INVALID_REQUEST', closed: 1002 });
    const peer = at.open();
    await peer.hello(tokens.alice);
    peer.send('session.open');
    expect(await peer.next('session.error')).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
    await peer.settle();
  });
});

describe('§2 a second hello', () => {
  // proves P2.11
  test('§2 a second hello on a live session is INVALID_REQUEST, and the principal is unchanged', async () => {
    const at = world();
    const peer = at.open();
    const welcome = await peer.hello(tokens.alice);
    for (const token of [tokens.bob, tokens.alice, 'tok-nobody']) {
      expect(await peer.hello(token)).toMatchObject({ type: 'session.error', payload: { code: 'INVALID_REQUEST' } });
    }
    const resume = await peer.resume(tokens.alice, { resume_token: welcome.payload.resume_token });
    expect(resume).toMatchObject({ type: 'session.error', payload: { code: 'INVALID_REQUEST' } });
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'alice', state: 'live', sessionId: welcome.session_id }]);
    await peer.ask('job.submit', { agent: 'puppet' });
    expect(at.agent.job.principal).toBe('alice');
  });

  test('§2 a second hello pipelined behind the first is INVALID_REQUEST too', async () => {
    const at = world();
    const peer = at.open();
    const first = peer.hello(tokens.alice);
    const second = peer.hello(tokens.bob);
    expect((await first).type).toBe('session.welcome');
    expect(await second).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'alice' }]);
  });
});

describe('§2 silence', () => {
  // proves P2.09, P3.45
  test('§2 sockets that say nothing are closed 4004 after the handshake timeout, 10 s by default, and not before', async () => {
    const at = world();
    const peer = at.open();
    at.clock.advance(9_999);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'handshaking', principal: '' }]);
    at.clock.advance(1);
    expect(await peer.closed).toMatchObject({ code: 4004 });
    expect(at.runtime.sessions()).toEqual([]);
    expect(at.clock.nextInMs()).toBeUndefined();
  });

  test('§2 a client that was welcomed in time is not closed by it', async () => {
    const at = world({ handshakeTimeoutSec: 0.5, features: [] });
    const peer = at.open();
    at.clock.advance(499);
    await peer.hello(tokens.alice);
    at.clock.advance(3_600_000);
    await peer.settle();
  });
});

describe('§2 upgrades over HTTP', () => {
  // proves P2.24
  test('§2 upgrades on another path are 404, on a host or from an origin that is not allowed 403, never left hanging', async () => {
    const allowed = { allowedHosts: ['arcp.example'], allowedOrigins: ['https://app.example'] };
    const runtime = createRuntime({ agents: [], authenticate: bearer({ [tokens.alice]: 'alice' }), ...allowed });
    onTestFinished(() => runtime.close());
    const { port } = await runtime.listen({ port: 0 });
    const status = (path: string, headers: Record<string, string>) =>
      new Promise((resolve, reject) => {
        const version = { 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
        const upgrade = { connection: 'Upgrade', upgrade: 'websocket', ...version, ...headers };
        const asked = request({ host: '127.0.0.1', port, path, headers: upgrade });
        asked.on('response', (response) => resolve(response.resume().statusCode));
        asked.on('upgrade', (response, socket) => {
          socket.destroy();
          resolve(response.statusCode);
        });
        asked.on('error', reject).end();
      });
    const good = { host: 'arcp.example', origin: 'https://app.example' };
    expect(await status('/arcp', good)).toBe(101);
    expect(await status('/arcp', { host: 'arcp.example' })).toBe(101);
    expect(await status('/other', good)).toBe(404);
    expect(await status('/arcp/', good)).toBe(404);
    expect(await status('/arcp', { ...good, host: 'evil.example' })).toBe(403);
    expect(await status('/arcp', { ...good, origin: 'https://evil.example' })).toBe(403);
    expect(await status('/arcp', { ...good, origin: 'null' })).toBe(403);
  });
});

describe('§2 over a real WebSocket', () => {
  // proves P1.01
  test('§2 a silent socket is closed 4004, a bad token 1008, another protocol 1002', async () => {
    const at = await socketRuntime({ agents: [], handshakeTimeoutSec: 0.2 });
    expect(await (await at.open()).closed).toMatchObject({ code: 4004 });
    const stranger = await at.open();
    expect(await stranger.hello('tok-nobody')).toMatchObject({ payload: { code: 'UNAUTHENTICATED' } });
    expect(await stranger.closed).toMatchObject({ code: 1008 });
    const older = await at.open();
    older.send('session.open');
    expect(await older.closed).toMatchObject({ code: 1002 });
    expect(at.runtime.sessions()).toEqual([]);
  });

  test('§2 the Authorization header of the upgrade counts where the frame has no auth', async () => {
    const at = await socketRuntime({ agents: [] });
    const peer = await at.open({ authorization: `Bearer ${tokens.bob}` });
    expect(await peer.ask('session.hello')).toMatchObject({ type: 'session.welcome' });
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'bob' }]);
  });
});
