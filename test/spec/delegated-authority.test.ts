// §8 of the protocol, delegation: what a child may do, spend, and for how long: a part of what its parent may.
import { describe, expect, test } from 'vitest';
import type { JobContext } from '../../src/index.ts';
import { family, refused } from '../support/leases.ts';
import { terminals, turn } from '../support/session.ts';

describe('§8 what a child may do', () => {
  const lease = {
    'fs.read': ['/data/**'],
    'tool.call': ['search.*'],
    'cost.budget': ['USD:5.00'],
    'model.use': ['v/*'],
  };
  const good: [string, object][] = [
    ['nothing', {}],
    ['the same', lease],
    ['less', { 'fs.read': ['/data/a/*', '/data/b'], 'cost.budget': ['USD:4.99'] }],
    ['to delegate in its turn', { 'agent.delegate': ['child'] }],
  ];
  for (const [what, lease_request] of good) {
    test(`§8 ${what} is granted`, async () => {
      const { parent, child, acceptedChild } = await family(lease);
      const { id } = parent.delegate({ agent: 'child', lease_request: JSON.parse(JSON.stringify(lease_request)) });
      await turn();
      expect(child.job.lease).toEqual(lease_request);
      expect((await acceptedChild(id))?.payload.lease).toEqual(lease_request);
    });
  }

  const beyond: [string, object][] = [
    ['another path', { 'fs.read': ['/etc/**'] }],
    ['a wider path', { 'fs.read': ['/**'] }],
    ['another namespace', { 'fs.write': ['/data/**'] }],
    ['one pattern too many', { 'tool.call': ['search.web', 'shell.*'] }],
    ['more money', { 'cost.budget': ['USD:5.01'] }],
    ['another currency', { 'cost.budget': ['EUR:1'] }],
    ['another model', { 'model.use': ['**'] }],
    ['to delegate to others', { 'agent.delegate': ['*'] }],
  ];
  for (const [what, lease_request] of beyond) {
    // proves P8.15, P8.18
    test(`§8 ${what} is LEASE_SUBSET_VIOLATION, told as the call’s tool_result, and there is no child`, async () => {
      const { parent, child, peer, runtime, bodies } = await family(lease);
      const asked = { agent: 'child', lease_request: JSON.parse(JSON.stringify(lease_request)) };
      await refused('LEASE_SUBSET_VIOLATION', () => parent.delegate(asked));
      await turn();
      const [delegated, answer] = await bodies('delegate', 'tool_result');
      expect(delegated?.body).toEqual({ ...asked, delegate_id: expect.any(String) });
      expect(answer?.body).toEqual({
        call_id: Object(delegated?.body).delegate_id,
        error: { code: 'LEASE_SUBSET_VIOLATION', message: expect.any(String), retryable: false },
      });
      expect(child.jobs).toEqual([]);
      expect(parent.budget).toEqual({ USD: 5 });
      expect(runtime.sessions()).toMatchObject([{ jobs: [parent.id] }]);
      expect(peer.frames.some(({ type }) => type === 'session.error')).toBe(false);
    });
  }

  const others: [string, string, object][] = [
    ['an agent the lease does not name', 'PERMISSION_DENIED', { agent: 'stranger' }],
    ['an agent that is not there', 'AGENT_NOT_AVAILABLE', { agent: 'puppet2' }],
    ['a version that is not there', 'AGENT_VERSION_NOT_AVAILABLE', { agent: 'child@9.0.0' }],
    ['a malformed lease', 'INVALID_REQUEST', { agent: 'child', lease_request: { 'fs.delete': [] } }],
    [
      'an expiry that is past',
      'INVALID_REQUEST',
      { agent: 'child', lease_constraints: { expires_at: '2020-01-01T00:00:00Z' } },
    ],
    ['no agent', 'PERMISSION_DENIED', {}],
  ];
  for (const [what, code, asked] of others) {
    // proves P8.18
    test(`§8 ${what} is ${code}`, async () => {
      const { parent, child } = await family({ 'agent.delegate': ['child', 'puppet2'] });
      await refused(code, () => Reflect.apply(parent.delegate, parent, [asked]));
      await turn();
      expect(child.jobs).toEqual([]);
    });
  }

  test('§8 each is checked as a job of its own', async () => {
    const { parent, child } = await family(lease);
    parent.delegate({ agent: 'child', lease_request: { 'fs.read': ['/data/a/*'] } });
    await turn();
    expect(child.job.authorize('fs.read', '/data/a/x')).toBe('/data/a/x');
    await refused('PERMISSION_DENIED', () => child.job.authorize('fs.read', '/data/b'));
    await refused('PERMISSION_DENIED', () => child.job.tool('search.web', {}, () => 1));
    expect(parent.authorize('fs.read', '/data/b')).toBe('/data/b');
  });
});

describe('§8 a child’s money', () => {
  const cost = (job: JobContext, value: number) => job.metric({ name: 'cost.tokens', value, unit: 'USD' });

  // proves P8.16
  test('§8 is reserved from what its parent has left, and what it leaves comes back with its end', async () => {
    const { parent, child, acceptedChild } = await family({ 'cost.budget': ['USD:5.00'] });
    cost(parent, 3);
    await refused('LEASE_SUBSET_VIOLATION', () =>
      parent.delegate({ agent: 'child', lease_request: { 'cost.budget': ['USD:2.01'] } }),
    );
    const handle = parent.delegate({ agent: 'child', lease_request: { 'cost.budget': ['USD:2.00'] } });
    await turn();
    expect((await acceptedChild(handle.id))?.payload.budget).toEqual({ USD: 2 });
    expect(parent.budget).toEqual({ USD: 0 });
    await refused('BUDGET_EXHAUSTED', () => parent.authorize('agent.delegate', 'child'));
    cost(child.job, 0.5);
    child.finish();
    await handle.result();
    expect(parent.budget).toEqual({ USD: 1.5 });
  });

  test('§8 comes back however the child ends', async () => {
    const { parent, child, peer, clock } = await family({ 'cost.budget': ['USD:5.00'] });
    const part = { agent: 'child', lease_request: { 'cost.budget': ['USD:1'] } };
    for (const how of ['fails', 'is cancelled', 'expires']) {
      const at = new Date(clock.now() + 1000).toISOString();
      const handle = parent.delegate({
        ...part,
        ...(how === 'expires' ? { lease_constraints: { expires_at: at } } : {}),
      });
      await turn();
      expect(parent.budget, how).toEqual({ USD: 4 });
      if (how === 'fails') child.fail(new Error('no'));
      if (how === 'expires') clock.advance(1000);
      if (how === 'is cancelled') {
        await peer.ask('job.cancel', { job_id: handle.id });
        child.finish();
      }
      await handle.result().catch(() => {});
      expect(parent.budget, how).toEqual({ USD: 5 });
    }
  });

  test('§8 where it has none of its own, is its parent’s', async () => {
    const { parent, child } = await family({ 'cost.budget': ['USD:1'], 'fs.read': ['/**'] });
    parent.delegate({ agent: 'child', lease_request: { 'fs.read': ['/**'] } });
    await turn();
    cost(child.job, 1);
    expect(parent.budget).toEqual({ USD: 0 });
    await refused('BUDGET_EXHAUSTED', () => child.job.authorize('fs.read', '/a'));
  });
});

describe('§8 a child’s time', () => {
  const until = (seconds: number) => ({ expires_at: new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString() });

  // proves P8.17
  test('§8 is its parent’s where it has none of its own', async () => {
    const { parent, child, clock, peer, acceptedChild } = await family({}, { asked: { lease_constraints: until(60) } });
    const handle = parent.delegate({ agent: 'child' });
    await turn();
    expect((await acceptedChild(handle.id))?.payload.lease_constraints).toEqual(until(60));
    clock.stepWall(60_000);
    await refused('LEASE_EXPIRED', () => child.job.authorize('fs.read', '/'));
    await peer.settle();
    expect(terminals(peer)).toMatchObject([{ job_id: handle.id, payload: { code: 'LEASE_EXPIRED' } }]);
  });

  // proves P8.17
  test('§8 may be shorter, or the same, and no longer', async () => {
    const { parent, clock, peer } = await family({}, { asked: { lease_constraints: until(60) } });
    const ask = (seconds: number) => parent.delegate({ agent: 'child', lease_constraints: until(seconds) });
    await refused('LEASE_SUBSET_VIOLATION', () => ask(61));
    const [short, same] = [ask(30), ask(60)];
    await turn();
    clock.advance(30_000);
    await peer.settle();
    expect(terminals(peer)).toMatchObject([{ job_id: short.id, payload: { code: 'LEASE_EXPIRED' } }]);
    await expect(short.result()).rejects.toMatchObject({ code: 'LEASE_EXPIRED' });
    expect(same.id).not.toBe(short.id);
  });
});
