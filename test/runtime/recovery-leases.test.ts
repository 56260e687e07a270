// What a job may still do when another process goes on with it (§9, §10; §3, Crash).
import { describe, expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import { durableRuntime } from '../support/durable.ts';
import { type Asked, leaseFeatures, refused } from '../support/leases.ts';
import { puppet } from '../support/runtime.ts';
import { comeBack, enter, terminals, turn } from '../support/session.ts';

const lease_request = {
  'fs.read': ['/data/**'],
  'agent.delegate': ['child'],
  'cost.budget': ['USD:1.00'],
};

/** A job of an agent that begins again, with a lease, in a runtime whose store lasts. */
async function midway(asked: Asked = {}) {
  const agent = puppet();
  const child = puppet('child');
  const agents = [agent, child].map((one) => defineAgent({ ...one.agent, onRestart: 'rerun', machine: undefined }));
  const at = durableRuntime({ agents });
  const session = await enter(at, { features: leaseFeatures });
  const accepted = await session.submit('puppet', { lease_request, ...asked });
  await turn();
  return { ...at, ...session, agent, child, jobId: String(accepted.job_id) };
}

describe('§9 a lease across a crash', () => {
  test('the job has the same lease, no more and no less', async () => {
    const at = await midway();
    await at.crashed().runtime.ready;
    expect(at.agent.jobs).toHaveLength(2);
    expect(at.agent.job.lease).toEqual(lease_request);
    expect(at.agent.job.authorize('fs.read', '/data/a')).toBe('/data/a');
    await refused('PERMISSION_DENIED', () => at.agent.job.authorize('fs.read', '/etc/passwd'));
  });

  test('what was spent stays spent, to the last digit', async () => {
    const at = await midway();
    for (const value of [0.1, 0.2, 0.31]) at.agent.job.metric({ name: 'cost.tokens', value, unit: 'USD' });
    await turn();
    const next = at.crashed();
    await next.runtime.ready;
    expect(at.agent.job.budget).toEqual({ USD: 0.39 });
    at.agent.job.metric({ name: 'cost.tokens', value: 0.39, unit: 'USD' });
    await turn();
    await next.crashed().runtime.ready;
    expect(at.agent.jobs).toHaveLength(3);
    await refused('BUDGET_EXHAUSTED', () => at.agent.job.authorize('fs.read', '/data/a'));
  });

  test('it ends when it would have', async () => {
    const at = await midway({ lease_constraints: { expires_at: '2026-01-01T00:01:00Z' } });
    const next = at.crashed();
    next.clock.stepWall(30_000);
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken });
    next.clock.advance(29_999);
    await peer.settle();
    expect(terminals(peer)).toEqual([]);
    next.clock.advance(1);
    expect(await peer.next('job.error')).toMatchObject({ payload: { code: 'LEASE_EXPIRED' } });
  });

  test('a job whose lease has ended meanwhile is not begun again', async () => {
    const at = await midway({ lease_constraints: { expires_at: '2026-01-01T00:01:00Z' } });
    const next = at.crashed();
    next.clock.stepWall(60_000);
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken });
    expect(terminals(peer)).toMatchObject([{ payload: { final_status: 'error', code: 'LEASE_EXPIRED' } }]);
    expect(at.agent.jobs).toHaveLength(1);
  });
});

describe('§10 children across a crash', () => {
  test('a child ends with INTERNAL_ERROR, since nobody waits for it; its parent begins again', async () => {
    const at = await midway();
    const { id } = at.agent.job.delegate({ agent: 'child', lease_request: { 'cost.budget': ['USD:0.40'] } });
    await turn();
    at.child.job.metric({ name: 'cost.tokens', value: 0.1, unit: 'USD' });
    await turn();
    const next = at.crashed();
    const { peer } = await comeBack(next, { resumeToken: at.resumeToken });
    expect(terminals(peer)).toMatchObject([{ job_id: id, payload: { code: 'INTERNAL_ERROR', retryable: true } }]);
    expect([at.agent.jobs.length, at.child.jobs.length]).toEqual([2, 1]);
    expect(at.agent.job.budget).toEqual({ USD: 0.9 });
  });

  test('a child that had ended has given back what it left', async () => {
    const at = await midway();
    const handle = at.agent.job.delegate({ agent: 'child', lease_request: { 'cost.budget': ['USD:0.40'] } });
    await turn();
    at.child.finish('done');
    await handle.result();
    await turn();
    await at.crashed().runtime.ready;
    expect(at.agent.job.budget).toEqual({ USD: 1 });
  });

  test('a child that was being cancelled with its parent’s end ends cancelled', async () => {
    const at = await midway();
    const { id } = at.agent.job.delegate({ agent: 'child' });
    await turn();
    at.agent.finish('done');
    await turn();
    const { peer } = await comeBack(at.crashed(), { resumeToken: at.resumeToken });
    const details = { reason: 'its parent has ended' };
    expect(terminals(peer, id)).toMatchObject([{ payload: { final_status: 'cancelled', details } }]);
  });
});
