// Who watches a job of another session (§7.6), across a crash.
import { describe, expect, test } from 'vitest';
import type { RuntimeOptions } from '../../src/index.ts';
import { durableRuntime } from '../support/durable.ts';
import { subscribe } from '../support/listing.ts';

import { puppet } from '../support/runtime.ts';
import { comeBack, cut, enter, turn } from '../support/session.ts';

/** A job of one session that has emitted five events, all of them acknowledged, and a session that may watch it. */
async function scene(
  onRestart: 'fail' | 'rerun' = 'fail',
  options: Pick<RuntimeOptions, 'onBye' | 'backPressure'> = {},
) {
  const agent = puppet();
  const at = durableRuntime({ agents: [{ ...agent.agent, onRestart }], ...options });
  const owner = await enter(at);
  const jobId = String((await owner.submit('puppet')).job_id);
  agent.emit(5);
  await turn();
  owner.peer.send('session.ack', { last_processed_seq: 5 });
  await owner.peer.settle();
  return { ...at, agent, owner, jobId };
}

const messages = (peer: { frames: { payload: { body?: { message?: string; phase?: string } }; type: string }[] }) =>
  peer.frames.flatMap(({ type, payload }) =>
    type === 'job.event' ? [payload.body?.phase ?? payload.body?.message] : type.startsWith('job.') ? [type] : [],
  );

describe('§7.6 a history outlives the process', () => {
  test('of a job that ended, also where its own client has acknowledged everything', async () => {
    const at = await scene();
    const next = at.crashed();
    const { peer } = await enter(next);
    expect(await subscribe(peer, at.jobId, { history: true })).toMatchObject({
      type: 'job.subscribed',
      payload: { current_status: 'error', replayed: true },
    });
    await turn();
    const five = ['event 1', 'event 2', 'event 3', 'event 4', 'event 5'];
    expect(messages(peer)).toEqual(['job.subscribed', ...five, 'job.error']);
  });

  test('of a job whose session has said goodbye, for as long as the job is known', async () => {
    const at = await scene();
    at.agent.finish('done');
    await at.owner.peer.next('job.result');
    await at.owner.peer.ask('session.bye');
    const next = at.crashed();
    const { peer } = await enter(next);
    await subscribe(peer, at.jobId, { history: true });
    await turn();
    expect(messages(peer).slice(-2)).toEqual(['event 5', 'job.result']);
    next.clock.advance(3_600_000);
    await turn();
    expect(next.store.medium.frames(at.owner.sessionId)).toEqual([]);
  });

  test('of a job that outlasts others of its session, however much its client acknowledges', async () => {
    const at = await scene('rerun');
    const others = [await at.owner.submit('puppet'), await at.owner.submit('puppet')];
    for (const { finish } of at.agent.jobs.slice(1)) finish();
    await at.owner.peer.settle();
    const next = at.crashed();
    const owner = await comeBack(next, { resumeToken: at.owner.resumeToken, after: 5 });
    expect(others).toHaveLength(2);
    owner.peer.send('session.ack', { last_processed_seq: 7 });
    await owner.peer.settle();
    const { peer } = await enter(next);
    const answer = await subscribe(peer, at.jobId, { history: true });
    expect(answer.payload.history_from).toBeUndefined();
  });

  test('and what it emits after the restart comes behind what it emitted before', async () => {
    const at = await scene('rerun');
    const next = at.crashed();
    const { peer } = await enter(next);
    at.agent.emit(1);
    await subscribe(peer, at.jobId, { from_event_seq: 3 });
    at.agent.emit(1);
    await turn();
    const after = ['restarted', 'event 1', 'event 1'];
    expect(messages(peer)).toEqual(['job.subscribed', 'event 4', 'event 5', ...after]);
  });
});

describe('§7.6 what was said to the submitting session alone is no part of it after a restart either', () => {
  test('that it was behind', async () => {
    const at = await scene('fail', { backPressure: 2 });
    at.agent.emit(4);
    await turn();
    expect(messages(at.owner.peer)).toContain('back_pressure');
    const { peer } = await enter(at.crashed(), { features: ['subscribe'] });
    await subscribe(peer, at.jobId, { from_event_seq: 6 });
    await turn();
    const four = ['event 1', 'event 2', 'event 3', 'event 4'];
    expect(messages(peer)).toEqual(['job.subscribed', ...four, 'job.error']);
  });
});

describe('§7.6 a subscription outlives the process', () => {
  test('its session comes back to it, and has each event once', async () => {
    const at = await scene('rerun');
    const watcher = await enter(at);
    await subscribe(watcher.peer, at.jobId, { history: true });
    await turn();
    expect(watcher.peer.seqs()).toEqual([1, 2, 3, 4, 5]);
    const next = at.crashed();
    await next.runtime.ready;
    at.agent.emit(2);
    const { peer } = await comeBack(next, { resumeToken: watcher.resumeToken, after: 3 });
    await turn();
    expect(messages(peer)).toEqual(['event 4', 'event 5', 'restarted', 'event 1', 'event 2']);
    expect(peer.seqs()).toEqual([4, 5, 6, 7, 8]);
    at.agent.finish('done');
    expect(await peer.next('job.result')).toMatchObject({ event_seq: 9 });
    await turn();
    expect(next.store.medium.records('subscription')).toEqual([]);
  });

  test('also where it had not come to the end of the history', async () => {
    const at = await scene('rerun');
    const watcher = await enter(at);
    await subscribe(watcher.peer, at.jobId, { history: true });
    await cut(watcher.peer);
    // Nobody reads the watcher's log: these wait in the history.
    at.agent.emit(3);
    await turn();
    const { peer } = await comeBack(at.crashed(), { resumeToken: watcher.resumeToken, after: 0 });
    for (let turns = 0; turns < 5; turns += 1) await turn();
    const five = ['event 1', 'event 2', 'event 3', 'event 4', 'event 5'];
    expect(messages(peer)).toEqual([...five, 'event 1', 'event 2', 'event 3', 'restarted']);
    expect(peer.seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('one that was ended is not gone on with', async () => {
    const at = await scene('rerun');
    const watcher = await enter(at);
    await subscribe(watcher.peer, at.jobId);
    watcher.peer.send('job.unsubscribe', { job_id: at.jobId });
    await watcher.peer.settle();
    const next = at.crashed();
    const { peer } = await comeBack(next, { resumeToken: watcher.resumeToken });
    at.agent.emit(1);
    await turn();
    expect(peer.seqs()).toEqual([]);
  });
});

describe('§7.6 a subscription outlives the process by its place in the history', () => {
  test('also where several jobs of one session are cut: nothing that was passed on comes again', async () => {
    const at = await scene();
    const other = String((await at.owner.submit('puppet')).job_id);
    at.agent.emit(2);
    const watcher = await enter(at);
    for (const jobId of [at.jobId, other]) await subscribe(watcher.peer, jobId, { history: true });
    await turn();
    expect(watcher.peer.seqs()).toHaveLength(7);
    const { peer } = await comeBack(at.crashed(), { resumeToken: watcher.resumeToken, after: 7 });
    expect(messages(peer)).toEqual(['job.error', 'job.error']);
  });

  test('also of a job whose session is over, and of which the disk has only a part', async () => {
    const at = await scene('rerun', { onBye: 'keep' });
    const watcher = await enter(at);
    await subscribe(watcher.peer, at.jobId, { history: true });
    await at.owner.peer.ask('session.bye');
    at.agent.emit(4);
    await turn();
    expect(watcher.peer.seqs()).toHaveLength(9);
    const next = at.crashed();
    const { peer } = await comeBack(next, { resumeToken: watcher.resumeToken, after: 9 });
    at.agent.emit(1);
    await turn();
    expect(messages(peer)).toEqual(['restarted', 'event 1']);
  });
});

describe('§7.6 a subscription of before whose history is being read', () => {
  const watching = async () => {
    const at = await scene('rerun');
    const watcher = await enter(at);
    await subscribe(watcher.peer, at.jobId, { from_event_seq: 3 });
    await turn();
    return { watcher, next: await withSlowDisk(at), jobId: at.jobId, agent: at.agent };
  };

  test('is ended by who does not want it any more, for good', async () => {
    const { watcher, next, jobId, agent } = await watching();
    const { peer } = await comeBack(next, { resumeToken: watcher.resumeToken, after: 2 });
    peer.send('job.unsubscribe', { job_id: jobId });
    await peer.settle();
    next.finish('read');
    agent.emit(1);
    await turn();
    expect(peer.seqs()).toEqual([]);
    expect(next.store.medium.records('subscription')).toEqual([]);
  });

  test('is gone with its session', async () => {
    const { watcher, next } = await watching();
    const { peer } = await comeBack(next, { resumeToken: watcher.resumeToken, after: 2 });
    await peer.ask('session.bye');
    next.finish('read');
    await turn();
    expect(next.store.medium.records('subscription')).toEqual([]);
  });

  test('goes on without a hole once it can be read: it is tried again when its client comes back', async () => {
    const { watcher, next, agent } = await watching();
    next.finish('failed');
    await turn();
    const first = await comeBack(next, { resumeToken: watcher.resumeToken, after: 2 });
    agent.emit(1);
    await turn();
    expect(first.peer.seqs()).toEqual([]);
    next.finish('read');
    await turn();
    expect(messages(first.peer)).toEqual(['restarted', 'event 1']);
  });
});

/** The next process, whose disk takes its time to read, or cannot. */
async function withSlowDisk({ store: before, agent }: Pick<Awaited<ReturnType<typeof scene>>, 'store' | 'agent'>) {
  before.crash();
  const store = before.reopened();
  const reads: ((how: 'read' | 'failed') => void)[] = [];
  const read = store.readFrames.bind(store);
  store.readFrames = (...range) =>
    new Promise((resolve, reject) => {
      reads.push((how) => (how === 'read' ? resolve(read(...range)) : reject(new Error('unreadable'))));
    });
  const at = durableRuntime({ agents: [{ ...agent.agent, onRestart: 'rerun' }], store });
  await at.runtime.ready;
  const finish = (how: 'read' | 'failed') => {
    for (const settle of reads.splice(0)) settle(how);
  };
  return { ...at, finish };
}
