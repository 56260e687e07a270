// §8 of the protocol: a job may do what its lease covers, and is checked before each call.
import { describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../src/index.ts';
import { leased, leaseFeatures, refused } from '../support/leases.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { cut, enter } from '../support/session.ts';

describe('§8 what is granted', () => {
  test('§8 the acceptance carries the lease, its constraints and the budget, as they were asked for', async () => {
    const lease = { 'fs.read': ['/data/**'], 'tool.call': ['search.*'], 'cost.budget': ['USD:5.00', 'EUR:1'] };
    const constraints = { expires_at: '2026-01-01T01:00:00Z' };
    const { accepted, agent } = await leased({ lease_request: lease, lease_constraints: constraints });
    expect(accepted.payload).toMatchObject({ lease, lease_constraints: constraints, budget: { USD: 5, EUR: 1 } });
    expect(agent.job.lease).toEqual(lease);
    expect(agent.job.budget).toEqual({ USD: 5, EUR: 1 });
  });

  // proves P8.06
  test('§8 without a lease_request the lease is empty, without constraints and budget, and everything is denied', async () => {
    const { accepted, agent } = await leased({});
    expect(accepted.payload.lease).toEqual({});
    expect(Object.keys(accepted.payload)).not.toContain('lease_constraints');
    expect(Object.keys(accepted.payload)).not.toContain('budget');
    expect(agent.job.budget).toEqual({});
    for (const namespace of [
      'fs.read',
      'fs.write',
      'net.fetch',
      'tool.call',
      'agent.delegate',
      'x-vendor.a',
      'nonsense',
    ]) {
      await refused('PERMISSION_DENIED', () => agent.job.authorize(namespace, 'a'));
    }
    await refused('PERMISSION_DENIED', () => agent.job.useModel('a'));
    await refused('PERMISSION_DENIED', () => agent.job.tool('a', {}, () => 1));
    await refused('PERMISSION_DENIED', () => agent.job.delegate({ agent: 'puppet' }));
  });

  const features: [string, object][] = [
    ['cost.budget', { lease_request: { 'cost.budget': ['USD:1'] } }],
    ['model.use', { lease_request: { 'model.use': ['a'] } }],
    ['lease_expires_at', { lease_constraints: { expires_at: '2030-01-01T00:00:00Z' } }],
  ];
  for (const [feature, asked] of features) {
    test(`§2 ${feature} that was not negotiated is INVALID_REQUEST to use, and leaves nothing behind`, async () => {
      const agent = puppet();
      const at = simulatedRuntime({ agents: [agent.agent] });
      const without = await enter(at, { features: leaseFeatures.filter((name) => name !== feature) });
      expect(await without.submit('puppet', asked)).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
      expect(at.runtime.sessions()).toMatchObject([{ jobs: [], newestSeq: 0 }]);
      const having = await enter(at, { features: [feature] });
      expect(await having.submit('puppet', asked)).toMatchObject({ type: 'job.accepted' });
    });
  }

  test('§8 the same key with another lease is DUPLICATE_KEY, with the same one the same job', async () => {
    const asked = { idempotency_key: 'k', lease_request: { 'fs.read': ['/a', '/b'] } };
    const { submit, jobId } = await leased(asked);
    expect(await submit('puppet', asked)).toMatchObject({ payload: { job_id: jobId } });
    const other = { ...asked, lease_request: { 'fs.read': ['/a'] } };
    expect(await submit('puppet', other)).toMatchObject({ payload: { code: 'DUPLICATE_KEY' } });
  });

  test('§8 what is granted cannot be widened by the agent', async () => {
    const { agent } = await leased({ lease_request: { 'fs.read': ['/a'] } });
    expect(() => {
      Object.assign(agent.job.lease, { 'fs.write': ['/**'] });
    }).toThrow(TypeError);
    expect(() => Reflect.apply(Array.prototype.push, agent.job.lease['fs.read'], ['/**'])).toThrow(TypeError);
    await refused('PERMISSION_DENIED', () => agent.job.authorize('fs.read', '/b'));
  });
});

describe('§8 tools', () => {
  test('§8 a call that is covered is told, run once with its arguments, and its result told and returned', async () => {
    const { agent, bodies } = await leased({ lease_request: { 'tool.call': ['search.*'] } });
    const ran: unknown[] = [];
    const result = await agent.job.tool('search.web', { q: 'arcp' }, async (args) => {
      ran.push(args);
      return [args.q, 1];
    });
    expect(result).toEqual(['arcp', 1]);
    expect(ran).toEqual([{ q: 'arcp' }]);
    const [call, answer] = await bodies('tool_call', 'tool_result');
    expect(call).toMatchObject({ kind: 'tool_call', body: { tool: 'search.web', args: { q: 'arcp' } } });
    expect(answer?.body).toEqual({ call_id: Object(call?.body).call_id, result: ['arcp', 1] });
  });

  // proves P8.06
  test('§8 a call that is not covered is told, not run, and its tool_result is PERMISSION_DENIED; the job goes on', async () => {
    const { agent, bodies, peer } = await leased({ lease_request: { 'tool.call': ['search.*'] } });
    let ran = 0;
    await refused('PERMISSION_DENIED', () =>
      agent.job.tool('shell.exec', { cmd: 'rm' }, () => {
        ran += 1;
      }),
    );
    expect(ran).toBe(0);
    const [call, answer] = await bodies('tool_call', 'tool_result');
    expect(answer?.body).toEqual({
      call_id: Object(call?.body).call_id,
      error: { code: 'PERMISSION_DENIED', message: expect.any(String), retryable: false },
    });
    agent.finish('went on');
    expect(await peer.next('job.result')).toMatchObject({ payload: { result: 'went on' } });
  });

  test('§8 a tool that throws is told as INTERNAL_ERROR without a word of what it threw; the agent gets that', async () => {
    const { agent, bodies, peer } = await leased({ lease_request: { 'tool.call': ['**'] } });
    const thrown: unknown[] = [new Error('hunter2'), 'hunter2', undefined, null];
    for (const one of thrown) {
      const called = agent.job.tool('t', {}, () => Promise.reject(one));
      await expect(called.catch((error: unknown) => ({ error }))).resolves.toEqual({ error: one });
    }
    for (const { body } of await bodies('tool_result')) {
      expect(body).toMatchObject({ error: { code: 'INTERNAL_ERROR', retryable: true } });
    }
    expect(peer.texts.join('\n')).not.toContain('hunter2');
  });

  test('§8 a refusal inside a tool is the tool’s error', async () => {
    const { agent, bodies } = await leased({ lease_request: { 'tool.call': ['**'], 'fs.read': ['/data/**'] } });
    const read = (path: string) =>
      agent.job.tool('read', { path }, (args) => agent.job.authorize('fs.read', args.path));
    expect(await read('/data/./a')).toBe('/data/a');
    await refused('PERMISSION_DENIED', () => read('/data/../etc/passwd'));
    const [, denied] = await bodies('tool_result');
    expect(denied?.body).toMatchObject({ error: { code: 'PERMISSION_DENIED', retryable: false } });
  });

  test('§8 a result that is no JSON has a tool_result all the same, and nothing is left hanging', async () => {
    const { agent, bodies } = await leased({ lease_request: { 'tool.call': ['**'] } });
    await expect(agent.job.tool('t', {}, () => 1n)).rejects.toThrow(TypeError);
    expect((await bodies('tool_result')).map(({ body }) => Object(body).error.code)).toEqual(['INTERNAL_ERROR']);
    expect(await agent.job.tool('t', undefined, () => undefined)).toBeUndefined();
  });

  test('§8 two calls at a time are told apart by their call_id', async () => {
    const { agent, bodies } = await leased({ lease_request: { 'tool.call': ['**'] } });
    await Promise.all(['a', 'b'].map((name) => agent.job.tool(name, {}, async () => name)));
    const told = await bodies('tool_call', 'tool_result');
    expect(new Set(told.map(({ body }) => Object(body).call_id)).size).toBe(2);
    for (const { body } of told.filter(({ kind }) => kind === 'tool_result')) {
      const { call_id, result } = Object(body);
      expect(told).toContainEqual({ kind: 'tool_call', body: { tool: result, args: {}, call_id } });
    }
  });

  test('§8 nobody needs to be connected for a call, or for its refusal', async () => {
    const { agent, peer } = await leased({ lease_request: { 'tool.call': ['a'] } });
    await cut(peer);
    expect(await agent.job.tool('a', {}, () => 1)).toBe(1);
    await refused('PERMISSION_DENIED', () => agent.job.tool('b', {}, () => 1));
  });
});

describe('§8 other calls', () => {
  test('§8 whoever audits is told of each refused call, by its code, and of none that was allowed', async () => {
    const audited: AuditEntry[] = [];
    const audit = (entry: AuditEntry) => audited.push(entry);
    const lease_request = { 'fs.read': ['/data/**'], 'agent.delegate': ['puppet'] };
    const { agent, jobId, sessionId, peer } = await leased({ lease_request }, { audit });
    agent.job.authorize('fs.read', '/data/a');
    await refused('PERMISSION_DENIED', () => agent.job.authorize('fs.read', '/etc/passwd'));
    await refused('PERMISSION_DENIED', () => agent.job.tool('shell', {}, () => 1));
    const wider = { agent: 'puppet', lease_request: { 'fs.read': ['/**'] } };
    await refused('LEASE_SUBSET_VIOLATION', () => agent.job.delegate(wider));
    await peer.ask('job.cancel', { job_id: jobId });
    await refused('CANCELLED', () => agent.job.authorize('fs.read', '/data/a'));
    const entries = audited.filter(({ action }) => action === 'authorize');
    expect(entries.map(({ code }) => code)).toEqual([
      'PERMISSION_DENIED',
      'PERMISSION_DENIED',
      'LEASE_SUBSET_VIOLATION',
    ]);
    expect(entries[0]).toMatchObject({
      outcome: 'refused',
      principal: 'alice',
      sessionId,
      jobId,
      at: expect.any(String),
    });
    expect(JSON.stringify(entries)).not.toContain('passwd');
  });

  // proves P8.14
  test('§8 authorize gives back the target as it was checked', async () => {
    const lease_request = { 'fs.read': ['/data/**'], 'net.fetch': ['https://h.example/**'], 'model.use': ['v/*'] };
    const { agent } = await leased({ lease_request });
    expect(agent.job.authorize('fs.read', '/data//a/../b')).toBe('/data/b');
    expect(agent.job.authorize('net.fetch', 'HTTPS://H.example:443/x')).toBe('https://h.example/x');
    expect(agent.job.useModel('v/one')).toBe('v/one');
    await refused('PERMISSION_DENIED', () => agent.job.useModel('w/one'));
    await refused('PERMISSION_DENIED', () => agent.job.authorize('fs.write', '/data/a'));
  });

  test('§8 a cancelled job may do nothing more, nor one that has ended', async () => {
    const lease_request = { 'tool.call': ['**'], 'agent.delegate': ['**'] };
    const cancelled = await leased({ lease_request });
    await cancelled.peer.ask('job.cancel', { job_id: cancelled.jobId });
    await refused('CANCELLED', () => cancelled.agent.job.authorize('tool.call', 'a'));
    await refused('CANCELLED', () => cancelled.agent.job.tool('a', {}, () => 1));
    await refused('CANCELLED', () => cancelled.agent.job.delegate({ agent: 'puppet' }));
    const ended = await leased({ lease_request });
    ended.agent.finish();
    await ended.peer.next('job.result');
    await refused('PERMISSION_DENIED', () => ended.agent.job.tool('a', {}, () => 1));
    await refused('PERMISSION_DENIED', () => ended.agent.job.delegate({ agent: 'puppet' }));
    await ended.peer.settle();
    expect(ended.peer.sequenced()).toHaveLength(1);
  });
});
