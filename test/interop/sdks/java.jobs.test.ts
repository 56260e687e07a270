// §10: what the client of the Java SDK itself does with jobs beyond having them run (docs/interop.md).
import { describe, expect, test } from 'vitest';
import { defineAgent, type JobContext } from '../../../src/index.ts';
import { tokens } from '../../support/runtime.ts';
import { upstream } from '../../support/upstream.ts';
import type { Listed } from './java/clients.ts';
import { javaSuite } from './java/suite.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const java = javaSuite();

describe.skipIf(java.isAbsent).each(java.queries)('§10 the client of the Java SDK itself %s', (query) => {
  test('lists jobs by status, by agent, by time, and page by page, each once', async () => {
    const at = await java.stage(query);
    const [{ client }, other] = [await at.enter(), await at.enter()];
    const jobs = [await client.submit('puppet', { trace }), await other.client.submit('puppet')];
    const over = await client.submit('echo');
    await over.result();
    const ids = (...pages: Listed[]) => pages.flatMap((page) => page.jobs.map(({ job_id }) => job_id)).sort();
    expect(ids(await client.list({ status: ['running'] }))).toEqual(jobs.map(({ id }) => id).sort());
    const ended = { job_id: over.id, agent: 'echo@1.0.0', status: 'success' };
    expect(await client.list({ agent: 'echo' })).toMatchObject({ jobs: [ended], next_cursor: null });
    expect(await client.list({ created_after: '2099-01-01T00:00:00Z' })).toMatchObject({ jobs: [] });
    const first = await client.list({ limit: 2 });
    const second = await client.list({ limit: 2, cursor: first.next_cursor });
    expect([first.jobs.length, second.jobs.length, second.next_cursor]).toEqual([2, 1, null]);
    expect(ids(first, second)).toEqual([...jobs, over].map(({ id }) => id).sort());
    await expect(client.list({ cursor: 'nonsense' })).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  test('watches a job of another session, what was and what comes, each event once', async () => {
    const at = await java.stage(query);
    const [{ client }, other] = [await at.enter(), await at.enter()];
    const job = await client.submit('puppet', { trace });
    const own = await job.events();
    at.agent.emit(2);
    await own.seen(2);
    const whole = await other.client.subscribe(job.id, 0);
    expect(await whole.seen(2)).toHaveLength(2);
    at.agent.job.progress({ current: 1, total: 2 });
    at.agent.finish({ well: true });
    const { complete, events } = await whole.ended();
    expect(complete).toBe(true);
    expect(events).toEqual((await own.ended()).events);
    expect(events).toHaveLength(3);
    const late = await other.client.subscribe(job.id, 2);
    expect(await late.ended()).toEqual({ complete: true, events: events.slice(2) });
    expect((await other.client.wire()).unread).toEqual([]);
  });

  test('watches a job from now on, until it has had enough', async () => {
    const at = await java.stage(query);
    const [{ client }, other] = [await at.enter(), await at.enter()];
    const job = await client.submit('puppet');
    at.agent.emit(1);
    const view = await other.client.subscribe(job.id);
    // Requests of one connection are answered in order: it is subscribed.
    await other.client.list();
    at.agent.job.log('info', 'now');
    expect(await view.seen(1)).toMatchObject([{ body: { message: 'now' } }]);
    await other.client.ask('unsubscribe', { job_id: job.id });
    await other.client.list();
    at.agent.job.log('info', 'later');
    at.agent.finish();
    await job.result();
    expect(await view.ended()).toMatchObject({ complete: true, events: { length: 1 } });
    expect((await other.client.list()).jobs).toHaveLength(1);
    expect((await other.client.wire()).seqs).toEqual([1]);
  });

  test('has each event of its own job once at its handle and once at a subscriber', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    const views = [await job.events(), await client.subscribe(job.id, 0)];
    at.agent.emit(2);
    at.agent.finish();
    for (const view of views) expect(await view.ended()).toMatchObject({ complete: true, events: { length: 2 } });
    expect((await client.wire()).seqs).toEqual([1, 2, 3]);
  });

  test('hears that it may not watch, and is served on', async () => {
    const at = await java.stage(query);
    const [{ client }, stranger] = [await at.enter(), await at.enter({ token: tokens.bob })];
    const job = await client.submit('puppet');
    for (const id of [job.id, 'job_unknown']) {
      const view = await stranger.client.subscribe(id, 0);
      expect(await view.ended()).toMatchObject({ failed: { name: 'JobNotFoundException', code: 'JOB_NOT_FOUND' } });
    }
    const next = await stranger.client.submit('echo', { input: 'still served' });
    expect(await next.result()).toMatchObject({ result: 'still served' });
  });

  test('is granted a lease, and reads what its job may not do', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const lease = { 'fs.read': ['/data/**'], 'tool.call': ['read'], 'cost.budget': ['USD:1.50'] };
    const expires_at = '2099-01-01T00:00:00Z';
    const job = await client.submit('puppet', { lease, expires_at });
    expect(job.accepted).toMatchObject({ lease, lease_constraints: { expires_at }, budget: { USD: 1.5 } });
    const view = await job.events();
    await read(at.agent.job, '/data/x');
    await read(at.agent.job, '/etc/passwd');
    at.agent.job.metric({ name: 'cost.tokens', value: 0.5, unit: 'USD' });
    at.agent.job.metric({ name: 'cost.tokens', value: 2, unit: 'USD' });
    await read(at.agent.job, '/data/x');
    at.agent.finish();
    await job.result();
    const { events } = await view.ended();
    expect(events.flatMap(({ kind, body }) => (kind === 'tool_result' ? [body.result ?? body.error] : []))).toEqual([
      '/data/x',
      expect.objectContaining({ code: 'PERMISSION_DENIED', retryable: false }),
      expect.objectContaining({ code: 'BUDGET_EXHAUSTED', retryable: false }),
    ]);
    const left = { name: 'cost.budget.remaining', unit: 'USD' };
    expect(events.flatMap(({ kind, body }) => (kind === 'metric' ? [body] : []))).toEqual([
      { name: 'cost.tokens', value: 0.5, unit: 'USD' },
      { ...left, value: 1 },
      { name: 'cost.tokens', value: 2, unit: 'USD' },
      { ...left, value: -1 },
    ]);
    expect((await client.wire()).unread).toEqual([]);
  });

  test('reads that its job may not hand on more than it has', async () => {
    const wish = { agent: 'greedy', lease_request: { 'fs.read': ['/**'] } };
    const greedy = defineAgent({
      name: 'greedy',
      async run(job) {
        await Promise.resolve()
          .then(() => job.delegate(wish).result())
          .catch(() => {});
      },
    });
    const at = await java.stage(query, { agents: [greedy] });
    const { client } = await at.enter();
    const lease = { 'agent.delegate': ['greedy'], 'fs.read': ['/data/**'] };
    const job = await client.submit('greedy', { lease });
    await job.result();
    const { events } = await (await job.events()).ended();
    const refused = { kind: 'tool_result', body: { error: { code: 'LEASE_SUBSET_VIOLATION', retryable: false } } };
    expect(events).toMatchObject([{ kind: 'delegate', body: { agent: 'greedy' } }, refused]);
  });

  test('hears that the lease of its job is over', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const expires_at = new Date(Date.now() + 1000).toISOString();
    const job = await client.submit('puppet', { lease: { 'fs.read': ['/**'] }, expires_at });
    await expect(job.result()).rejects.toMatchObject({ name: 'LeaseExpiredException', code: 'LEASE_EXPIRED' });
  });

  test('hears that its job has run for too long', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('puppet', { max_runtime_sec: 1 });
    await expect(job.result()).rejects.toMatchObject({ name: 'TimeoutException', code: 'TIMEOUT', retryable: true });
  });

  test('hears of each refused submit by its own exception, and goes on with what runs', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const running = await client.submit('puppet');
    const refused = async (agent: string, fields: object, name: string) =>
      expect(client.submit(agent, fields)).rejects.toMatchObject({ name });
    await refused('nobody', {}, 'AgentNotAvailableException');
    await refused('echo@9.9.9', {}, 'AgentVersionNotAvailableException');
    await refused('echo', { lease: { 'no.such': ['*'] } }, 'InvalidRequestException');
    await refused('echo', { max_runtime_sec: 0 }, 'InvalidRequestException');
    const over = await client.submit('echo', { input: 'over' });
    await over.result();
    await over.cancel();
    expect(await over.result()).toMatchObject({ result: 'over' });
    at.agent.finish('well');
    expect(await running.result()).toMatchObject({ result: 'well' });
  });

  test('hears that an agent failed', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    at.agent.fail(new Error('a secret'));
    const failure = { name: 'InternalErrorException', retryable: true, message: 'the agent failed' };
    await expect(job.result()).rejects.toMatchObject(failure);
  });

  test('reads to whom work was delegated, and takes no acceptance of it for that of its next submit', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const [boss, own] = await Promise.all([
      client.submit('boss', { lease: { 'agent.delegate': ['echo'] } }),
      client.submit('echo', { input: 'my own' }),
    ]);
    expect(await boss.result()).toMatchObject({ result: 'from the boss' });
    expect(await own.result()).toMatchObject({ result: 'my own' });
    const { events } = await (await boss.events()).ended();
    const { jobs } = await client.list();
    const child = jobs.find(({ job_id }) => job_id !== boss.id && job_id !== own.id);
    expect(events).toMatchObject([{ kind: 'delegate', body: { child_job_id: child?.job_id } }]);
  });

  test('asks for no feature, and is served without any', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter({ features: [] });
    expect(client.session).toMatchObject({ features: [], heartbeat_sec: null });
    const job = await client.submit('streamer');
    // Bytes that cannot be streamed are base64.
    expect(await job.result()).toMatchObject({ result: Buffer.from('abcdef').toString('base64') });
    await expect(client.list()).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  test('is given credentials, and each rotation of them', async () => {
    const { provisioner, values, live } = upstream();
    const at = await java.stage(query, { provisioner });
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    const [{ id, value } = { id: '', value: '' }] = job.accepted.credentials ?? [];
    expect(value).toBe(values[0]);
    const view = await job.events();
    await at.agent.job.rotateCredential(id);
    const rotated = { phase: 'credential_rotated', details: { id, value: values[1] } };
    expect(await view.seen(1)).toEqual([{ kind: 'status', body: rotated }]);
    at.agent.finish();
    expect(await job.result()).toMatchObject({ final_status: 'success' });
    expect(live.size).toBe(0);
  });

  test('reads frames of any size and any character', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const input = '€𝄞\u2028"\\'.repeat(20_000);
    const job = await client.submit('echo', { input });
    expect((await job.result()).result === input).toBe(true);
  });
});

/** A call that the lease allows, or does not: the client is told either way. */
async function read(job: JobContext, path: string): Promise<void> {
  await job.tool('read', {}, () => job.authorize('fs.read', path)).catch(() => {});
}
