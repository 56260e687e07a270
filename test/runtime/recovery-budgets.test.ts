// §3, Crash, and §9: of its budget a job that goes on has what was left of it, to the last digit.
import { describe, expect, test } from 'vitest';
import { durableRuntime } from '../support/durable.ts';
import { codeOf, leaseFeatures } from '../support/leases.ts';
import { puppet } from '../support/runtime.ts';
import { comeBack, enter, terminals, turn } from '../support/session.ts';

/** A job of an agent that begins again, with a lease; and an agent it may delegate to. */
async function leased(lease_request: object) {
  const [agent, child] = [puppet(), puppet('child')];
  const at = durableRuntime({
    agents: [
      { ...agent.agent, onRestart: 'rerun' },
      { ...child.agent, onRestart: 'rerun' },
    ],
  });
  const { submit, resumeToken, peer } = await enter(at, { features: leaseFeatures });
  const accepted = await submit('puppet', { lease_request });
  await turn();
  const restarted = async () => {
    await turn();
    const next = at.crashed();
    await next.runtime.ready;
    await turn();
    const back = await comeBack(next, { resumeToken });
    return { ...next, peer: back.peer };
  };
  return { ...at, agent, child, peer, jobId: accepted.job_id, restarted };
}

const cost = (value: number, unit = 'USD') => ({ name: 'cost.calls', value, unit });

describe('§9.6 a budget over a restart', () => {
  test('§9.6 what was spent stays spent, to the last digit, also what was too little to be told', async () => {
    const { agent, restarted } = await leased({ 'cost.budget': ['USD:1.00', 'EUR:5'] });
    for (let i = 0; i < 7; i += 1) agent.job.metric(cost(0.001));
    agent.job.metric(cost(0.0003));
    await restarted();
    expect(agent.job.budget).toEqual({ USD: 0.9927, EUR: 5 });
    for (let i = 0; i < 10; i += 1) agent.job.metric(cost(0.09927));
    await restarted();
    expect(agent.job.budget).toEqual({ USD: 0, EUR: 5 });
    expect(await codeOf(() => agent.job.authorize('tool.call', 'any'))).toBe('BUDGET_EXHAUSTED');
  });

  test('§9.4 a delegated job ends with its process: what it spent is spent, what it has left is its parent’s again', async () => {
    const { agent, child, peer, restarted } = await leased({
      'agent.delegate': ['child'],
      'cost.budget': ['USD:1', 'EUR:2'],
    });
    agent.job.delegate({ agent: 'child', lease_request: { 'cost.budget': ['USD:0.5'] } });
    await turn();
    child.job.metric(cost(0.2));
    child.job.metric(cost(0.004, 'EUR'));
    expect(agent.job.budget).toEqual({ USD: 0.5, EUR: 1.996 });
    await peer.settle();
    const next = await restarted();
    expect(terminals(next.peer)).toMatchObject([{ type: 'job.error', payload: { code: 'INTERNAL_ERROR' } }]);
    expect(child.jobs).toHaveLength(1);
    expect(agent.job.budget).toEqual({ USD: 0.8, EUR: 1.996 });
    await restarted();
    expect(agent.job.budget).toEqual({ USD: 0.8, EUR: 1.996 });
  });

  test('nothing of it is kept of a job that has ended', async () => {
    const { agent, store } = await leased({ 'cost.budget': ['USD:1'] });
    agent.job.metric(cost(0.25));
    await turn();
    expect(store.medium.text).toContain('USD:0.75');
    agent.finish();
    await turn();
    await turn();
    expect(store.medium.text).not.toContain('USD:0.75');
  });
});
