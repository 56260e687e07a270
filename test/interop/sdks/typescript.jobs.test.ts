// §10: what the client of the TypeScript SDK itself does with jobs beyond having them run (docs/interop.md).
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { defineAgent, type JobContext } from '../../../src/index.ts';
import { tokens } from '../../support/runtime.ts';
import { checkoutFrom } from './checkout.ts';
import { type Listed, stage, unread } from './typescript/stage.ts';

const checkout = checkoutFrom('ARCP_TYPESCRIPT_SDK');
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

describe.skipIf(checkout === '')('§10 the client of the TypeScript SDK itself', () => {
  test('lists jobs by status, by agent, by time, and page by page, each once', async () => {
    const { client, enter, sdk } = await stage(checkout);
    const other = await enter();
    const jobs = [await client.submit('puppet', { traceId: trace }), await other.submit('puppet')];
    const over = await client.submit('echo');
    await over.done();
    const ids = (...pages: Listed[]) => pages.flatMap((page) => page.jobs.map(({ job_id }) => job_id)).sort();
    expect(ids(await client.list({ status: ['running'] }))).toEqual(jobs.map(({ id }) => id).sort());
    const ended = { job_id: over.id, agent: 'echo@1.0.0', status: 'success', last_event_seq: 1 };
    expect(await client.list({ agent: 'echo' })).toMatchObject({ jobs: [ended], nextCursor: null });
    expect(await client.list({ created_after: '2099-01-01T00:00:00Z' })).toMatchObject({ jobs: [] });
    const first = await client.list(undefined, { limit: 2 });
    const second = await client.list(undefined, { limit: 2, cursor: first.nextCursor });
    expect([first.jobs.length, second.jobs.length, second.nextCursor]).toEqual([2, 1, null]);
    expect(ids(first, second)).toEqual([...jobs, over].map(({ id }) => id).sort());
    expect(unread(sdk)).toEqual([]);
  });

  test('hears that a list was refused, and is served on', async () => {
    const { client } = await stage(checkout);
    const refused = client.list(undefined, { cursor: 'nonsense' });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    expect(await client.list()).toMatchObject({ jobs: [] });
  });

  test('watches a job of another session, what was and what comes, each event once', async () => {
    const { client, enter, agent, sdk } = await stage(checkout);
    const watcher = await enter();
    const job = await client.submit('puppet', { traceId: trace });
    agent.emit(2);
    await client.events(job.id, 2);
    const watch = await watcher.call(
      'subscribe',
      { jobId: job.id, options: { history: true, fromEventSeq: 0 } },
      'watch',
    );
    expect(watch).toEqual({ jobId: job.id, from: 2, replayed: true });
    agent.job.progress({ current: 1, total: 2 });
    agent.finish({ well: true });
    expect(await watcher.ended(job.id)).toMatchObject({ ended: 'job.result', result: { result: { well: true } } });
    const own = await client.events(job.id, 3);
    expect(await watcher.events(job.id, 3)).toEqual(own);
    expect(watcher.seqs).toEqual([1, 2, 3, 4]);
    const late = await enter();
    await late.call('subscribe', { jobId: job.id, options: { history: true, fromEventSeq: 2 } }, 'late');
    await late.ended(job.id);
    expect(await late.events(job.id, 1)).toEqual(own.slice(2));
    expect(unread(sdk)).toEqual([]);
  });

  test('watches a job from now on, until it has had enough', async () => {
    const { client, enter, agent } = await stage(checkout);
    const watcher = await enter();
    const job = await client.submit('puppet');
    agent.emit(1);
    const watch = await watcher.call('subscribe', { jobId: job.id }, 'watch');
    expect(watch).toEqual({ jobId: job.id, from: 1, replayed: false });
    agent.job.log('info', 'now');
    expect(await watcher.events(job.id, 1)).toMatchObject([{ body: { message: 'now' } }]);
    await watcher.on('watch', 'unsubscribe');
    // Requests of one connection are answered in order: it is no longer subscribed.
    await watcher.list();
    agent.job.log('info', 'later');
    agent.finish();
    await job.done();
    await watcher.list();
    expect(watcher.seqs).toEqual([1]);
  });

  test('hears that it may not watch, and is served on', async () => {
    const { client, enter } = await stage(checkout);
    const stranger = await enter({ token: tokens.bob });
    const job = await client.submit('puppet');
    for (const jobId of [job.id, 'job_unknown']) {
      const refused = stranger.call('subscribe', { jobId, options: { history: true } }, 'watch');
      await expect(refused).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    }
    const next = await stranger.submit('echo', { input: 'still served' });
    expect((await next.done()).result).toMatchObject({ result: 'still served' });
  });

  test('cancels a job, and hears that it was cancelled; the next one is served', async () => {
    const { client, agent, sdk } = await stage(checkout);
    const job = await client.submit('puppet');
    await client.call('cancel', { jobId: job.id });
    await aborted(agent.job.signal);
    agent.fail(new Error('stopped'));
    const error = { code: 'CANCELLED', retryable: false, details: { reason: 'enough' } };
    expect(await job.done()).toMatchObject({ ended: 'error', error });
    const next = await client.submit('echo', { input: 'still served' });
    expect((await next.done()).result).toMatchObject({ result: 'still served' });
    expect(unread(sdk)).toEqual([]);
  });

  test('hears that a job to be cancelled is over, or another’s, and goes on with what runs', async () => {
    const { client, enter, agent, sdk } = await stage(checkout);
    const stranger = await enter({ token: tokens.bob });
    const running = await client.submit('puppet');
    const over = await client.submit('echo');
    await over.done();
    await client.call('cancel', { jobId: over.id });
    const { result } = await client.ended(over.id, 'job.error');
    expect(result).toMatchObject({ code: 'JOB_NOT_FOUND', details: { reason: 'ended', final_status: 'success' } });
    await stranger.call('cancel', { jobId: running.id });
    expect(await stranger.ended(running.id)).toMatchObject({ ended: 'job.error', result: { code: 'JOB_NOT_FOUND' } });
    agent.finish('well');
    expect((await running.done()).result).toMatchObject({ result: 'well' });
    expect(unread(sdk)).toEqual([]);
  });

  test('asks twice with one key and gets one job, also from another session; with other parameters it is told', async () => {
    const { client, enter, agent } = await stage(checkout);
    const other = await enter();
    const first = await client.submit('puppet', { input: 'a', idempotencyKey: 'k' });
    const again = await other.submit('puppet', { input: 'a', idempotencyKey: 'k' });
    expect(again.accepted).toEqual(first.accepted);
    expect(agent.jobs).toHaveLength(1);
    const wrong = client.submit('puppet', { input: 'b', idempotencyKey: 'k' });
    const details = { existing_job_id: first.id };
    await expect(wrong).rejects.toMatchObject({ code: 'DUPLICATE_KEY', retryable: false, details });
    agent.finish('once');
    expect((await first.done()).result).toMatchObject({ result: 'once' });
  });

  test('asks again from another session, and by watching has the whole of the job at its handle', async () => {
    const { client, enter, agent, sdk } = await stage(checkout);
    const first = await client.submit('puppet', { idempotencyKey: 'k' });
    const result = agent.job.result();
    result.write('all of ');
    result.write('it');
    result.end();
    agent.finish();
    await first.done();
    const other = await enter();
    const again = await other.submit('puppet', { idempotencyKey: 'k' });
    await other.call('subscribe', { jobId: again.id, options: { history: true } }, 'watch');
    expect((await again.done()).result).toEqual((await first.done()).result);
    expect(await again.collected()).toBe('all of it');
    expect(unread(sdk)).toEqual([]);
  });

  test('puts a streamed result together, bytes or text', async () => {
    const text = '€𝄞';
    const teller = defineAgent({
      name: 'teller',
      run(job) {
        const result = job.result({ encoding: 'utf8' });
        for (const part of text) result.write(part);
        result.end();
      },
    });
    const { client, sdk } = await stage(checkout, { agents: [teller] });
    const job = await client.submit('streamer');
    const streamed = { result_size: 6, result_id: expect.stringMatching(/^res_/), summary: 'three parts' };
    expect((await job.done()).result).toMatchObject(streamed);
    expect(await job.collected()).toBe('abcdef');
    const told = await client.submit('teller');
    expect(await told.collected()).toBe(text);
    expect(unread(sdk)).toEqual([]);
  });

  test('is granted a lease, and reads what its job may not do', async () => {
    const { client, agent, sdk } = await stage(checkout);
    const lease = { 'fs.read': ['/data/**'], 'tool.call': ['read'], 'cost.budget': ['USD:1.50'] };
    const leaseConstraints = { expires_at: '2099-01-01T00:00:00Z' };
    const job = await client.submit('puppet', { lease, leaseConstraints });
    expect(job.accepted).toMatchObject({ lease, leaseConstraints, budget: { USD: 1.5 } });
    await read(agent.job, '/data/x');
    await read(agent.job, '/etc/passwd');
    agent.job.metric({ name: 'cost.tokens', value: 0.5, unit: 'USD' });
    agent.job.metric({ name: 'cost.tokens', value: 2, unit: 'USD' });
    await read(agent.job, '/data/x');
    agent.finish();
    const events = await job.events();
    const told = (wanted: string) => events.flatMap(([kind, body]) => (kind === wanted ? [Object(body)] : []));
    expect(told('tool_result').map(({ result, error }) => result ?? error)).toEqual([
      '/data/x',
      expect.objectContaining({ code: 'PERMISSION_DENIED', retryable: false }),
      expect.objectContaining({ code: 'BUDGET_EXHAUSTED', retryable: false }),
    ]);
    const left = { name: 'cost.budget.remaining', unit: 'USD' };
    expect(told('metric')).toEqual([
      { name: 'cost.tokens', value: 0.5, unit: 'USD' },
      { ...left, value: 1 },
      { name: 'cost.tokens', value: 2, unit: 'USD' },
      { ...left, value: -1 },
    ]);
    expect(unread(sdk)).toEqual([]);
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
    const { client, sdk } = await stage(checkout, { agents: [greedy] });
    const lease = { 'agent.delegate': ['greedy'], 'fs.read': ['/data/**'] };
    const job = await client.submit('greedy', { lease });
    const refused = ['tool_result', { error: { code: 'LEASE_SUBSET_VIOLATION', retryable: false } }];
    expect(await job.events()).toMatchObject([['delegate', { agent: 'greedy' }], refused]);
    expect(unread(sdk)).toEqual([]);
  });

  test('reads to whom work was delegated, and takes no acceptance of it for that of its next submit', async () => {
    const { client, sdk } = await stage(checkout);
    const [boss, own] = await Promise.all([
      client.submit('boss', { lease: { 'agent.delegate': ['echo'] } }),
      client.submit('echo', { input: 'my own' }),
    ]);
    expect((await boss.done()).result).toMatchObject({ result: 'from the boss' });
    expect((await own.done()).result).toMatchObject({ result: 'my own' });
    expect(await boss.events()).toMatchObject([['delegate', { agent: 'echo', input: 'from the boss' }]]);
    expect(unread(sdk)).toEqual([]);
  });
});

/** A call that the lease allows, or does not: the client is told either way. */
async function read(job: JobContext, path: string): Promise<void> {
  await job.tool('read', {}, () => job.authorize('fs.read', path)).catch(() => {});
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
