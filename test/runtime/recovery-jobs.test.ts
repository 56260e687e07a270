// What becomes of a job that the end of a process has cut (§3, Crash; §7).
import { describe, expect, test } from 'vitest';
import { createMachine, emit } from 'xstate';
import { defineAgent } from '../../src/index.ts';
import { refusal } from '../support/detached.ts';
import { durableRuntime } from '../support/durable.ts';
import { cutShort, midway } from '../support/restarts.ts';
import { puppet, tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, events, terminals, turn } from '../support/session.ts';

describe('§7 a job across a crash', () => {
  // proves P3.44
  test('its end is committed before anybody is served', async () => {
    const at = await midway();
    const next = at.crashed();
    await next.runtime.ready;
    expect(next.store.medium.frames(at.sessionId).at(-1)).toContain('"INTERNAL_ERROR"');
    expect(next.store.medium.record('job', at.jobId)?.body).toContain('"status":"error"');
  });

  // proves P3.44
  test('rerun: it begins again with the same input, and its stream says so', async () => {
    const at = await midway('rerun', { input: { n: 7 } });
    const next = at.crashed();
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 5 });
    expect(events(peer)).toMatchObject([{ kind: 'status', body: { phase: 'restarted' } }]);
    expect(at.agent.job.input).toEqual({ n: 7 });
    at.agent.finish('done');
    expect(await peer.next('job.result')).toMatchObject({ job_id: at.jobId, event_seq: 7 });
  });

  // proves P3.44
  test('a machine goes on where it was', async () => {
    const machine = createMachine({
      initial: 'one',
      states: {
        one: { entry: emit({ type: 'x-vendor.entered', state: 'one' }), after: { 30000: 'two' } },
        two: { entry: emit({ type: 'x-vendor.entered', state: 'two' }), type: 'final' },
      },
      output: 'reached',
    });
    const at = durableRuntime({ agents: [defineAgent({ name: 'steps', machine })] });
    const { peer, submit, resumeToken } = await enter(at);
    await submit('steps');
    await peer.settle();
    const next = at.crashed();
    const back = await comeBack(next, { resumeToken });
    expect(back.peer.seqs()).toEqual([1]);
    next.clock.advance(30_000);
    expect(await back.peer.next('job.result')).toMatchObject({ event_seq: 3, payload: { result: 'reached' } });
    expect(next.store.medium.records('job')).toHaveLength(1);
  });

  test('a cancel that was acknowledged is kept: it ends cancelled, with its reason', async () => {
    const at = await midway('rerun');
    await at.peer.ask('job.cancel', { job_id: at.jobId, reason: 'enough' });
    const { peer } = await comeBack(at.crashed(), { resumeToken: at.resumeToken, after: 5 });
    const { payload } = { payload: { final_status: 'cancelled', code: 'CANCELLED', details: { reason: 'enough' } } };
    expect(peer.sequenced()).toMatchObject([{ type: 'job.error', payload }]);
  });

  // proves P6.18
  test('max_runtime_sec counts from the submit, in whichever process', async () => {
    const at = await midway('rerun', { max_runtime_sec: 100 });
    const next = at.crashed();
    next.clock.stepWall(60_000);
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 5 });
    next.clock.advance(39_999);
    await peer.settle();
    expect(terminals(peer)).toEqual([]);
    next.clock.advance(1);
    expect(await peer.next('job.error')).toMatchObject({ payload: { final_status: 'timed_out', code: 'TIMEOUT' } });
  });

  test('one whose time is over meanwhile is not begun again', async () => {
    const at = await midway('rerun', { max_runtime_sec: 100 });
    const next = at.crashed();
    next.clock.stepWall(100_000);
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 5 });
    expect(peer.sequenced()).toMatchObject([{ payload: { final_status: 'timed_out' } }]);
    expect(at.agent.jobs).toHaveLength(1);
  });

  test('one whose agent is not served any more ends with INTERNAL_ERROR', async () => {
    const at = await midway('rerun');
    const next = at.crashed({ agents: [defineAgent({ name: 'other', run: () => {} })] });
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 5 });
    expect(terminals(peer)).toMatchObject([cutShort]);
  });

  test('it can be cancelled by the session that comes back, and only by it', async () => {
    const at = await midway('rerun');
    const next = at.crashed();
    const stranger = await enter(next);
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken, after: 5 });
    const cancel = { job_id: at.jobId };
    expect(await stranger.peer.ask('job.cancel', cancel)).toMatchObject(refusal('PERMISSION_DENIED'));
    expect(await peer.ask('job.cancel', cancel)).toMatchObject({ type: 'job.cancelled' });
  });

  test('that it has ended is remembered', async () => {
    const at = await midway();
    at.agent.finish();
    await at.peer.next('job.result');
    const next = at.crashed();
    const { peer } = await enter(next);
    expect(await peer.ask('job.cancel', { job_id: at.jobId })).toMatchObject(refusal('JOB_NOT_FOUND', 'ended'));
    next.clock.advance(3_600_000);
    await turn();
    expect(next.store.medium.record('job', at.jobId)).toBeUndefined();
  });

  test('an idempotency key that was acknowledged is not forgotten', async () => {
    const at = await midway('fail', { idempotency_key: 'once', input: { n: 1 } });
    const { submit } = await enter(at.crashed());
    const key = { idempotency_key: 'once' };
    expect(await submit('puppet', { ...key, input: { n: 1 } })).toMatchObject({
      type: 'job.accepted',
      job_id: at.jobId,
    });
    expect(await submit('puppet', { ...key, input: { n: 2 } })).toMatchObject(refusal('DUPLICATE_KEY'));
    expect(at.agent.jobs).toHaveLength(1);
  });

  test('those of a session that has expired meanwhile go on, and end with it', async () => {
    const at = await midway('rerun');
    await cut(at.peer);
    at.clock.advance(60_000);
    await turn();
    const next = at.crashed();
    await next.runtime.ready;
    expect(next.runtime.sessions()).toMatchObject([{ state: 'expired', jobs: [at.jobId] }]);
    expect(await next.open().resume(tokens.alice, { resume_token: at.resumeToken })).toMatchObject(
      refusal('RESUME_WINDOW_EXPIRED', 'expired'),
    );
    at.agent.finish();
    await turn();
    expect(next.runtime.sessions().filter(({ sessionId }) => sessionId === at.sessionId)).toEqual([]);
  });

  test('those of a session that said bye go on where they are kept', async () => {
    const agent = puppet();
    const at = durableRuntime({ agents: [{ ...agent.agent, onRestart: 'rerun' }], onBye: 'keep' });
    const { peer, submit, resumeToken, sessionId } = await enter(at);
    await submit('puppet');
    await peer.ask('session.bye');
    const next = at.crashed();
    expect(await next.open().resume(tokens.alice, { resume_token: resumeToken })).toMatchObject(
      refusal('RESUME_WINDOW_EXPIRED', 'unknown'),
    );
    expect(next.runtime.sessions().find((session) => session.sessionId === sessionId)?.state).toBe('closed');
  });
});
