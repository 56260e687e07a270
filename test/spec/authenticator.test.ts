// §2 of the protocol, the authenticator an embedder brings: whatever it does, nobody is let in by mistake, and nothing is left.
import { describe, expect, test } from 'vitest';
import type { Authenticate, Credentials } from '../../src/index.ts';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { turn } from '../support/session.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent], ...options }) };
}

const hello = (peer: Peer, auth: object) => peer.ask('session.hello', { auth });
const bearerAuth = (token: string) => ({ scheme: 'bearer', token });

/** `UNAUTHENTICATED`, close 1008, and nothing left. */
async function unauthenticated(at: ReturnType<typeof world>, peer: Peer): Promise<void> {
  expect(await peer.closed).toMatchObject({ code: 1008 });
  expect(peer.frames).toMatchObject([
    { type: 'session.error', payload: { code: 'UNAUTHENTICATED', retryable: false } },
  ]);
  expect(peer.frames[0]?.session_id).not.toBe('');
  expect(at.runtime.sessions()).toEqual([]);
  expect(at.clock.nextInMs()).toBeUndefined();
}

/** What a query builder or another realm answers: it has a `then`, and is no Promise. JSON.parse lets it pass for one. */
function foreignPromise(value: { principal: string } | null): ReturnType<Authenticate> {
  const later = (resolve: (settled: typeof value) => void) => queueMicrotask(() => resolve(value));
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what this is about
  return Object.assign(JSON.parse('{}'), { then: later });
}

/** An authenticator that answers when a test says so. */
function slowAuthenticator() {
  const asked: { credentials: Credentials; answer(principal: string | null): void; fail(error: unknown): void }[] = [];
  const authenticate: Authenticate = (credentials) =>
    new Promise((resolve, reject) => {
      const answer = (principal: string | null) => resolve(principal === null ? null : { principal });
      asked.push({ credentials, answer, fail: reject });
    });
  return { asked, authenticate };
}

describe('§2 an authenticator', () => {
  const failing: Record<string, Authenticate> = {
    throws: () => {
      throw new Error('directory is down');
    },
    rejects: () => Promise.reject(new Error('directory is down')),
    'rejects with nothing': () => Promise.reject(),
    'throws no error at all': () => {
      throw 'text';
    },
    'answers null': () => null,
    'answers null later': async () => null,
    'answers undefined': () => JSON.parse('{}').answer,
    'answers something without a principal': () => JSON.parse('{}'),
    'answers an empty principal': () => ({ principal: '' }),
    'answers a principal that is no text': () => JSON.parse('{"principal":5}'),
    'answers true': () => JSON.parse('true'),
    'answers the bare name': () => JSON.parse('"alice"'),
    'answers with a promise of another library, of null': () => foreignPromise(null),
  };
  for (const [what, authenticate] of Object.entries(failing)) {
    test(`§2 an authenticator that ${what} proves nothing: UNAUTHENTICATED, close 1008`, async () => {
      const at = world({ authenticate });
      const peer = at.open();
      expect(await hello(peer, bearerAuth(tokens.alice))).toMatchObject({ type: 'session.error' });
      await unauthenticated(at, peer);
    });
  }

  test('§2 an authenticator that answers with a promise of another library is waited for', async () => {
    const at = world({ authenticate: () => foreignPromise({ principal: 'dora' }) });
    expect(await hello(at.open(), bearerAuth('t'))).toMatchObject({ type: 'session.welcome' });
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'dora' }]);
  });

  test('§2 an authenticator whose failure has a text tells it to the log, and never to the client', async () => {
    const at = world({ authenticate: () => Promise.reject(new Error('ldap://10.0.0.1 refused')) });
    const peer = at.open();
    await hello(peer, bearerAuth(tokens.alice));
    await peer.closed;
    expect(peer.texts.join()).not.toContain('ldap');
    expect(at.log.lines).toMatchObject([{ level: 'error', fields: { err: { message: 'ldap://10.0.0.1 refused' } } }]);
  });

  test('§2 an authenticator that never answers: closed 4004 when the handshake times out, and a late answer creates nothing', async () => {
    const { asked, authenticate } = slowAuthenticator();
    const at = world({ authenticate });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    peer.send('job.submit', { agent: 'puppet' });
    await turn();
    at.clock.advance(10_000);
    expect(await peer.closed).toMatchObject({ code: 4004 });
    asked[0]?.answer('alice');
    await turn();
    expect(peer.frames).toEqual([]);
    expect(at.agent.jobs).toEqual([]);
    expect(at.runtime.sessions()).toEqual([]);
    expect(at.clock.nextInMs()).toBeUndefined();
  });

  test('§2 an authenticator that rejects after the timeout hurts nobody', async () => {
    const { asked, authenticate } = slowAuthenticator();
    const at = world({ authenticate });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    await turn();
    at.clock.advance(10_000);
    await peer.closed;
    asked[0]?.fail(new Error('too late'));
    await turn();
    expect(at.runtime.sessions()).toEqual([]);
  });

  test('§2 an authenticator that answers after the socket is gone creates no session', async () => {
    const { asked, authenticate } = slowAuthenticator();
    const at = world({ authenticate });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    await turn();
    peer.drop();
    await peer.closed;
    await turn();
    expect(at.runtime.sessions()).toEqual([]);
    asked[0]?.answer('alice');
    await turn();
    expect(at.runtime.sessions()).toEqual([]);
    expect(at.clock.nextInMs()).toBeUndefined();
  });

  test('§2 an authenticator that answers after the runtime has shut down creates no session', async () => {
    const { asked, authenticate } = slowAuthenticator();
    const at = world({ authenticate });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    await turn();
    await at.runtime.close();
    expect(await peer.closed).toMatchObject({ code: 1001 });
    asked[0]?.answer('alice');
    await turn();
    expect(at.runtime.sessions()).toEqual([]);
  });

  // proves P2.08
  test('§2 an authenticator that takes its time is asked once; nothing runs before its answer, everything in order after it', async () => {
    const { asked, authenticate } = slowAuthenticator();
    const at = world({ authenticate });
    const peer = at.open();
    const ids = [peer.send('session.hello', { auth: bearerAuth('t') }), peer.send('job.submit', { agent: 'puppet' })];
    ids.push(peer.send('session.hello', { auth: bearerAuth('t2') }), peer.send('session.ping'));
    await turn();
    expect([peer.frames, at.agent.jobs, asked.length]).toEqual([[], [], 1]);
    asked[0]?.answer('alice');
    await peer.next('session.pong');
    expect(peer.frames.map((frame) => [frame.id, frame.type])).toEqual([
      [ids[0], 'session.welcome'],
      [ids[1], 'job.accepted'],
      [ids[2], 'session.error'],
      [ids[3], 'session.pong'],
    ]);
    expect(asked).toHaveLength(1);
    expect(at.agent.job.principal).toBe('alice');
  });

  test('§2 an authenticator that says no in the end: frames pipelined behind the hello are never run', async () => {
    const { asked, authenticate } = slowAuthenticator();
    const at = world({ authenticate });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    for (let i = 0; i < 5; i += 1) peer.send('job.submit', { agent: 'puppet' });
    await turn();
    asked[0]?.answer(null);
    await unauthenticated(at, peer);
    expect(at.agent.jobs).toEqual([]);
  });

  test('§2 an authenticator that is slow for one client holds up no other', async () => {
    const { asked, authenticate } = slowAuthenticator();
    const at = world({ authenticate });
    const [one, two] = [at.open(), at.open()];
    const first = hello(one, bearerAuth('t1'));
    const second = hello(two, bearerAuth('t2'));
    await turn();
    asked[1]?.answer('bob');
    await second;
    asked[0]?.answer('alice');
    await first;
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'alice' }, { principal: 'bob' }]);
  });
});

describe('§2 while an authenticator thinks', () => {
  const never: Authenticate = () => new Promise(() => {});

  test('§2 the frames that wait behind a hello are limited: above it an error, close 1008, and nothing is left', async () => {
    const at = world({ authenticate: never });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    for (let i = 0; i < 256; i += 1) peer.send('session.ping');
    await turn();
    expect(peer.frames).toEqual([]);
    peer.send('session.ping');
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(peer.frames).toMatchObject([{ type: 'session.error', payload: { code: 'PERMISSION_DENIED' } }]);
    expect(at.runtime.sessions()).toEqual([]);
    expect(at.clock.nextInMs()).toBeUndefined();
  });

  test('§2 the bytes of frames that wait are limited too: a stranger cannot have a runtime hold many of the largest frames', async () => {
    const at = world({ authenticate: never });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    const large = { pad: 'x'.repeat(2 ** 20 - 200) };
    for (let i = 0; i < 16; i += 1) peer.send('session.ping', large);
    await turn();
    expect(at.runtime.sessions()).toEqual([]);
    expect(await peer.closed).toMatchObject({ code: 1008 });
  });

  test('§2 one frame of the full size may wait behind a hello that takes its time', async () => {
    const at = world({ authenticate: () => new Promise((resolve) => setImmediate(resolve, { principal: 'alice' })) });
    const peer = at.open();
    peer.send('session.hello', { auth: bearerAuth('t') });
    await peer.ask('session.ping', { pad: 'x'.repeat(2 ** 20 - 200) });
  });
});
