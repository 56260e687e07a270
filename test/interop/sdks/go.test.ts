// §10: jobs of the client of the Go SDK itself, unmodified, in a process of its own. docs/interop.md says what it is built from.
import { describe, expect, test } from 'vitest';
import { upstream } from '../../support/upstream.ts';
import { checkoutFrom } from './checkout.ts';
import { built } from './go/build.ts';
import { scene } from './go/scene.ts';

const checkout = checkoutFrom('ARCP_GO_SDK');
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

const program = built(checkout);

describe.skipIf(checkout === '').each(['', '?dialect=go'])('§10 the client of the Go SDK itself %s', (query) => {
  const entered = (options: Parameters<typeof scene>[1] = {}) => scene(program(), { query, ...options });

  test('connects, submits, and reads every event and the result', async () => {
    const at = await entered();
    const accepted = await at.submit('job', { Agent: 'talker', Input: {}, TraceID: trace });
    expect(accepted).toMatchObject({ agent: 'talker@2.1.0', trace_id: trace });
    const end = await at.go.ended('job');
    expect(end.result).toEqual({ final_status: 'success', output: { said: 8 } });
    expect(at.go.events('job').map(({ kind, body }) => [kind, body])).toEqual([
      ['log', { level: 'info', message: 'hello' }],
      ['thought', { text: 'let me see' }],
      ['status', { phase: 'working' }],
      ['status', { phase: 'still working' }],
      ['progress', { current: 1, total: 3, units: 'files' }],
      ['metric', { name: 'cost.usd', value: 0.1, unit: 'USD' }],
      ['artifact_ref', { uri: 'file:///x', content_type: 'text/plain' }],
      ['x-vendor.test.note', { anything: null }],
    ]);
    expect(await at.go.call('highest_seq', { on: 'client' })).toBe(9);
  });

  test('has many submits under way, and takes each answer for its own', async () => {
    const at = await entered();
    const names = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(names.map((name) => at.submit(name, { Agent: 'echo', Input: name })));
    const ends = await Promise.all(names.map((name) => at.go.ended(name)));
    expect(ends.map(({ result }) => result?.output)).toEqual(names);
  });

  test('reads a long result', async () => {
    const at = await entered();
    const long = 'ü'.repeat(500_000);
    await at.submit('job', { Agent: 'echo', Input: long });
    expect((await at.go.ended('job')).result?.output).toBe(long);
  });

  test('puts a streamed result together, also one of more chunks than it holds', async () => {
    const at = await entered();
    await at.submit('short', { Agent: 'streamer', Collect: true });
    expect(await at.go.ended('short')).toMatchObject({ result: { result_size: 6, summary: 'three parts' } });
    expect(at.go.lines).toContainEqual({ of: 'short', collected: 'abcdef' });
    await at.submit('long', { Agent: 'puppet', Collect: true });
    const parts = Array.from({ length: 500 }, (_, index) => `part ${index}, ünïcödé;`);
    const result = at.agent.job.result();
    for (const part of parts) result.write(part);
    result.end();
    at.agent.finish();
    expect(await at.go.ended('long')).toMatchObject({ ended: 'result' });
    expect(at.go.lines).toContainEqual({ of: 'long', collected: parts.join('') });
  });

  test('is granted a lease and a budget, and reads what its job may not do', async () => {
    const at = await entered();
    const lease = { 'fs.read': ['/data/**'], 'tool.call': ['read'], 'cost.budget': ['USD:1.50'] };
    const constraints = { expires_at: '2099-01-01T00:00:00.123456789Z' };
    const accepted = await at.submit('job', { Agent: 'puppet', LeaseRequest: lease, LeaseConstraints: constraints });
    expect(accepted).toMatchObject({ lease, budget: { USD: 1.5 }, lease_constraints: constraints });
    const { job } = at.agent;
    const read = (path: string) => job.tool('read', { path }, () => job.authorize('fs.read', path));
    const refused = { name: expect.any(String) };
    await expect(job.tool('write', {}, () => 'written')).rejects.toMatchObject(refused);
    await read('/data/x');
    await expect(read('/etc/passwd')).rejects.toMatchObject(refused);
    job.metric({ name: 'cost.tokens', value: 1, unit: 'USD' });
    job.metric({ name: 'cost.tokens', value: 0.5, unit: 'USD' });
    await expect(read('/data/x')).rejects.toMatchObject(refused);
    at.agent.finish('well');
    expect((await at.go.ended('job')).result?.output).toBe('well');
    const bodies = at.go.events('job').map(({ body }) => Object(body));
    expect(
      bodies.flatMap(({ call_id, tool, result, error }) => (call_id && !tool ? [result ?? error.code] : [])),
    ).toEqual([...['PERMISSION_DENIED', '/data/x', 'PERMISSION_DENIED', 'BUDGET_EXHAUSTED']]);
    const remaining = bodies.flatMap(({ name, value }) => (name === 'cost.budget.remaining' ? [value] : []));
    expect(remaining).toEqual([0.5, 0]);
    expect(at.go.unread()).toEqual([]);
  });

  test('hears that the lease of its job is over', async () => {
    const at = await entered();
    const LeaseConstraints = { expires_at: new Date(Date.now() + 1000).toISOString() };
    await at.submit('job', { Agent: 'puppet', LeaseConstraints });
    expect(await at.go.ended('job')).toMatchObject({ error: { code: 'LEASE_EXPIRED', retryable: false } });
  });

  test('hears that its job has run too long', async () => {
    const at = await entered();
    await at.submit('job', { Agent: 'puppet', MaxRuntimeSec: 1 });
    expect(await at.go.ended('job')).toMatchObject({ error: { code: 'TIMEOUT', retryable: true } });
  });

  test('reads to whom work was handed on, and what could not be; the answers to its own submits stay its own', async () => {
    const at = await entered();
    const LeaseRequest = { 'agent.delegate': ['echo'], 'fs.read': ['/data/**'] };
    const [boss] = await Promise.all([
      at.submit('boss', { Agent: 'boss', LeaseRequest }),
      at.submit('own', { Agent: 'echo', Input: 'my own' }),
    ]);
    expect((await at.go.ended('boss')).result?.output).toBe('from the boss');
    expect((await at.go.ended('own')).result?.output).toBe('my own');
    const { Jobs } = await at.list();
    const child = Jobs.find((job: { parent_job_id?: string }) => job.parent_job_id === boss.job_id);
    const body = { child_job_id: child.job_id, agent: 'echo' };
    expect(at.go.events('boss')).toMatchObject([{ kind: 'delegate', body }]);
    await at.submit('greedy', { Agent: 'puppet', LeaseRequest });
    const wider = { agent: 'echo', lease_request: { 'fs.read': ['/**'] } };
    expect(() => at.agent.job.delegate(wider)).toThrow('not within');
    at.agent.finish();
    await at.go.ended('greedy');
    expect(at.go.events('greedy')).toMatchObject([
      { kind: 'delegate', body: { agent: 'echo' } },
      { kind: 'tool_result', body: { error: { code: 'LEASE_SUBSET_VIOLATION', retryable: false } } },
    ]);
  });

  test('is given credentials, and their new values', async () => {
    const up = upstream();
    const at = await entered({ provisioner: up.provisioner });
    const { credentials } = await at.submit('job', { Agent: 'puppet', LeaseRequest: { 'model.use': ['m/*'] } });
    const [{ id, value }] = credentials;
    expect(up.values).toEqual([value]);
    const rotated = await at.agent.job.rotateCredential(id);
    at.agent.finish();
    await at.go.ended('job');
    expect(at.go.events('job')).toMatchObject([
      { kind: 'status', body: { phase: 'credential_rotated', details: { id, value: rotated.value } } },
    ]);
    expect(up.live.size).toBe(0);
  });

  test('cancels a job; a cancel that comes too late changes nothing', async () => {
    const at = await entered();
    await at.submit('job', { Agent: 'puppet' });
    await at.go.call('cancel', { on: 'job' });
    expect(await at.go.ended('job')).toMatchObject({ error: { code: 'CANCELLED', retryable: false } });
    await at.submit('over', { Agent: 'echo', Input: 'over' });
    await at.go.ended('over');
    await at.submit('running', { Agent: 'puppet' });
    await at.go.call('cancel', { on: 'over' });
    await at.go.heard(({ frame }) => frame?.payload.code === 'JOB_NOT_FOUND');
    at.agent.emit(2);
    at.agent.finish('well');
    expect((await at.go.ended('running')).result?.output).toBe('well');
    expect(at.go.events('running')).toHaveLength(2);
  });

  test('asks again with one key and gets the same job, once; with other parameters it is told which job there is', async () => {
    const at = await entered();
    const args = { Agent: 'puppet', Input: { a: 1, b: 2 }, IdempotencyKey: 'k' };
    const first = await at.submit('first', args);
    await at.enter('other');
    const again = await at.submit('again', { ...args, Input: { b: 2, a: 1 } }, 'other');
    expect(again).toEqual(first);
    expect(at.agent.jobs).toHaveLength(1);
    const details = { existing_job_id: first.job_id };
    const changed = { ...args, Input: { a: 2 } };
    for (const on of ['client', 'other']) {
      await expect(at.submit('x', changed, on)).rejects.toMatchObject({ code: 'DUPLICATE_KEY', details });
    }
  });

  test('hears why a submit was refused, and goes on with its running jobs', async () => {
    const at = await entered();
    await at.submit('running', { Agent: 'puppet' });
    const refused: [object, string][] = [
      [{ Agent: 'nobody' }, 'AGENT_NOT_AVAILABLE'],
      [{ Agent: 'echo@9.9.9' }, 'AGENT_VERSION_NOT_AVAILABLE'],
      [{ Agent: 'No Name' }, 'INVALID_REQUEST'],
      [{ Agent: 'echo', MaxRuntimeSec: -1 }, 'INVALID_REQUEST'],
      [{ Agent: 'echo', LeaseRequest: { nothing: ['x'] } }, 'INVALID_REQUEST'],
      [{ Agent: 'echo', LeaseConstraints: { expires_at: '2020-01-01T00:00:00Z' } }, 'INVALID_REQUEST'],
    ];
    for (const [args, code] of refused) {
      await expect(at.submit('x', args)).rejects.toMatchObject({ code, retryable: false });
    }
    at.agent.emit(2);
    at.agent.fail(new Error('of its own'));
    expect(await at.go.ended('running')).toMatchObject({ error: { code: 'INTERNAL_ERROR', retryable: true } });
    expect(at.go.events('running')).toHaveLength(2);
  });
});
