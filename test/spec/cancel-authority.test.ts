// §6 of the protocol: who may cancel a job.
import { describe, expect, test } from 'vitest';
import { cancel, ended, world } from '../support/cancelling.ts';
import { tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';

describe('§6 who may cancel', () => {
  // proves P6.13
  test('§6 another session of the same principal may not while the submitting session is live', async () => {
    const { agent, jobId, audits, ...at } = await audited();
    const { peer } = await enter(at);
    expect(await cancel(peer, jobId)).toMatchObject({ type: 'session.error', payload: { code: 'PERMISSION_DENIED' } });
    expect(agent.job.signal.aborted).toBe(false);
    expect(audits).toContainEqual(
      expect.objectContaining({ action: 'cancel', outcome: 'refused', principal: 'alice', jobId }),
    );
  });

  test('§6 nor while it is detached: it may come back', async () => {
    const { agent, jobId, owner, ...at } = await world();
    await cut(owner.peer);
    const { peer } = await enter(at);
    expect(await cancel(peer, jobId)).toMatchObject({ payload: { code: 'PERMISSION_DENIED' } });
    await comeBack(at, owner);
    expect(await cancel(peer, jobId)).toMatchObject({ payload: { code: 'PERMISSION_DENIED' } });
    expect(agent.job.signal.aborted).toBe(false);
  });

  test('§6 nor after a session.close: its token is good for the window', async () => {
    const { jobId, owner, ...at } = await world();
    await owner.peer.ask('session.close');
    expect(await cancel((await enter(at)).peer, jobId)).toMatchObject({ payload: { code: 'PERMISSION_DENIED' } });
  });

  // proves P6.13
  test('§6 any session of the same principal may once the submitting one has expired', async () => {
    const { agent, jobId, owner, clock, ...at } = await world();
    await cut(owner.peer);
    clock.advance(60_000);
    const { peer, sessionId } = await enter(at);
    const acknowledged = await cancel(peer, jobId);
    expect(acknowledged).toMatchObject({ type: 'job.cancelled', job_id: jobId, session_id: sessionId });
    expect(agent.job.signal.aborted).toBe(true);
    agent.finish();
    await turn();
    expect(await cancel(peer, jobId)).toMatchObject(ended);
    expect(terminals(peer)).toEqual([]);
    expect(at.runtime.sessions()).toMatchObject([{ sessionId }]);
  });

  // proves P6.13
  test('§6 any session of the same principal may once the submitting one is closed', async () => {
    const { agent, jobId, owner, ...at } = await world({ onBye: 'keep' });
    await owner.peer.ask('session.bye');
    expect(agent.job.signal.aborted).toBe(false);
    const { peer } = await enter(at);
    expect(await cancel(peer, jobId)).toMatchObject({ type: 'job.cancelled', job_id: jobId });
    expect(agent.job.signal.aborted).toBe(true);
  });

  test('§6 a cancel of a job that a bye is already cancelling is acknowledged again', async () => {
    const { agent, jobId, owner, ...at } = await world();
    await owner.peer.ask('session.bye');
    expect(agent.job.signal.aborted).toBe(true);
    const { peer } = await enter(at);
    expect(await cancel(peer, jobId)).toMatchObject({ type: 'job.cancelled' });
    agent.finish();
    await turn();
    expect(await cancel(peer, jobId)).toMatchObject({
      payload: { details: { reason: 'ended', final_status: 'cancelled' } },
    });
  });

  for (const state of ['running', 'cancelling', 'ended', 'orphaned']) {
    test(`§6 another principal is told JOB_NOT_FOUND of a job that is ${state}, word for word as of one that never was`, async () => {
      const { agent, jobId, owner, clock, ...at } = await world();
      if (state === 'cancelling') await cancel(owner.peer, jobId);
      if (state === 'ended') agent.finish();
      if (state === 'orphaned') {
        await cut(owner.peer);
        clock.advance(60_000);
      }
      await turn();
      const aborted = agent.job.signal.aborted;
      const { peer } = await enter(at, { token: tokens.bob });
      const { request_id: _a, reply_to: _b, ...told } = (await cancel(peer, jobId)).payload;
      const never = 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV';
      const { request_id: _c, reply_to: _d, ...unknown } = (await cancel(peer, never)).payload;
      expect(told).toMatchObject({ code: 'JOB_NOT_FOUND', retryable: false });
      expect(JSON.stringify(told).replace(jobId, never)).toBe(JSON.stringify(unknown));
      expect(agent.job.signal.aborted).toBe(aborted);
    });
  }
});

async function audited() {
  const audits: object[] = [];
  return { ...(await world({ audit: (entry) => audits.push(entry) })), audits };
}
