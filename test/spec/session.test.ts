// §3 of the protocol, the session's life: each row of its table over the in-memory transport, in simulated time.
import { describe, expect, test } from 'vitest';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  const simulated = simulatedRuntime({ agents: [agent.agent], resumeWindowSec: 60, ...options });
  const state = () => simulated.runtime.sessions().map((session) => session.state);
  return { ...simulated, agent, state };
}

/** A live session with one running job. */
async function liveSession(at: ReturnType<typeof world>, token = tokens.alice) {
  const peer = at.open();
  const welcome = await peer.hello(token);
  const accepted = await peer.ask('job.submit', { agent: 'puppet' });
  return {
    peer,
    resumeToken: String(welcome.payload.resume_token),
    sessionId: welcome.session_id,
    jobId: accepted.job_id,
  };
}

const resumed = (peer: Peer, resumeToken: string, lastEventSeq = 0) =>
  peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: lastEventSeq });

describe('§3 handshaking', () => {
  // proves P2.01, P3.01
  test('§3 a hello that is accepted makes the session live, and is answered with a welcome', async () => {
    const at = world();
    const peer = at.open();
    expect(at.state()).toEqual(['handshaking']);
    expect(await peer.hello(tokens.alice)).toMatchObject({ type: 'session.welcome' });
    expect(at.state()).toEqual(['live']);
  });

  // proves P3.02
  test('§3 a refused, silent or lost handshake closes, and nothing else ever existed', async () => {
    const at = world({ handshakeTimeoutSec: 10 });
    const refused = at.open();
    expect(await refused.hello('tok-nobody')).toMatchObject({ payload: { code: 'UNAUTHENTICATED' } });
    expect(await refused.closed).toMatchObject({ code: 1008 });
    const silent = at.open();
    at.clock.advance(10_000);
    expect(await silent.closed).toMatchObject({ code: 4004 });
    const lost = at.open();
    lost.drop();
    await lost.closed;
    expect(at.state()).toEqual([]);
    expect(at.clock.nextInMs()).toBeUndefined();
  });
});

describe('§3 live and resumed: the five ways to part are five different things', () => {
  for (const code of [1000, 1001, 1006, 1011, 4321]) {
    // proves P3.03, P3.15
    test(`§3 a socket that ends with ${code} and no goodbye frame is a drop: jobs untouched, session detached`, async () => {
      const at = world();
      const { peer } = await liveSession(at);
      peer.drop(code);
      await peer.closed;
      await Promise.resolve();
      expect(at.state()).toEqual(['detached']);
      expect(at.agent.job.signal.aborted).toBe(false);
    });
  }

  // proves P3.06, P3.45
  test('§3 session.close is answered, closes 1000, and leaves jobs running and the token good for the window', async () => {
    const at = world();
    const { peer, resumeToken } = await liveSession(at);
    expect(await peer.ask('session.close', { reason: 'lunch' })).toMatchObject({
      type: 'session.closed',
      payload: { reason: 'lunch' },
    });
    expect(await peer.closed).toMatchObject({ code: 1000 });
    expect(at.state()).toEqual(['detached']);
    expect(at.agent.job.signal.aborted).toBe(false);
    at.agent.emit(1);
    at.clock.advance(59_999);
    const again = at.open();
    expect(await resumed(again, resumeToken)).toMatchObject({ type: 'session.welcome' });
  });

  // proves P3.07
  test('§3 session.bye is answered, closes 1000, kills the token at once and cancels running jobs', async () => {
    const at = world();
    const { peer, resumeToken } = await liveSession(at);
    const asked = peer.ask('session.bye', { reason: 'done for today' });
    expect(await asked).toMatchObject({ type: 'session.closed', payload: { reason: 'done for today' } });
    expect(await peer.closed).toMatchObject({ code: 1000 });
    expect(at.agent.job.signal.aborted).toBe(true);
    expect(at.state()).toEqual(['closed']);
    const again = at.open();
    expect(await resumed(again, resumeToken)).toMatchObject({ payload: { code: 'RESUME_WINDOW_EXPIRED' } });
    again.drop();
    at.agent.finish();
    await again.closed;
    expect(at.state()).toEqual([]);
  });

  // proves P3.07
  test("§3 with onBye 'keep' running jobs go on after a bye, and the session ends with the last of them", async () => {
    const at = world({ onBye: 'keep' });
    const { peer } = await liveSession(at);
    await peer.ask('session.bye');
    expect(at.agent.job.signal.aborted).toBe(false);
    expect(at.state()).toEqual(['closed']);
    at.agent.emit(3);
    at.agent.finish();
    await peer.closed;
    await Promise.resolve();
    expect(at.state()).toEqual([]);
  });

  // proves P3.05, P3.45
  test('§3 a lost heartbeat is told (HEARTBEAT_LOST, retryable), closes 4002, and is otherwise a lost transport', async () => {
    const at = world({ heartbeatSec: 30 });
    const { peer, resumeToken } = await liveSession(at);
    at.clock.advance(60_000);
    expect(await peer.next('session.error')).toMatchObject({ payload: { code: 'HEARTBEAT_LOST', retryable: true } });
    expect(await peer.closed).toMatchObject({ code: 4002 });
    expect(at.state()).toEqual(['detached']);
    expect(at.agent.job.signal.aborted).toBe(false);
    expect(await resumed(at.open(), resumeToken)).toMatchObject({ type: 'session.welcome' });
  });

  // proves P3.13, P3.45
  test('§3 on shutdown the client is told session.bye {reason: "shutdown", resumable}, and the socket closed 1001', async () => {
    const at = world();
    const { peer } = await liveSession(at);
    const closing = at.runtime.close();
    expect(await peer.next('session.bye')).toMatchObject({ payload: { reason: 'shutdown', resumable: false } });
    expect(await peer.closed).toMatchObject({ code: 1001 });
    expect(at.agent.job.signal.aborted).toBe(true);
    at.agent.fail(new Error('told to stop'));
    await closing;
    expect(at.state()).toEqual([]);
  });

  test('§3 a runtime that shuts down takes no new connection, and may be told twice', async () => {
    const at = world();
    const waiting = at.open();
    await Promise.all([at.runtime.close(), at.runtime.close()]);
    expect(await waiting.closed).toMatchObject({ code: 1001 });
    expect(await at.open().closed).toMatchObject({ code: 1001 });
  });

  // proves P3.09
  test('§3 the late close of a replaced socket changes nothing', async () => {
    const at = world();
    const { peer, resumeToken } = await liveSession(at);
    const newer = at.open();
    await resumed(newer, resumeToken);
    expect(await peer.closed).toMatchObject({ code: 4001 });
    peer.drop(1006);
    await newer.settle();
    expect(at.state()).toEqual(['live']);
    at.agent.emit(1);
    await newer.settle();
    expect(newer.seqs()).toEqual([1]);
  });

  test('§3 a frame that still arrives on a replaced socket is not heard', async () => {
    const at = world();
    const { peer, resumeToken } = await liveSession(at);
    const newer = at.open();
    const welcome = resumed(newer, resumeToken);
    peer.send('session.bye');
    await welcome;
    const outcome = await Promise.race([newer.settle().then(() => 'heard'), newer.closed.then(() => 'closed')]);
    // Whichever came first was the session's connection then; a bye of the newer one was never sent.
    if (outcome === 'heard') expect(at.state()).toEqual(['live']);
    else expect(at.state()).toEqual(['closed']);
  });
});

describe('§3 detached', () => {
  // proves P3.03
  test('§3 the window is counted from the loss, not from the welcome', async () => {
    const at = world({ features: [] });
    const { peer, resumeToken } = await liveSession(at);
    at.clock.advance(10 * 60_000);
    peer.drop();
    await peer.closed;
    await Promise.resolve();
    at.clock.advance(59_999);
    expect(at.state()).toEqual(['detached']);
    const again = at.open();
    expect(await resumed(again, resumeToken)).toMatchObject({ type: 'session.welcome' });
    at.clock.advance(5 * 60_000);
    expect(at.state()).toEqual(['live']);
  });

  // proves P3.12
  test('§3 when the window is over the session is expired; its jobs run on by default, and it ends with the last', async () => {
    const at = world();
    const { peer, resumeToken } = await liveSession(at);
    peer.drop();
    await peer.closed;
    await Promise.resolve();
    at.clock.advance(60_000);
    expect(at.state()).toEqual(['expired']);
    expect(at.agent.job.signal.aborted).toBe(false);
    expect(await resumed(at.open(), resumeToken)).toMatchObject({
      payload: { code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'expired' } },
    });
    at.agent.emit(2);
    at.agent.finish();
    await new Promise(setImmediate);
    expect(at.state()).not.toContain('expired');
  });

  // proves P3.12
  test("§3 with onExpire 'cancel' the end of the window cancels running jobs", async () => {
    const at = world({ onExpire: 'cancel' });
    const { peer } = await liveSession(at);
    peer.drop();
    await peer.closed;
    await Promise.resolve();
    at.clock.advance(60_000);
    expect(at.agent.job.signal.aborted).toBe(true);
  });

  // proves P3.28, P3.29
  test('§3 an expired session is told from an unknown one for one more window, and then forgotten', async () => {
    const at = world({ features: [] });
    const peer = at.open();
    const welcome = await peer.hello(tokens.alice);
    peer.drop();
    await peer.closed;
    await Promise.resolve();
    at.clock.advance(60_000);
    expect(at.state()).toEqual([]);
    const reason = async () => (await resumed(at.open(), welcome.payload.resume_token)).payload.details.reason;
    expect(await reason()).toBe('expired');
    at.clock.advance(60_000);
    expect(await reason()).toBe('unknown');
  });
});

describe('§3 nothing outlives its cause', () => {
  // proves P3.14
  test('§3 after a storm of sessions and jobs everything is freed one window after the last job', async () => {
    const at = world({ jobRetentionSec: 1 });
    for (let round = 0; round < 20; round += 1) {
      const { peer, resumeToken } = await liveSession(at);
      at.agent.emit(round);
      if (round % 3 === 0) peer.drop();
      else if (round % 3 === 1) await peer.ask('session.bye');
      else await resumed(at.open(), resumeToken);
      await new Promise(setImmediate);
    }
    for (const job of at.agent.jobs) job.finish();
    await new Promise(setImmediate);
    at.clock.advance(120_000);
    at.clock.advance(120_000);
    expect(at.state()).toEqual([]);
  });
});
