// §3 of the protocol, the resume that is welcomed: what comes back, rotation, the lost welcome, takeover.
import { describe, expect, test } from 'vitest';
import { auth, detachedSession, range, refusal, world } from '../support/detached.ts';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';

describe('§3 a resume that succeeds', () => {
  // proves P3.08, P3.31, P3.32
  test('§3 has the same session_id, a new token, and every kept frame after the cursor byte-equal', async () => {
    const at = world();
    const first = at.open();
    const welcome = await first.hello(tokens.alice);
    await first.ask('job.submit', { agent: 'puppet' });
    at.agent.emit(10);
    await first.settle();
    first.drop();
    await first.closed;
    const second = at.open();
    const asked = second.resume(tokens.alice, { resume_token: welcome.payload.resume_token, last_event_seq: 3 });
    const again = await asked;
    expect(again.session_id).toBe(welcome.session_id);
    expect(again.payload.session_id).toBe(welcome.session_id);
    expect(again.payload.resume_token).toMatch(/^rt_[\w-]{43}$/);
    expect(again.payload.resume_token).not.toBe(welcome.payload.resume_token);
    await second.settle();
    const texts = (peer: Peer) => peer.texts.filter((text) => text.includes('"event_seq":'));
    expect(texts(second)).toEqual(texts(first).slice(3));
  });

  // proves P3.32
  test('§3 the welcome comes before the replay, the replay before live frames, whatever the job emits meanwhile', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    const asked = peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 3 });
    at.agent.emit(5);
    await asked;
    at.agent.emit(5);
    await peer.settle();
    expect(peer.frames[0]?.type).toBe('session.welcome');
    expect(peer.seqs()).toEqual(range(4, 20));
  });

  // proves P3.33
  test('§3 a client at the head has nothing to replay, and is not refused for it', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    const asked = peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(await asked).toMatchObject({ type: 'session.welcome' });
    at.agent.emit(1);
    await peer.settle();
    expect(peer.seqs()).toEqual([11]);
  });

  test('§3 so does one whose session never had an event', async () => {
    const at = world();
    const peer = at.open();
    const welcome = await peer.hello(tokens.alice);
    peer.drop();
    await peer.closed;
    const again = at.open().resume(tokens.alice, { resume_token: welcome.payload.resume_token, last_event_seq: 0 });
    expect(await again).toMatchObject({ type: 'session.welcome' });
  });

  test('§3 the terminal of a job that ended while detached is replayed', async () => {
    const at = world();
    const { resumeToken, jobId } = await detachedSession(at);
    at.agent.finish({ answer: 42 });
    await new Promise(setImmediate);
    const peer = at.open();
    await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(await peer.next('job.result')).toMatchObject({
      job_id: jobId,
      event_seq: 11,
      payload: { result: { answer: 42 } },
    });
  });

  // proves P3.10
  test('§3 the chart is seen in resumed while it replays, and in live once caught up', async () => {
    const states: string[] = [];
    const at = world({
      inspect: (event) => {
        if (event.type === '@xstate.snapshot' && 'value' in event.snapshot)
          states.push(JSON.stringify(event.snapshot.value));
      },
    });
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 3 });
    expect(states).toContain('{"attached":"resumed"}');
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }]);
  });

  // proves P3.36
  test('§3 cancel authority and the trace carry over', async () => {
    const at = world();
    const { resumeToken, jobId } = await detachedSession(at);
    const peer = at.open();
    await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(await peer.ask('job.cancel', { job_id: jobId })).toMatchObject({ type: 'job.cancelled' });
    at.agent.fail(new Error('stopped'));
    expect(await peer.next('job.error')).toMatchObject({
      trace_id: 'ab'.repeat(16),
      payload: { code: 'CANCELLED', final_status: 'cancelled' },
    });
  });

  // proves P3.36
  test('§3 negotiated features carry over, and are intersected anew only if the resume sends capabilities', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    const welcome = await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(welcome.payload.capabilities.features).toContain('progress');
    peer.drop();
    await peer.closed;
    const fewer = at.open();
    const again = await fewer.ask('session.resume', {
      auth,
      resume_token: welcome.payload.resume_token,
      last_event_seq: 10,
      capabilities: { features: ['ack'] },
    });
    expect(again.payload.capabilities.features).toEqual(['ack']);
    expect(again.payload.heartbeat_interval_sec).toBeUndefined();
  });
});

describe('§3 tokens rotate, and a welcome that got lost costs nothing', () => {
  // proves P3.34
  test('§3 the previous token dies once any frame on the new connection shows that its token arrived', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const peer = at.open();
    await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    await peer.settle();
    peer.drop();
    await peer.closed;
    const asked = at.open().resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(await asked).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'unknown'));
  });

  // proves P3.34
  test('§3 a lost welcome: the presented token stays good, as often as it takes', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    for (let tries = 0; tries < 3; tries += 1) {
      const peer = at.open();
      const asked = peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 5 });
      expect(await asked).toMatchObject({ type: 'session.welcome' });
      peer.drop();
      await peer.closed;
    }
  });

  // proves P3.34
  test('§3 a resume with the new token proves it too, and the older ones die', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const second = at.open();
    const welcome = await second.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    second.drop();
    await second.closed;
    const third = at.open();
    const asked = third.resume(tokens.alice, { resume_token: welcome.payload.resume_token, last_event_seq: 10 });
    expect(await asked).toMatchObject({ type: 'session.welcome' });
    const stale = at.open().resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(await stale).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'unknown'));
  });

  test('§3 when the presented token is used again, the token of the lost welcome is good no more', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    const second = at.open();
    const lost = await second.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    second.drop();
    await second.closed;
    await at.open().resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    const asked = at.open().resume(tokens.alice, { resume_token: lost.payload.resume_token, last_event_seq: 10 });
    expect(await asked).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'unknown'));
  });

  test('§3 a refused resume does not prove, rotate or retire anything', async () => {
    const at = world();
    const { resumeToken } = await detachedSession(at);
    await at.open().resume(tokens.bob, { resume_token: resumeToken });
    await at.open().resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 99 });
    const asked = at.open().resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 10 });
    expect(await asked).toMatchObject({ type: 'session.welcome' });
  });

  test('§3 frames sent behind a resume before its welcome could be read prove nothing', async () => {
    let admit = (_identity: { principal: string }) => {};
    const agent = puppet();
    const at = simulatedRuntime({
      agents: [agent.agent],
      authenticate: () =>
        new Promise((resolve) => {
          admit = resolve;
        }),
    });
    const first = at.open();
    const welcomed = first.hello(tokens.alice);
    await Promise.resolve();
    admit({ principal: 'alice' });
    const resumeToken = (await welcomed).payload.resume_token;
    first.drop();
    await first.closed;
    const second = at.open();
    second.send('session.resume', { auth, resume_token: resumeToken });
    const pong = second.ask('session.ping');
    await new Promise(setImmediate);
    admit({ principal: 'alice' });
    await pong;
    second.drop();
    await second.closed;
    const third = at.open();
    const asked = third.resume(tokens.alice, { resume_token: resumeToken });
    await new Promise(setImmediate);
    admit({ principal: 'alice' });
    expect(await asked).toMatchObject({ type: 'session.welcome' });
  });

  // proves P3.22, P3.37
  test('§3 tokens are 256 random bits, no id, and nothing else of them is kept or logged', async () => {
    const at = world();
    const seen = new Set<string>();
    for (let i = 0; i < 50; i += 1) {
      const welcome = await at.open().hello(tokens.alice);
      const token: string = welcome.payload.resume_token;
      expect(Buffer.from(token.slice(3), 'base64url')).toHaveLength(32);
      expect(token).not.toContain(String(welcome.session_id).slice(5));
      seen.add(token);
    }
    expect(seen.size).toBe(50);
    const kept = JSON.stringify([at.log.lines, at.runtime.sessions()]);
    for (const token of seen) expect(kept).not.toContain(token);
  });
});

describe('§3 takeover: at every moment one live connection at most', () => {
  // proves P3.09, P3.35, P3.45
  test('§3 a half-open connection is closed 4001 before the newer one is welcomed', async () => {
    const at = world();
    const older = at.open();
    const welcome = await older.hello(tokens.alice);
    await older.ask('job.submit', { agent: 'puppet' });
    at.agent.emit(4);
    await older.settle();
    const order: string[] = [];
    const newer = at.open();
    void older.closed.then(({ code }) => order.push(`older closed ${code}`));
    const asked = newer.resume(tokens.alice, { resume_token: welcome.payload.resume_token, last_event_seq: 2 });
    void asked.then(() => order.push('newer welcomed'));
    await asked;
    await older.closed;
    expect(order[0]).toBe('older closed 4001');
    at.agent.emit(2);
    await newer.settle();
    expect(newer.seqs()).toEqual([3, 4, 5, 6]);
    expect(older.seqs()).toEqual([1, 2, 3, 4]);
    expect(at.runtime.sessions()).toHaveLength(1);
  });
});
