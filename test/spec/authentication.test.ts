// §2 of the protocol, authentication: who is let in, by what, and what an authenticator may do without harm.
import { describe, expect, test } from 'vitest';
import type { AuditEntry, Authenticate, Credentials } from '../../src/index.ts';
import type { ConnectionFacts } from '../../src/transports/transport.ts';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { turn } from '../support/session.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent], ...options }) };
}

const hello = (peer: Peer, auth?: object) => peer.ask('session.hello', auth === undefined ? {} : { auth });
const bearerAuth = (token: string) => ({ scheme: 'bearer', token });
const header = (authorization: string): ConnectionFacts => ({ headers: { authorization } });

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

describe('§2 credentials', () => {
  for (const [what, auth] of [
    ['no auth', undefined],
    ['an empty auth', {}],
    ['a missing token', { scheme: 'bearer' }],
    ['an empty token', bearerAuth('')],
    ['an unknown token', bearerAuth('tok-nobody')],
    ['a token with another character behind', bearerAuth(`${tokens.alice} `)],
    ['a token in other letters', bearerAuth(tokens.alice.toUpperCase())],
    ['the name of a method of every object', bearerAuth('constructor')],
    ['the scheme basic', { scheme: 'basic', token: tokens.alice }],
    ['an empty scheme', { scheme: '', token: tokens.alice }],
  ] as const) {
    // proves P2.10
    test(`§2 a hello with ${what} is UNAUTHENTICATED and closed 1008`, async () => {
      const at = world();
      const peer = at.open();
      peer.send('session.hello', auth === undefined ? {} : { auth });
      peer.send('job.submit', { agent: 'puppet' });
      await unauthenticated(at, peer);
      expect(at.agent.jobs).toEqual([]);
    });
  }

  // proves P2.12
  test('§2 the Authorization header counts where the frame has no auth', async () => {
    const at = world();
    expect(await hello(at.open(header(`Bearer ${tokens.bob}`)))).toMatchObject({ type: 'session.welcome' });
    expect(await hello(at.open(header(`bearer   ${tokens.alice}`)))).toMatchObject({ type: 'session.welcome' });
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'bob' }, { principal: 'alice' }]);
  });

  test('§2 the same token in the header and in the frame is one token', async () => {
    const at = world();
    expect(await hello(at.open(header(`Bearer ${tokens.alice}`)), bearerAuth(tokens.alice))).toMatchObject({
      type: 'session.welcome',
    });
  });

  for (const [what, inHeader, inFrame] of [
    ['two good ones', tokens.alice, tokens.bob],
    ['a good one in the frame', 'tok-nobody', tokens.alice],
    ['a good one in the header', tokens.alice, 'tok-nobody'],
    ['an empty one in the frame', tokens.alice, ''],
  ] as const) {
    // proves P2.12
    test(`§2 header and frame present and unequal are UNAUTHENTICATED: ${what}`, async () => {
      const at = world();
      const peer = at.open(header(`Bearer ${inHeader}`));
      peer.send('session.hello', { auth: bearerAuth(inFrame) });
      await unauthenticated(at, peer);
    });
  }

  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    tokens.alice,
    `Basic ${tokens.alice}`,
    `Bearer ${tokens.alice} x`,
  ]) {
    test(`§2 a header ${JSON.stringify(authorization)} is no bearer token`, async () => {
      const at = world();
      const peer = at.open(header(authorization));
      peer.send('session.hello');
      await unauthenticated(at, peer);
    });
  }

  // proves P2.14
  test("§2 another scheme is let in only by the embedder's own authenticator, which sees all there is to see", async () => {
    const seen: Credentials[] = [];
    const authenticate: Authenticate = (credentials) => {
      seen.push(credentials);
      return credentials.scheme === 'x-ticket' && credentials.token === 'T1' ? { principal: 'carol' } : null;
    };
    const at = world({ authenticate });
    const facts = { headers: { cookie: 'a=b' }, remoteAddress: '192.0.2.7' };
    expect(await hello(at.open(facts), { scheme: 'x-ticket', token: 'T1' })).toMatchObject({ type: 'session.welcome' });
    expect(seen).toEqual([{ scheme: 'x-ticket', token: 'T1', headers: { cookie: 'a=b' }, remoteAddress: '192.0.2.7' }]);
    expect(at.runtime.sessions()).toMatchObject([{ principal: 'carol' }]);
    expect(await hello(at.open(), bearerAuth('T1'))).toMatchObject({ payload: { code: 'UNAUTHENTICATED' } });
  });

  // proves P2.15
  test('§2 anonymous principals, where an embedder enables them, are each their own principal', async () => {
    let guests = 0;
    const authenticate: Authenticate = ({ scheme }) => {
      guests += 1;
      return scheme === 'anonymous' ? { principal: `anonymous-${guests}` } : null;
    };
    const at = world({ authenticate });
    const [one, two] = [at.open(), at.open()];
    const welcome = await hello(one, { scheme: 'anonymous' });
    await hello(two, { scheme: 'anonymous' });
    const accepted = await one.ask('job.submit', { agent: 'puppet' });
    expect(await two.ask('job.cancel', { job_id: accepted.job_id })).toMatchObject({
      payload: { code: 'JOB_NOT_FOUND' },
    });
    const thief = { auth: { scheme: 'anonymous' }, resume_token: welcome.payload.resume_token };
    expect(await at.open().ask('session.resume', thief)).toMatchObject({ payload: { code: 'PERMISSION_DENIED' } });
  });
});

describe('§2 secrets', () => {
  test('§2 no token, good or bad, of a hello or of a resume, is in a log line, an audit entry, a session or an error', async () => {
    const audited: AuditEntry[] = [];
    const at = world({ audit: (entry) => audited.push(entry) });
    const secrets = [tokens.alice, tokens.bob, 'tok-wrong', 'rt_wrong', 'tok-header'];
    await hello(at.open(header('Bearer tok-header')), bearerAuth('tok-wrong'));
    await hello(at.open(), bearerAuth('tok-wrong'));
    at.open().raw(`{"arcp":"1.1","type":"session.hello","payload":{"auth":{"token":["tok-wrong"]}}}`);
    at.open().raw(`tok-wrong`);
    const peer = at.open();
    const welcome = await peer.hello(tokens.alice);
    secrets.push(welcome.payload.resume_token);
    const thief = at.open();
    await thief.resume(tokens.bob, { resume_token: welcome.payload.resume_token });
    await thief.resume(tokens.bob, { resume_token: 'rt_wrong' });
    await turn();
    const written = JSON.stringify([at.log.lines, audited, at.runtime.sessions(), thief.texts]);
    for (const secret of secrets) expect(written).not.toContain(secret);
    expect(audited.map(({ action, outcome, principal }) => [action, outcome, principal])).toContainEqual([
      'hello',
      'allowed',
      'alice',
    ]);
  });

  // proves P2.23
  test('§2 nothing a client sends before it is authenticated is logged in full', async () => {
    const at = world();
    const peer = at.open();
    const large = 'Z'.repeat(10_000);
    peer.raw(
      JSON.stringify({ arcp: '1.1', id: large, type: large, payload: { client: { name: large, version: large } } }),
    );
    await peer.closed;
    expect(JSON.stringify(at.log.lines)).not.toContain('ZZZZ');
    expect(peer.texts.join().length).toBeLessThan(1000);
  });
});
