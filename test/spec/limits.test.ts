// §2 of the protocol, the limits: each an option, above each a clear error, never a crash.
import { describe, expect, test } from 'vitest';
import { bearer } from '../../src/auth.ts';
import { createRuntime, type RuntimeOptions } from '../../src/index.ts';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { cut, enter, turn } from '../support/session.ts';
import { socketRuntime } from '../support/socket.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent], ...options }) };
}

const isWelcome = { type: 'session.welcome' };
const bearerAuth = (token: string) => ({ auth: { scheme: 'bearer', token } });

describe('§2 sessions per principal', () => {
  const tooMany = {
    type: 'session.error',
    payload: { code: 'PERMISSION_DENIED', details: { limit: 'sessions_per_principal', max: 2 } },
  };

  // proves P2.18
  test('§2 above the limit of sessions per principal a hello is refused by name, and another principal is not', async () => {
    const at = world({ maxSessionsPerPrincipal: 2 });
    await enter(at);
    await enter(at);
    expect(await at.open().hello(tokens.alice)).toMatchObject(tooMany);
    expect(await at.open().hello(tokens.bob)).toMatchObject(isWelcome);
    expect(at.runtime.sessions().filter((session) => session.principal === 'alice')).toHaveLength(2);
  });

  test('§2 a detached session counts, and can still be resumed when the limit is reached', async () => {
    const at = world({ maxSessionsPerPrincipal: 2 });
    const { peer, resumeToken } = await enter(at);
    await enter(at);
    await cut(peer);
    expect(await at.open().hello(tokens.alice)).toMatchObject(tooMany);
    expect(await at.open().resume(tokens.alice, { resume_token: resumeToken })).toMatchObject(isWelcome);
  });

  test('§2 a bye, or the end of a window, makes room again', async () => {
    const at = world({ maxSessionsPerPrincipal: 2, resumeWindowSec: 60 });
    const [one, two] = [await enter(at), await enter(at)];
    await one.peer.ask('session.bye');
    await enter(at);
    expect(await at.open().hello(tokens.alice)).toMatchObject(tooMany);
    await cut(two.peer);
    at.clock.advance(60_000);
    await enter(at);
  });

  test('§2 the socket that was refused may try again as someone who has room', async () => {
    const at = world({ maxSessionsPerPrincipal: 1 });
    await enter(at);
    const peer = at.open();
    await peer.hello(tokens.alice);
    expect(await peer.hello(tokens.bob)).toMatchObject(isWelcome);
  });

  test('§2 the limit of sessions per principal holds when many hellos are authenticated at once', async () => {
    const answers: (() => void)[] = [];
    const authenticate: RuntimeOptions['authenticate'] = () =>
      new Promise((resolve) => answers.push(() => resolve({ principal: 'alice' })));
    const at = world({ maxSessionsPerPrincipal: 3, authenticate });
    const peers = Array.from({ length: 10 }, () => at.open());
    const hellos = peers.map((peer) => peer.hello('t'));
    await turn();
    for (const answer of answers) answer();
    const types = (await Promise.all(hellos)).map((reply) => reply.type);
    expect(types.filter((type) => type === 'session.welcome')).toHaveLength(3);
    expect(types.filter((type) => type === 'session.error')).toHaveLength(7);
  });

  test('§2 the limit of sessions per principal is 1,000 by default', { timeout: 60_000 }, async () => {
    const at = world({ handshakeTimeoutSec: 3600 });
    for (let i = 0; i < 1000; i += 1) await enter(at);
    expect(await at.open().hello(tokens.alice)).toMatchObject({
      payload: { code: 'PERMISSION_DENIED', details: { max: 1000 } },
    });
  });
});

describe('§2 sockets in the handshake', () => {
  // proves P2.19
  test('§2 above the limit of sockets in the handshake a socket is closed 1008 with a reason, and costs no session', async () => {
    const at = world({ maxHandshakes: 3 });
    for (let i = 0; i < 3; i += 1) at.open();
    const { code, reason } = await at.open().closed;
    expect([code, reason]).toEqual([1008, expect.stringContaining('handshake')]);
    expect(at.runtime.sessions()).toHaveLength(3);
  });

  test('§2 a welcome, a resume, a refusal, a timeout and a lost socket each make room again', async () => {
    const at = world({ maxHandshakes: 1, handshakeTimeoutSec: 10 });
    const { peer, resumeToken } = await enter(at);
    await cut(peer);
    const resumed = at.open();
    expect(await resumed.resume(tokens.alice, { resume_token: resumeToken })).toMatchObject(isWelcome);
    const refused = at.open();
    expect(await refused.hello('tok-nobody')).toMatchObject({ payload: { code: 'UNAUTHENTICATED' } });
    const silent = at.open();
    at.clock.advance(10_000);
    expect(await silent.closed).toMatchObject({ code: 4004 });
    await cut(at.open());
    expect(await at.open().hello(tokens.bob)).toMatchObject(isWelcome);
  });

  test('§2 sessions past their welcome are not counted', async () => {
    const at = world({ maxHandshakes: 1 });
    for (let i = 0; i < 20; i += 1) await enter(at);
    expect(at.runtime.sessions()).toHaveLength(20);
  });

  test('§2 over HTTP the upgrade is refused with 503, never left hanging', async () => {
    const at = await socketRuntime({ agents: [], maxHandshakes: 1 });
    const first = await at.open();
    await expect(at.open()).rejects.toThrow('503');
    expect(await first.hello(tokens.alice)).toMatchObject(isWelcome);
    expect(await (await at.open()).hello(tokens.alice)).toMatchObject(isWelcome);
  });

  test('§2 the limit of sockets in the handshake is 1,000 by default', async () => {
    const at = world();
    for (let i = 0; i < 1000; i += 1) at.open();
    expect(await at.open().closed).toMatchObject({ code: 1008 });
    at.clock.advance(10_000);
    expect(at.runtime.sessions()).toEqual([]);
    expect(at.clock.nextInMs()).toBeUndefined();
  });
});

describe('§2 refused hellos and resumes', () => {
  const tries: Record<string, (peer: Peer) => Promise<{ payload: { code: string } }>> = {
    'resumes with an unknown token': (peer) => peer.resume(tokens.alice, { resume_token: 'rt_unknown' }),
    'hellos with a cursor that is none': (peer) =>
      peer.ask('session.hello', { ...bearerAuth(tokens.alice), resume_token: 'rt_x', last_event_seq: -1 }),
    'resumes without a token': (peer) => peer.ask('session.resume', bearerAuth(tokens.alice)),
  };
  for (const [what, attempt] of Object.entries(tries)) {
    // proves P2.20
    test(`§2 a socket has three, and the third closes it 1008: ${what}`, async () => {
      const at = world();
      const peer = at.open();
      for (let i = 0; i < 3; i += 1)
        expect((await attempt(peer)).payload.code).toMatch(/RESUME_WINDOW_EXPIRED|INVALID_REQUEST/);
      expect(await peer.closed).toMatchObject({ code: 1008 });
      expect(at.runtime.sessions()).toEqual([]);
      expect(at.clock.nextInMs()).toBeUndefined();
    });
  }

  test('§2 three of a kind or not, the fourth is never heard, also when all came at once', async () => {
    const at = world();
    const peer = at.open();
    const resume = { ...bearerAuth(tokens.alice), resume_token: 'rt_unknown' };
    for (const payload of [resume, { ...resume, last_event_seq: 'x' }, resume]) peer.send('session.hello', payload);
    peer.send('session.hello', bearerAuth(tokens.alice));
    await peer.closed;
    expect(peer.frames.map((frame) => frame.payload.code)).toEqual([
      'RESUME_WINDOW_EXPIRED',
      'INVALID_REQUEST',
      'RESUME_WINDOW_EXPIRED',
    ]);
    expect(at.runtime.sessions()).toEqual([]);
  });

  test('§2 two of them and then a good one is a session, which owes nothing', async () => {
    const at = world();
    const peer = at.open();
    for (let i = 0; i < 2; i += 1) await peer.resume(tokens.alice, { resume_token: 'rt_unknown' });
    expect(await peer.hello(tokens.alice)).toMatchObject(isWelcome);
    for (let i = 0; i < 5; i += 1) await peer.hello(tokens.alice);
    await peer.settle();
  });
});

describe('§2 frames a second', () => {
  // proves P2.21, P3.45
  test('§2 bursts of twice the rate pass; one frame more is told, closes 1008, and the session can resume', async () => {
    const at = world({ maxFramesPerSecond: 10 });
    const { peer, resumeToken, submit } = await enter(at);
    await submit('puppet');
    for (let i = 0; i < 18; i += 1) peer.send('session.ping');
    await turn();
    expect(peer.frames.filter((frame) => frame.type === 'session.pong')).toHaveLength(18);
    peer.send('session.ping');
    peer.send('session.bye');
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(peer.frames.at(-1)).toMatchObject({
      type: 'session.error',
      payload: { code: 'PERMISSION_DENIED', retryable: false },
    });
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
    expect(at.agent.job.signal.aborted).toBe(false);
    expect(await at.open().resume(tokens.alice, { resume_token: resumeToken })).toMatchObject(isWelcome);
  });

  test('§2 whoever keeps to the rate is served for ever', async () => {
    const at = world({ maxFramesPerSecond: 10 });
    const { peer } = await enter(at);
    for (let i = 0; i < 200; i += 1) {
      at.clock.advance(100);
      await peer.ask('session.ping');
    }
  });

  test('§2 malformed frames count like any other', async () => {
    const at = world({ maxFramesPerSecond: 10 });
    const { peer } = await enter(at);
    for (let i = 0; i < 20; i += 1) peer.raw('not JSON');
    expect(await peer.closed).toMatchObject({ code: 1008 });
  });

  test('§2 one connection above the limit takes nothing from another, of the same principal or not', async () => {
    const at = world({ maxFramesPerSecond: 10 });
    const [loud, quiet] = [await enter(at), await enter(at)];
    for (let i = 0; i < 50; i += 1) loud.peer.send('session.ping');
    expect(await loud.peer.closed).toMatchObject({ code: 1008 });
    await quiet.peer.settle();
  });

  test('§2 the limit of frames a second is 1,000 by default: 2,000 at once pass, 2,001 do not', async () => {
    const at = world();
    const { peer } = await enter(at);
    for (let i = 0; i < 1999; i += 1) peer.send('session.ping');
    await turn();
    expect(peer.frames.filter((frame) => frame.type === 'session.pong')).toHaveLength(1999);
    peer.send('session.ping');
    expect(await peer.closed).toMatchObject({ code: 1008 });
  });
});

describe('§2 live jobs of a session', () => {
  // proves P2.22
  test('§2 above the limit of live jobs of a session a submit is refused by name, leaves nothing behind, and another session has its own', async () => {
    const at = world({ maxJobsPerSession: 2 });
    const [one, two] = [await enter(at), await enter(at)];
    for (let i = 0; i < 2; i += 1) await one.submit('puppet');
    const refused = await one.submit('puppet', { idempotency_key: 'k' });
    expect(refused).toMatchObject({
      type: 'session.error',
      payload: { code: 'PERMISSION_DENIED', retryable: false, details: { limit: 'jobs_per_session', max: 2 } },
    });
    expect(at.agent.jobs).toHaveLength(2);
    expect(await two.submit('puppet')).toMatchObject({ type: 'job.accepted' });
    at.agent.jobs[0]?.finish();
    await one.peer.next('job.result');
    expect(await one.submit('puppet', { idempotency_key: 'k' })).toMatchObject({ type: 'job.accepted' });
    expect(await one.submit('puppet')).toMatchObject({ payload: { details: { limit: 'jobs_per_session' } } });
  });

  test('§2 the repeat of an accepted submit is answered also when there is no room for another', async () => {
    const at = world({ maxJobsPerSession: 1 });
    const { submit } = await enter(at);
    const first = await submit('puppet', { idempotency_key: 'k' });
    expect(await submit('puppet', { idempotency_key: 'k' })).toMatchObject({
      type: 'job.accepted',
      job_id: first.job_id,
    });
  });

  test('§2 the limit of live jobs of a session is 200 by default', async () => {
    const at = world();
    const { submit } = await enter(at);
    for (let i = 0; i < 200; i += 1) expect(await submit('puppet')).toMatchObject({ type: 'job.accepted' });
    expect(await submit('puppet')).toMatchObject({ payload: { code: 'PERMISSION_DENIED', details: { max: 200 } } });
  });
});

describe('§2 each limit is an option', () => {
  const counts = [
    'bufferEvents',
    'bufferBytes',
    'maxFrameBytes',
    'backPressure',
    'maxUnsentBytes',
    'maxSessionsPerPrincipal',
  ];
  counts.push('maxHandshakes', 'maxFramesPerSecond', 'maxJobsPerSession');
  const seconds = [
    'resumeWindowSec',
    'heartbeatSec',
    'handshakeTimeoutSec',
    'cancelGraceSec',
    'jobRetentionSec',
    'stallTimeoutSec',
  ];
  const runtimeWith = (option: object) => createRuntime({ agents: [], authenticate: bearer({}), ...option });

  for (const [names, values] of [
    [counts, [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5']],
    [seconds, [0, -1, Number.NaN, '5']],
  ] as const) {
    for (const name of names) {
      test(`§2 ${name} that cannot work is refused by name when the runtime is made`, () => {
        for (const value of values) expect(() => runtimeWith({ [name]: value })).toThrow(name);
      });
    }
  }
});
