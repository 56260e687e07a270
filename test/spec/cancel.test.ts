// §6 of the protocol: job.cancel, and what it does; who may say it is in cancel-authority.test.ts.
import { describe, expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import { cancel, ended, world } from '../support/cancelling.ts';
import { simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';

describe('§6 a cancel', () => {
  // proves P6.10, P6.11
  test('§6 is acknowledged at once, fires the signal, and the terminal follows when the agent settles', async () => {
    const { agent, peer, jobId, owner } = await world();
    const acknowledged = await cancel(peer, jobId, 'changed my mind');
    expect(acknowledged).toMatchObject({ type: 'job.cancelled', job_id: jobId, session_id: owner.sessionId });
    expect(acknowledged.payload).toMatchObject({
      job_id: jobId,
      request_id: acknowledged.id,
      reply_to: acknowledged.id,
    });
    expect(acknowledged).not.toHaveProperty('event_seq');
    expect(agent.job.signal.aborted).toBe(true);
    await peer.settle();
    expect(terminals(peer)).toEqual([]);
    agent.fail(new Error('told to stop'));
    expect(await peer.next('job.error')).toMatchObject({
      job_id: jobId,
      event_seq: 1,
      payload: {
        job_id: jobId,
        final_status: 'cancelled',
        code: 'CANCELLED',
        retryable: false,
        completed_at: expect.any(String),
      },
    });
  });

  test('§6 comes before the terminal on the wire, also when the agent stops in the very moment of the signal', async () => {
    const prompt = defineAgent({
      name: 'prompt',
      run: (job) => new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason))),
    });
    const { peer, submit } = await enter(simulatedRuntime({ agents: [prompt] }));
    const { job_id: jobId } = await submit('prompt');
    await cancel(peer, String(jobId));
    await peer.next('job.error');
    expect(peer.frames.map((frame) => frame.type).slice(2)).toEqual(['job.cancelled', 'job.error']);
  });

  test('§6 ends a job.sleep early', async () => {
    const sleeper = defineAgent({ name: 'sleeper', run: (job) => job.sleep(1e9) });
    const { clock, ...at } = simulatedRuntime({ agents: [sleeper] });
    const { peer, submit } = await enter(at);
    await cancel(peer, String((await submit('sleeper')).job_id));
    expect(await peer.next('job.error')).toMatchObject({ payload: { code: 'CANCELLED' } });
  });

  // proves P6.11
  test('§6 of an agent that ignores its signal ends the job after the grace, and what it still does is dropped', async () => {
    const { agent, peer, jobId, clock } = await world({ cancelGraceSec: 30 });
    await cancel(peer, jobId);
    clock.advance(29_999);
    await peer.settle();
    expect(terminals(peer)).toEqual([]);
    clock.advance(1);
    expect(await peer.next('job.error')).toMatchObject({ payload: { final_status: 'cancelled', code: 'CANCELLED' } });
    agent.emit(2);
    agent.finish('after all');
    await turn();
    await peer.settle();
    expect(peer.seqs()).toEqual([1]);
  });

  test('§6 the grace is 30 seconds where no option says otherwise', async () => {
    const { peer, jobId, clock } = await world();
    await cancel(peer, jobId);
    clock.advance(29_999);
    await peer.settle();
    expect(terminals(peer)).toHaveLength(0);
    clock.advance(1);
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
  });

  // proves P6.12
  test('§6 what the agent emits after the acknowledgement is dropped, and costs no number; what it did before is kept', async () => {
    const { agent, peer, jobId } = await world();
    agent.emit(2);
    agent.job.signal.addEventListener('abort', () => agent.emit(10));
    await cancel(peer, jobId);
    agent.emit(3);
    agent.job.progress({ current: 1 });
    agent.finish('a result that nobody waits for');
    await peer.next('job.error');
    expect(peer.seqs()).toEqual([1, 2, 3]);
    expect(terminals(peer)).toMatchObject([{ event_seq: 3, payload: { code: 'CANCELLED' } }]);
  });

  test('§6 of one job leaves the others alone', async () => {
    const { agent, peer, jobId, owner } = await world();
    await owner.submit('puppet');
    await cancel(peer, jobId);
    expect(agent.jobs.map((job) => job.context.signal.aborted)).toEqual([true, false]);
    agent.finish('the other one');
    expect(await peer.next('job.result')).toMatchObject({ payload: { result: 'the other one' } });
  });

  test('§6 survives the cable: cancelled, dropped, resumed, the terminal is there once', async () => {
    const { agent, peer, jobId, owner, ...at } = await world();
    await cancel(peer, jobId);
    await cut(peer);
    agent.finish();
    await turn();
    const back = await comeBack(at, owner);
    expect(terminals(back.peer)).toMatchObject([{ event_seq: 1, payload: { code: 'CANCELLED' } }]);
  });

  test('§6 may still be said after a resume: authority survives the connection', async () => {
    const { agent, peer, jobId, owner, ...at } = await world();
    await cut(peer);
    const back = await comeBack(at, owner);
    expect(await cancel(back.peer, jobId)).toMatchObject({ type: 'job.cancelled' });
    expect(agent.job.signal.aborted).toBe(true);
  });
});

describe('§6 the job a cancel names', () => {
  // proves P6.09
  test('§6 may stand in the envelope, in the payload, or the same in both', async () => {
    const { owner, peer } = await world();
    for (const where of ['envelope', 'payload', 'both']) {
      const { job_id: jobId } = await owner.submit('puppet');
      const payload = where === 'envelope' ? {} : { job_id: jobId };
      const envelope = where === 'payload' ? {} : { job_id: jobId };
      expect(await peer.ask('job.cancel', payload, envelope)).toMatchObject({ type: 'job.cancelled', job_id: jobId });
    }
  });

  // proves P6.09
  test('§6 is INVALID_REQUEST where the two differ, and neither job is touched', async () => {
    const { owner, peer, agent, jobId } = await world();
    const { job_id: another } = await owner.submit('puppet');
    expect(await peer.ask('job.cancel', { job_id: jobId }, { job_id: another })).toMatchObject({
      type: 'session.error',
      payload: { code: 'INVALID_REQUEST', retryable: false },
    });
    expect(agent.jobs.map((job) => job.context.signal.aborted)).toEqual([false, false]);
  });

  for (const [what, payload] of [
    ['missing', {}],
    ['empty', { job_id: '' }],
    ['a number', { job_id: 7 }],
    ['null', { job_id: null }],
  ] satisfies [string, object][]) {
    test(`§6 is INVALID_REQUEST where it is ${what}`, async () => {
      const { peer } = await world();
      expect(await peer.ask('job.cancel', payload)).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
    });
  }

  test('§6 is JOB_NOT_FOUND where there never was such a job', async () => {
    const { peer } = await world();
    const error = await cancel(peer, 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV');
    expect(error).toMatchObject({ type: 'session.error', payload: { code: 'JOB_NOT_FOUND' } });
    expect(error.payload.details?.reason).not.toBe('ended');
  });
});

describe('§6 a cancel said again', () => {
  // proves P6.14
  test('§6 while the first is pending is acknowledged again, and there is still one terminal', async () => {
    const { agent, peer, jobId } = await world();
    const first = await cancel(peer, jobId);
    const second = await cancel(peer, jobId);
    expect([first.type, second.type]).toEqual(['job.cancelled', 'job.cancelled']);
    expect(second.id).not.toBe(first.id);
    agent.finish();
    await turn();
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
  });

  test('§6 does not begin the grace anew', async () => {
    const { peer, jobId, clock } = await world();
    await cancel(peer, jobId);
    clock.advance(20_000);
    await cancel(peer, jobId);
    clock.advance(10_000);
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
  });

  // proves P6.15
  test('§6 after a job ended, in whatever way, is one session.error JOB_NOT_FOUND with the reason "ended"', async () => {
    const { agent, peer, owner, clock } = await world();
    const ends = [
      () => agent.finish(),
      () => agent.fail(new Error('no')),
      () => clock.advance(5000),
      async (jobId: string) => {
        await cancel(peer, jobId);
        agent.finish();
      },
    ];
    for (const end of ends) {
      const jobId = String((await owner.submit('puppet', { max_runtime_sec: 5 })).job_id);
      await end(jobId);
      await turn();
      expect(await cancel(peer, jobId)).toMatchObject(ended);
      await peer.settle();
      expect(terminals(peer, jobId)).toHaveLength(1);
    }
    expect(peer.frames.filter((frame) => frame.type === 'session.error')).toHaveLength(4);
  });

  test('§6 after the job was forgotten (retention, 1 h) it is JOB_NOT_FOUND like any unknown job', async () => {
    const { agent, peer, jobId, clock } = await world();
    agent.finish();
    await turn();
    clock.advance(3600_000 - 1);
    expect(await cancel(peer, jobId)).toMatchObject(ended);
    clock.advance(1);
    const error = await cancel(peer, jobId);
    expect(error.payload.code).toBe('JOB_NOT_FOUND');
    expect(error.payload.details?.reason).not.toBe('ended');
  });
});
