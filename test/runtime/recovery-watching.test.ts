// Who watches a job of another session (§7.6), across a crash.
import { describe, expect, test } from 'vitest';
import { durableRuntime } from '../support/durable.ts';
import { subscribe } from '../support/listing.ts';

import { puppet } from '../support/runtime.ts';
import { comeBack, cut, enter, turn } from '../support/session.ts';

/** A job of one session that has emitted five events, all of them acknowledged, and a session that may watch it. */
async function scene(onRestart: 'fail' | 'rerun' = 'fail') {
  const agent = puppet();
  const at = durableRuntime({ agents: [{ ...agent.agent, onRestart }] });
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
