// With a store that lasts, no client sees what a crash could take back.
import { describe, expect, test } from 'vitest';
import type { Runtime } from '../../src/index.ts';
import { durableRuntime } from '../support/durable.ts';
import { keptStore } from '../support/kept.ts';
import type { Frame } from '../support/peer.ts';
import { puppet, tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, turn } from '../support/session.ts';

function world() {
  const agent = puppet();
  const at = durableRuntime({ agents: [agent.agent] });
  return { agent, ...at };
}

async function withJob() {
  const at = world();
  const entered = await enter(at);
  await entered.submit('puppet');
  return { ...at, ...entered };
}

describe('append before send', () => {
  test('an event leaves when it is committed, not before', async () => {
    const { agent, peer, store } = await withJob();
    store.hold(true);
    agent.emit(3);
    await turn();
    expect(peer.seqs()).toEqual([]);
    store.commit();
    await turn();
    expect(peer.seqs()).toEqual([1, 2, 3]);
  });

  test('of many events those leave that are committed', async () => {
    const { agent, peer, store } = await withJob();
    store.hold(true);
    for (let round = 0; round < 3; round += 1) {
      agent.emit(2);
      await turn();
    }
    store.commit(2);
    await turn();
    expect(peer.seqs()).toEqual([1, 2, 3, 4]);
  });

  test('a client that reads misses none of them, although more are committed at once than the log keeps', async () => {
    const agent = puppet();
    const at = durableRuntime({ agents: [agent.agent], bufferEvents: 5 });
    const { peer, submit } = await enter(at);
    await submit('puppet');
    agent.emit(1);
    await turn();
    at.store.hold(true);
    agent.emit(30);
    await turn();
    at.store.commit();
    await turn();
    expect(peer.seqs()).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
  });

  test('a welcome waits for its token to be kept, and nothing of the log comes before it', async () => {
    const at = await withJob();
    at.agent.emit(3);
    await at.peer.settle();
    await cut(at.peer);
    at.store.hold(true);
    const peer = at.open();
    peer.send('session.resume', {
      auth: { scheme: 'bearer', token: 'tok-alice' },
      resume_token: at.resumeToken,
      last_event_seq: 1,
    });
    await turn();
    expect(peer.frames).toEqual([]);
    at.store.commit();
    await turn();
    expect(peer.frames.map(({ type, event_seq: seq }) => seq ?? type)).toEqual(['session.welcome', 2, 3]);
  });

  test('while it waits nobody is pinged, and nothing that comes in shows that its token has arrived', async () => {
    const agent = puppet();
    const at = durableRuntime({ agents: [agent.agent], heartbeatSec: 10 });
    const { resumeToken } = await enter(at, { features: ['heartbeat'] });
    at.store.hold(true);
    const peer = at.open();
    const resume = { resume_token: resumeToken, last_event_seq: 0 };
    peer.send('session.resume', { auth: { scheme: 'bearer', token: tokens.alice }, ...resume });
    await turn();
    at.clock.advance(10_000);
    peer.send('session.pong');
    await turn();
    expect(peer.frames).toEqual([]);
    await cut(peer);
    at.store.commit();
    await turn();
    // The welcome never arrived: the token of before is still good (§6.3).
    at.store.hold(false);
    expect(await at.open().resume(tokens.alice, resume)).toMatchObject({ type: 'session.welcome' });
  });

  test('a connection that is superseded is closed before the other is welcomed, also where both have waited', async () => {
    const { store, runtime } = world();
    await runtime.ready;
    const heard: string[] = [];
    const [first, second, third] = ['first', 'second', 'third'].map((name) => recordedIn(heard, { runtime, name }));
    first?.('session.hello', {});
    await turn();
    const { payload }: Frame = JSON.parse(heard.pop() ?? '');
    store.hold(true);
    third?.('session.hello', {});
    // Behind that a refusal waits, and so its connection is in line before the first.
    second?.('session.resume', { resume_token: 'rt_unknown' });
    await turn();
    first?.('session.ping', {});
    await turn();
    second?.('session.resume', { resume_token: payload.resume_token });
    await turn();
    heard.push('committed');
    store.commit();
    expect(heard).toEqual([
      'committed',
      'third session.welcome',
      'first session.pong',
      'first closed 4001',
      'second session.error',
      'second session.welcome',
    ]);
  });

  test('a superseded connection whose close waits is told nothing more, and closed before the other is welcomed', async () => {
    let fail: ((error: Error) => void) | undefined;
    // The first job is issued nothing; what is issued to the second fails late.
    const issue = () =>
      fail
        ? new Promise<never[]>((_, reject) => {
            fail = reject;
          })
        : [];
    const provisioner = { issue, revoke: async () => {} };
    const { store, runtime } = durableRuntime({ agents: [puppet().agent], provisioner });
    await runtime.ready;
    const heard: string[] = [];
    const [first, second] = ['first', 'second'].map((name) => recordedIn(heard, { runtime, name }));
    first?.('session.hello', {});
    await turn();
    const { payload }: Frame = JSON.parse(heard.pop() ?? '');
    store.hold(true);
    first?.('job.submit', { agent: 'puppet' });
    await turn();
    fail = () => {};
    first?.('job.submit', { agent: 'puppet' });
    await turn();
    second?.('session.resume', { resume_token: payload.resume_token });
    await turn();
    fail(new Error('the gateway is down'));
    await turn();
    heard.push('committed');
    store.commit();
    expect(heard).toEqual(['committed', 'first job.accepted', 'first closed 4001', 'second session.welcome']);
  });

  test('an accepted job is kept before its client hears of it', async () => {
    const at = world();
    const { peer, sessionId } = await enter(at);
    at.store.hold(true);
    peer.send('job.submit', { agent: 'puppet', idempotency_key: 'once' });
    await turn();
    expect(at.agent.jobs).toHaveLength(1);
    expect(peer.frames.map(({ type }) => type)).toEqual(['session.welcome']);
    at.store.commit();
    await turn();
    expect(peer.frames.at(-1)).toMatchObject({ type: 'job.accepted', session_id: sessionId });
  });

  test('a goodbye is answered, and the socket closed, when the session is gone from the store', async () => {
    const at = world();
    const { peer, sessionId } = await enter(at);
    expect(at.store.medium.record('session', sessionId)).toBeDefined();
    at.store.hold(true);
    peer.send('session.bye');
    await turn();
    expect(peer.frames.at(-1)?.type).toBe('session.welcome');
    at.store.commit();
    expect(at.store.medium.record('session', sessionId)).toBeUndefined();
    expect((await peer.closed).code).toBe(1000);
    expect(peer.frames.at(-1)?.type).toBe('session.closed');
  });

  test('replies keep their order among themselves', async () => {
    const at = world();
    const { peer } = await enter(at);
    at.store.hold(true);
    peer.send('job.submit', { agent: 'puppet' });
    peer.send('session.ping', { nonce: 'behind' });
    await turn();
    at.store.commit();
    await turn();
    expect(peer.frames.map(({ type }) => type)).toEqual(['session.welcome', 'job.accepted', 'session.pong']);
  });

  test('a connection that comes before the store is open waits, and is served then', async () => {
    const at = world();
    const peer = at.open();
    const welcome = peer.hello('tok-alice');
    expect(at.runtime.sessions()).toEqual([]);
    expect((await welcome).type).toBe('session.welcome');
  });

  test('a store that cannot be opened refuses everybody, and ready says why', async () => {
    const store = keptStore();
    await store.open({ committed() {}, trouble() {} });
    const at = durableRuntime({ agents: [puppet().agent], store });
    const peer = at.open();
    await expect(at.runtime.ready).rejects.toThrow('opened once');
    await expect(at.runtime.listen()).rejects.toThrow('opened once');
    expect((await peer.closed).code).toBe(1011);
  });
});

describe('while the store cannot write', () => {
  const full = { reason: 'full', message: 'no room on the disk' } as const;

  test('new sessions, resumes and jobs are refused with INTERNAL_ERROR, which may be tried again', async () => {
    const at = await withJob();
    const away = await enter(at);
    await cut(away.peer);
    at.store.fail(full);
    const refused = { type: 'session.error', payload: { code: 'INTERNAL_ERROR', retryable: true } };
    expect(await at.submit('puppet')).toMatchObject(refused);
    expect(await at.open().hello('tok-alice')).toMatchObject(refused);
    expect(await at.open().resume('tok-alice', { resume_token: away.resumeToken })).toMatchObject(refused);
    expect(at.log.lines.filter(({ message }) => message === full.message)).toHaveLength(1);
  });

  test('errors and pongs pass what waits, jobs go on, and nothing is lost once there is room', async () => {
    const at = await withJob();
    const { peer } = at;
    at.store.fail(full);
    at.agent.emit(2);
    const cancel = peer.send('job.cancel', { job_id: at.agent.job.id });
    await peer.settle();
    expect(peer.frames.at(-1)?.type).toBe('session.pong');
    at.store.fail(undefined);
    expect(await peer.reply(cancel)).toMatchObject({ type: 'job.cancelled' });
    at.agent.finish();
    expect(await peer.next('job.error')).toMatchObject({ event_seq: 3, payload: { final_status: 'cancelled' } });
  });

  test('the events of its jobs are delivered when there is room again', async () => {
    const at = await withJob();
    at.store.fail(full);
    at.agent.emit(5);
    await turn();
    expect(at.peer.seqs()).toEqual([]);
    at.store.fail(undefined);
    await turn();
    expect(at.peer.seqs()).toEqual([1, 2, 3, 4, 5]);
    at.agent.finish('done');
    expect(await at.peer.next('job.result')).toMatchObject({ event_seq: 6 });
  });

  test('a goodbye closes the socket without its answer: that would be a promise', async () => {
    const at = await withJob();
    at.store.fail(full);
    at.peer.send('session.close');
    expect((await at.peer.closed).code).toBe(1000);
    expect(at.peer.frames.map(({ type }) => type)).not.toContain('session.closed');
    at.store.fail(undefined);
    const back = await comeBack(at, { resumeToken: at.resumeToken });
    expect(back.welcome.type).toBe('session.welcome');
  });
});

test('a store that someone else has opened ends the runtime: everybody is closed 1011, and closed rejects', async () => {
  const at = await withJob();
  const next = at.store.reopened();
  await next.open({ committed() {}, trouble() {} });
  at.agent.emit(1);
  await expect(at.runtime.closed).rejects.toMatchObject({ trouble: { reason: 'fenced' } });
  expect((await at.peer.closed).code).toBe(1011);
  expect(at.agent.job.signal.aborted).toBe(true);
  expect((await at.open().closed).code).toBe(1001);
});

/** A client on a transport of its own: what the runtime does to all such is heard in order. A first welcome as it came. */
function recordedIn(heard: string[], { runtime, name }: { runtime: Runtime; name: string }) {
  let receive: (text: string) => void = () => {};
  runtime.accept({
    send: (text) => heard.push(heard.length === 0 ? text : `${name} ${JSON.parse(text).type}`),
    close: (code) => heard.push(`${name} closed ${code}`),
    onMessage: (listener) => {
      receive = listener;
    },
    onClose: () => {},
  });
  const auth = { scheme: 'bearer', token: 'tok-alice' };
  return (type: string, payload: object) =>
    receive(JSON.stringify({ arcp: '1.1', id: 'req', type, payload: { auth, ...payload } }));
}
