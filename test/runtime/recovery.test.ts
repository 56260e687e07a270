// §3, Crash: the process dies, the next one opens what it had committed, and clients resume with the tokens they had.
import { describe, expect, test } from 'vitest';
import { refusal } from '../support/detached.ts';
import { durableRuntime } from '../support/durable.ts';
import { cutShort, midway, world } from '../support/restarts.ts';
import { puppet, tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, events, terminals, turn } from '../support/session.ts';

describe('§3 a session outlives the process', () => {
  test('with the token it had, what was missed comes byte for byte, and the job is ended honestly', async () => {
    const at = await midway();
    const before = at.peer.texts.filter((text) => text.includes('"event_seq"'));
    const next = at.crashed();
    const { peer, welcome } = await comeBack(next, { resumeToken: at.resumeToken, after: 2 });
    expect(welcome).toMatchObject({ type: 'session.welcome', session_id: at.sessionId });
    expect(peer.seqs()).toEqual([3, 4, 5, 6]);
    const after = peer.texts.filter((text) => text.includes('"event_seq"'));
    expect(after.slice(0, 3)).toEqual(before.slice(2));
    expect(terminals(peer)).toMatchObject([{ type: 'job.error', job_id: at.jobId, ...cutShort }]);
  });

  test('whatever was not committed was seen by nobody, and its numbers are given again', async () => {
    const at = await midway();
    at.store.hold(true);
    at.agent.emit(3);
    await turn();
    expect(at.peer.seqs()).toEqual([1, 2, 3, 4, 5]);
    const { peer } = await comeBack(at.crashed(), { resumeToken: at.resumeToken, after: 5 });
    expect(peer.sequenced()).toMatchObject([{ event_seq: 6, type: 'job.error' }]);
  });

  // proves P3.43
  test('one that was connected has a whole window from the restart on', async () => {
    const at = await midway();
    at.clock.advance(59_000);
    const next = at.crashed();
    await next.runtime.ready;
    next.clock.advance(59_999);
    expect((await comeBack(next, { resumeToken: at.resumeToken })).welcome.type).toBe('session.welcome');
  });

  // proves P3.43
  test('one that was detached has what remained, however long no process ran', async () => {
    const at = await midway();
    await cut(at.peer);
    at.clock.advance(40_000);
    await turn();
    const next = at.crashed();
    next.clock.stepWall(3_600_000);
    await next.runtime.ready;
    next.clock.advance(19_000);
    const early = await comeBack(next, { resumeToken: at.resumeToken });
    expect(early.welcome.type).toBe('session.welcome');
    // Whoever has come back has a whole one again.
    await cut(early.peer);
    next.clock.advance(59_999);
    const late = await comeBack(next, { resumeToken: early.resumeToken });
    expect(late.welcome.type).toBe('session.welcome');
  });

  test('its window ends in the new process', async () => {
    const at = await midway();
    await cut(at.peer);
    at.clock.advance(40_000);
    await turn();
    const next = at.crashed();
    await next.runtime.ready;
    next.clock.advance(21_000);
    expect(await next.open().resume(tokens.alice, { resume_token: at.resumeToken })).toMatchObject(
      refusal('RESUME_WINDOW_EXPIRED', 'expired'),
    );
  });

  test('that one has expired can be told from unknown after a restart too', async () => {
    const at = world();
    const { peer, resumeToken } = await enter(at);
    await cut(peer);
    at.clock.advance(60_000);
    await turn();
    const next = at.crashed();
    const ask = (token: string) => next.open().resume(token, { resume_token: resumeToken });
    expect(await ask(tokens.alice)).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'expired'));
    expect(await ask(tokens.bob)).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'unknown'));
    next.clock.advance(60_001);
    expect(await ask(tokens.alice)).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'unknown'));
  });

  test('after a bye nothing of it is left', async () => {
    const at = world();
    const { peer, resumeToken } = await enter(at);
    await peer.ask('session.bye');
    expect(at.store.medium.records()).toEqual([]);
    const next = at.crashed();
    expect(await next.open().resume(tokens.alice, { resume_token: resumeToken })).toMatchObject(
      refusal('RESUME_WINDOW_EXPIRED', 'unknown'),
    );
  });

  test('its principal, its features and its rotated tokens are what they were', async () => {
    const at = await midway();
    const first = await comeBack(at, { resumeToken: at.resumeToken, after: 5 });
    // A welcome that was lost: the token before it is good until the new one is proven.
    const lost = at.open();
    await lost.resume(tokens.alice, { resume_token: first.resumeToken, last_event_seq: 5 });
    const next = at.crashed();
    expect(await next.open().resume(tokens.alice, { resume_token: at.resumeToken })).toMatchObject(
      refusal('RESUME_WINDOW_EXPIRED', 'unknown'),
    );
    expect(await next.open().resume(tokens.bob, { resume_token: first.resumeToken })).toMatchObject(
      refusal('PERMISSION_DENIED'),
    );
    const { welcome } = await comeBack(next, { resumeToken: first.resumeToken, after: 5 });
    expect(welcome.payload.capabilities).toEqual(at.welcome.payload.capabilities);
  });

  test('it can be brought back again and again', async () => {
    const at = await midway();
    const second = at.crashed().crashed();
    const back = await comeBack(second, { resumeToken: at.resumeToken });
    expect(back.peer.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
    const third = second.crashed();
    const { peer } = await comeBack(third, { resumeToken: back.resumeToken });
    expect(peer.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('a client that has acknowledged everything is not told that it lags', async () => {
    const talker = puppet();
    const at = durableRuntime({ agents: [talker.agent], backPressure: 10 });
    const { peer, submit, resumeToken } = await enter(at);
    await submit('puppet');
    for (const seq of [8, 16, 24]) {
      talker.emit(8);
      await peer.settle();
      peer.send('session.ack', { last_processed_seq: seq });
      await peer.settle();
    }
    const next = at.crashed();
    const back = await comeBack(next, { resumeToken, after: 24 });
    await back.peer.ask('job.submit', { agent: 'puppet' });
    talker.emit(3);
    await back.peer.next((frame) => frame.event_seq === 28);
    expect(events(back.peer).map(({ kind }) => kind)).toEqual(['log', 'log', 'log']);
  });

  test('what was acknowledged is asked for by no resume, and leaves the disk with the last job that emitted it', async () => {
    const at = await midway();
    at.peer.send('session.ack', { last_processed_seq: 4 });
    await at.peer.settle();
    const next = at.crashed();
    expect(await next.open().resume(tokens.alice, { resume_token: at.resumeToken, last_event_seq: 2 })).toMatchObject(
      refusal('RESUME_WINDOW_EXPIRED', 'trimmed'),
    );
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 4 });
    expect(peer.seqs()).toEqual([5, 6]);
    expect(next.store.medium.frames(at.sessionId)).toHaveLength(6);
    next.clock.advance(3_600_000);
    await turn();
    expect(next.store.medium.frames(at.sessionId)).toHaveLength(2);
  });
});

describe('§6.3 a history that was lost is never told wrongly', () => {
  // proves P3.38
  test('a cursor beyond the log is refused as ahead', async () => {
    const at = await midway();
    const next = at.crashed();
    const resume = { resume_token: at.resumeToken, last_event_seq: 7 };
    expect(await next.open().resume(tokens.alice, resume)).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'ahead'));
  });

  // proves P3.38
  test('nor is one within it, where the numbers have been given to other events since', async () => {
    const at = await midway('rerun');
    // The disk lies: what it had promised to keep of the last two events is gone.
    at.store.medium.lose(at.sessionId, 2);
    const next = at.crashed();
    await next.runtime.ready;
    at.agent.emit(5);
    await turn();
    const resume = (after: number) => ({ resume_token: at.resumeToken, last_event_seq: after });
    expect(await next.open().resume(tokens.alice, resume(5))).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'ahead'));
    // So it is in every process after that.
    const later = next.crashed();
    expect(await later.open().resume(tokens.alice, resume(5))).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'ahead'));
    expect((await later.open().resume(tokens.alice, resume(3))).type).toBe('session.welcome');
  });

  test('who is told that events are gone goes on from what is left, with the token of before', async () => {
    const at = await midway('rerun');
    const next = at.crashed({ bufferEvents: 3 });
    await next.runtime.ready;
    at.agent.emit(10);
    await turn();
    const resume = (after: number) => ({ resume_token: at.resumeToken, last_event_seq: after });
    const refused = await next.open().resume(tokens.alice, resume(5));
    expect(refused).toMatchObject(refusal('RESUME_WINDOW_EXPIRED', 'trimmed'));
    const { oldest_seq: oldestSeq } = refused.payload.details;
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: oldestSeq - 1 });
    expect(peer.seqs()).toEqual([14, 15, 16]);
  });
});

describe('§3 a shutdown of a runtime whose store lasts', () => {
  // proves P3.13
  test('tells clients that they can come back, and they can', async () => {
    const at = await midway();
    at.agent.finish('done');
    const closed = at.runtime.close();
    expect(await at.peer.next('session.bye')).toMatchObject({ payload: { reason: 'shutdown', resumable: true } });
    expect((await at.peer.closed).code).toBe(1001);
    await closed;
    const next = durableRuntime({ agents: [at.agent.agent], store: at.store.reopened() });
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 5 });
    expect(peer.sequenced()).toMatchObject([{ type: 'job.result', event_seq: 6 }]);
  });

  test('lets jobs end by themselves for drainSec, and leaves the rest to the next start', async () => {
    const at = await midway('rerun');
    const closed = at.runtime.close();
    await at.peer.closed;
    at.agent.emit(1);
    await turn();
    at.clock.advance(10_000);
    await turn();
    expect(at.agent.job.signal.aborted).toBe(true);
    at.agent.fail(new Error('stopped'));
    await closed;
    const next = durableRuntime({
      agents: [{ ...at.agent.agent, onRestart: 'rerun' }],
      store: at.store.reopened(),
    });
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 5 });
    expect(events(peer)).toMatchObject([{ kind: 'log' }, { kind: 'status', body: { phase: 'restarted' } }]);
  });
});

test('no token is in the store, neither a bearer nor a resume token', async () => {
  const at = await midway();
  const { resumeToken } = await comeBack(at, { resumeToken: at.resumeToken });
  const { text } = at.store.medium;
  expect(text).toContain(at.sessionId);
  for (const secret of [tokens.alice, at.resumeToken, resumeToken]) expect(text).not.toContain(secret);
});

test('§6.3 what is pipelined behind a resume waits for the authenticator and for the disk, in order', async () => {
  const at = await midway();
  const authenticate = async () => ({ principal: 'alice' });
  const next = at.crashed({ authenticate });
  const peer = next.open();
  peer.send('session.resume', { auth: { scheme: 'bearer', token: 'any' }, resume_token: at.resumeToken });
  peer.send('session.ping', { nonce: 'one' });
  peer.send('session.ping', { nonce: 'two' });
  for (let turns = 0; turns < 5; turns += 1) await turn();
  expect(peer.frames.filter(({ event_seq: seq }) => seq === undefined).map(({ type }) => type)).toEqual([
    'session.welcome',
    'session.pong',
    'session.pong',
  ]);
  expect(peer.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
});
