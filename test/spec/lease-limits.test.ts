// §8 of the protocol: budgets and expiry: a lease is used up by spending, and by time.
import { describe, expect, test } from 'vitest';
import { codeOf, leased, refused } from '../support/leases.ts';
import { cut, terminals, turn } from '../support/session.ts';

describe('§8 budgets', () => {
  const asked = { lease_request: { 'tool.call': ['**'], 'fs.read': ['/**'], 'cost.budget': ['USD:1.00'] } };
  const spend = (agent: Awaited<ReturnType<typeof leased>>['agent'], value: number, unit = 'USD') =>
    agent.job.metric({ name: 'cost.tokens', value, unit });

  // proves P8.10, P8.13
  test('§8 ten times 0.1 of 1.00 leaves exactly 0: the tenth call goes through, the eleventh does not', async () => {
    const { agent, bodies } = await leased(asked);
    for (let call = 1; call <= 10; call += 1) await agent.job.tool('t', {}, () => spend(agent, 0.1));
    expect(agent.job.budget).toEqual({ USD: 0 });
    await refused('BUDGET_EXHAUSTED', () => agent.job.tool('t', {}, () => 1));
    const remaining = (await bodies('metric')).filter(({ body }) => Object(body).name === 'cost.budget.remaining');
    expect(remaining.map(({ body }) => Object(body).value)).toEqual([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0]);
    expect(remaining[0]?.body).toEqual({ name: 'cost.budget.remaining', value: 0.9, unit: 'USD' });
  });

  // proves P8.12
  test('§8 exhausted, every call is BUDGET_EXHAUSTED, not retryable; the agent may go on without them', async () => {
    const { agent, bodies, peer } = await leased(asked);
    spend(agent, 1.12);
    expect(agent.job.budget).toEqual({ USD: -0.12 });
    await refused('BUDGET_EXHAUSTED', () => agent.job.tool('t', {}, () => 1));
    await refused('BUDGET_EXHAUSTED', () => agent.job.authorize('fs.read', '/a'));
    // Before the pattern: what is not covered at all is told the same.
    await refused('BUDGET_EXHAUSTED', () => agent.job.authorize('fs.write', '/a'));
    const [answer] = await bodies('tool_result');
    expect(answer?.body).toMatchObject({ error: { code: 'BUDGET_EXHAUSTED', retryable: false } });
    agent.job.log('info', 'going on');
    agent.finish('partial');
    expect(await peer.next('job.result')).toMatchObject({ payload: { result: 'partial' } });
  });

  // proves P8.11
  test('§8 what does not count, does not count: other units, other names, negative values', async () => {
    const { agent, bodies } = await leased(asked);
    spend(agent, 5, 'EUR');
    spend(agent, -5);
    agent.job.metric({ name: 'latency', value: 5, unit: 'USD' });
    agent.job.metric({ name: 'cost.budget.remaining', value: 5, unit: 'USD' });
    agent.job.metric({ name: 'cost.tokens', value: 5 });
    expect(() => spend(agent, Number.NaN)).toThrow(TypeError);
    expect(agent.job.budget).toEqual({ USD: 1 });
    expect(await bodies('metric')).toHaveLength(5);
  });

  test('§8 a metric that is emitted by its kind counts like any other', async () => {
    const { agent } = await leased(asked);
    agent.job.emit('metric', { name: 'cost.tokens', value: 0.25, unit: 'USD' });
    expect(agent.job.budget).toEqual({ USD: 0.75 });
  });

  test('§8 the budget of one job is not another’s', async () => {
    const { agent, submit } = await leased(asked);
    const first = agent.job;
    first.metric({ name: 'cost.tokens', value: 1, unit: 'USD' });
    await submit('puppet', asked);
    await turn();
    expect(agent.job.budget).toEqual({ USD: 1 });
    expect(first.budget).toEqual({ USD: 0 });
  });
});

describe('§8 expiry', () => {
  const at = (seconds: number) => ({ expires_at: new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString() });
  const asked = (seconds: number) => ({ lease_request: { 'tool.call': ['**'] }, lease_constraints: at(seconds) });
  const expired = { type: 'job.error', payload: { final_status: 'error', code: 'LEASE_EXPIRED', retryable: false } };

  for (const bad of ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+00:00', 'soon', null, 7]) {
    test(`§8 an expires_at of ${JSON.stringify(bad)} is INVALID_REQUEST`, async () => {
      const { accepted, runtime } = await leased({ lease_constraints: { expires_at: bad } });
      expect(accepted).toMatchObject({ type: 'session.error', payload: { code: 'INVALID_REQUEST' } });
      expect(runtime.sessions()).toMatchObject([{ jobs: [] }]);
    });
  }

  // proves P8.09
  test('§8 the job ends LEASE_EXPIRED at that moment and not before, and its agent is told', async () => {
    const { agent, clock, peer } = await leased(asked(60));
    clock.advance(59_999);
    await peer.settle();
    expect(terminals(peer)).toEqual([]);
    expect(agent.job.authorize('tool.call', 'a')).toBe('a');
    clock.advance(1);
    await peer.settle();
    expect(terminals(peer)).toMatchObject([expired]);
    expect(agent.job.signal.aborted).toBe(true);
    expect(agent.job.signal.reason).toMatchObject({ code: 'LEASE_EXPIRED' });
    await refused('LEASE_EXPIRED', () => agent.job.authorize('tool.call', 'a'));
  });

  // proves P8.08, P8.09
  test('§8 it works without a lease_request, and also while nobody is connected', async () => {
    const { clock, peer, runtime, ...session } = await leased({ lease_constraints: at(60) });
    await cut(peer);
    clock.advance(60_000);
    expect(runtime.sessions()).toMatchObject([{ state: 'detached', jobs: [], newestSeq: 1 }]);
    const back = session.open();
    await back.resume('tok-alice', { resume_token: session.resumeToken, last_event_seq: 0 });
    expect(await back.next('job.error')).toMatchObject(expired);
  });

  test('§8 a wall clock that steps back extends nothing', async () => {
    const { clock, peer } = await leased(asked(60));
    clock.advance(30_000);
    clock.stepWall(-3_600_000);
    clock.advance(29_999);
    await peer.settle();
    expect(terminals(peer)).toEqual([]);
    clock.advance(1);
    await peer.settle();
    expect(terminals(peer)).toMatchObject([expired]);
  });

  test('§8 a wall clock that steps beyond it: the next call is refused, told so, and the job ends', async () => {
    const { agent, clock, peer } = await leased(asked(60));
    clock.stepWall(60_000);
    await refused('LEASE_EXPIRED', () => agent.job.tool('a', {}, () => 1));
    await peer.settle();
    expect(peer.sequenced().map(({ type, payload }) => payload.kind ?? type)).toEqual([
      'tool_call',
      'tool_result',
      'job.error',
    ]);
    expect(peer.sequenced()[1]).toMatchObject({
      payload: { body: { error: { code: 'LEASE_EXPIRED', retryable: false } } },
    });
    expect(terminals(peer)).toMatchObject([expired]);
  });

  test('§8 so does one that only asks, even where the agent fails with what it was told', async () => {
    const { agent, clock, peer } = await leased(asked(60));
    clock.stepWall(60_000);
    const code = await codeOf(() => agent.job.authorize('tool.call', 'a'));
    agent.fail(new Error(code));
    await turn();
    await peer.settle();
    expect(terminals(peer)).toMatchObject([expired]);
  });

  // proves P8.07
  test('§8 the order is expiry, budget, pattern', async () => {
    const lease_request = { 'cost.budget': ['USD:0'] };
    const { agent, clock } = await leased({ lease_request, lease_constraints: at(60) });
    await refused('BUDGET_EXHAUSTED', () => agent.job.authorize('fs.read', '/a'));
    clock.stepWall(60_000);
    await refused('LEASE_EXPIRED', () => agent.job.authorize('fs.read', '/a'));
  });

  test('§8 a cancel that is pending when the lease ends stays a cancel', async () => {
    const { clock, peer, jobId } = await leased(asked(10));
    clock.advance(9_000);
    await peer.ask('job.cancel', { job_id: jobId });
    clock.advance(30_000);
    await peer.settle();
    expect(terminals(peer)).toMatchObject([{ payload: { final_status: 'cancelled', code: 'CANCELLED' } }]);
  });
});
