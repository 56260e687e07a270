// What a client sees of jobs that are not its session's: listed, and watched, each event once (§5).
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Client, type ConnectOptions, connect } from '../../src/client.ts';
import { type MemoryTransport, memoryPair } from '../../src/transports/memory.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { turn } from '../support/session.ts';
import { range, readAll, readSome, seqsOf, theatre } from './scripted.ts';

/** A runtime in memory, clients of it, and the way to pull their cables. */
function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  const { runtime, clock } = simulatedRuntime({ agents: [agent.agent], ...options });
  const open = async (overrides: Partial<ConnectOptions> = {}) => {
    const links: MemoryTransport[] = [];
    const dial = async () => {
      const [ours, theirs] = memoryPair();
      runtime.accept(theirs);
      links.push(ours);
      return ours;
    };
    const client = await connect('memory:', { token: tokens.alice, dial, reconnect: { baseMs: 1 }, ...overrides });
    onTestFinished(() => client.close());
    return { client, pull: () => links.at(-1)?.close(1006) };
  };
  return { agent, runtime, clock, open };
}

/** Two clients of alice's: one has submitted a job. */
async function watching(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const at = world(options);
  const [owner, watcher] = [await at.open(), await at.open()];
  const job = await owner.client.submit('puppet');
  return { ...at, owner, watcher, job };
}

const messages = (events: readonly { kind: string; body: unknown }[]) =>
  events.map(({ body }) => (body as { message?: string }).message); // tidy: bodies of log events
const upTo = (count: number, from = 1) => range(from, count).map((i) => `event ${i}`);

describe('client.listJobs', () => {
  test('awaited it is a page, the newest job first; iterated it is every job of every page', async () => {
    const { open } = world();
    const { client } = await open();
    const submitted: string[] = [];
    for (let i = 0; i < 5; i += 1) submitted.unshift((await client.submit('puppet')).id);
    const page = await client.listJobs({ limit: 2 });
    expect(page.jobs.map(({ job_id }) => job_id)).toEqual(submitted.slice(0, 2));
    expect(page.jobs[0]).toMatchObject({ agent: 'puppet@1.0.0', status: 'running', lease: {}, last_event_seq: 0 });
    const { nextCursor: cursor } = page;
    expect((await client.listJobs({ ...(cursor === undefined ? {} : { cursor }) })).jobs).toHaveLength(3);
    const seen: string[] = [];
    for await (const { job_id } of client.listJobs({ limit: 2 })) seen.push(job_id);
    expect(seen).toEqual(submitted);
    expect((await client.listJobs()).nextCursor).toBeUndefined();
  });

  test('filters are status, agent, and times as text or as a date', async () => {
    const { open, agent, clock } = world();
    const { client } = await open();
    const job = await client.submit('puppet');
    clock.advance(1000);
    await client.submit('puppet');
    agent.jobs[0]?.finish();
    await job.result();
    const ids = async (options: Parameters<Client['listJobs']>[0]) => (await client.listJobs(options)).jobs.length;
    expect(await ids({ status: ['success'] })).toBe(1);
    expect(await ids({ status: ['success', 'running'], agent: 'puppet' })).toBe(2);
    expect(await ids({ agent: 'other' })).toBe(0);
    expect(await ids({ createdAfter: new Date(Date.UTC(2026, 0, 1)) })).toBe(1);
    expect(await ids({ createdBefore: '2026-01-01T00:00:00.500Z' })).toBe(1);
  });

  test('what makes no sense is rejected, also by the loop', async () => {
    const { client } = await world().open();
    const refused = { name: 'ArcpError', code: 'INVALID_REQUEST' };
    await expect(client.listJobs({ limit: 0 })).rejects.toMatchObject(refused);
    await expect(client.listJobs({ cursor: 'nonsense' })).rejects.toMatchObject(refused);
    await expect(readAllOf(client.listJobs({ createdAfter: 'yesterday' }))).rejects.toMatchObject(refused);
  });

  test('it survives a drop', async () => {
    const { client, pull } = await world().open();
    await client.submit('puppet');
    pull();
    expect((await client.listJobs()).jobs).toHaveLength(1);
  });
});

describe('client.subscribe', () => {
  test('history, then live, then the end and the result, with numbers of this session', async () => {
    const { agent, watcher, job } = await watching();
    agent.emit(3);
    const subscription = watcher.client.subscribe(job.id, { history: true });
    expect(await subscription.subscribed).toMatchObject({
      job_id: job.id,
      current_status: 'running',
      subscribed_from: 3,
    });
    const reading = readAll(subscription);
    for (const message of upTo(5, 4)) agent.job.log('info', message);
    agent.finish({ done: true });
    const events = await reading;
    expect(messages(events)).toEqual(upTo(5));
    expect(seqsOf(events)).toEqual(range(1, 5));
    expect(await subscription.result()).toEqual({ done: true });
    expect(subscription.id).toBe(job.id);
  });

  test('without history what the job emits from now on; behind a number what came after it', async () => {
    const { agent, watcher, job, open } = await watching();
    agent.emit(3);
    const live = watcher.client.subscribe(job.id);
    const behind = (await open()).client.subscribe(job.id, { fromEventSeq: 1 });
    await Promise.all([live.subscribed, behind.subscribed]);
    agent.job.log('info', 'event 4');
    agent.finish();
    expect(messages(await readAll(live))).toEqual(['event 4']);
    expect(messages(await readAll(behind))).toEqual(upTo(4, 2));
  });

  test('each event once, in order, though the cable is pulled again and again', async () => {
    const { agent, watcher, job } = await watching();
    agent.emit(50);
    let count = 50;
    const seen: unknown[] = [];
    for await (const event of watcher.client.subscribe(job.id, { history: true })) {
      seen.push(event.kind === 'log' && event.body.message);
      if (seen.length % 40 === 1) watcher.pull();
      for (const message of upTo(Math.min(count + 3, 300), count + 1)) agent.job.log('info', message);
      count = Math.min(count + 3, 300);
      if (count === 300) agent.finish();
      if (seen.length % 7 === 0) await turn();
    }
    expect(seen).toEqual(upTo(300));
  });

  test('the answer was lost with its connection: asked again, nothing comes twice', async () => {
    const place = theatre();
    const { client, stage } = await place.live();
    const subscription = client.subscribe('job_9', { history: true });
    const first = await stage.next('job.subscribe');
    expect(first).toMatchObject({ job_id: 'job_9', payload: { job_id: 'job_9', history: true } });
    // The runtime has begun: its events reach the client, its answer does not.
    stage.events('job_9', 1, 2);
    await stage.delivered(client);
    stage.end(1011, '');
    const again = await place.next();
    await again.welcome();
    const second = await again.next('job.subscribe');
    expect(second.id).toBe(first.id);
    // An event of the first subscription is still under way when the second is answered.
    const common = { job_id: 'job_9', current_status: 'running', agent: 'a@1', lease: {}, parent_job_id: null };
    again.answer(second, 'job.subscribed', { ...common, subscribed_from: 4, replayed: true, follows_event_seq: 3 });
    again.events('job_9', 3, 6);
    again.result('job_9', 7);
    expect(seqsOf(await readAll(subscription))).toEqual([4, 5, 6]);
  });

  test('leaving the loop ends the subscription: the runtime is told, and told again after a drop', async () => {
    const place = theatre();
    const { client, stage } = await place.live();
    const subscription = client.subscribe('job_9');
    const common = { job_id: 'job_9', current_status: 'running', agent: 'a@1', lease: {}, parent_job_id: null };
    stage.answer(await stage.next('job.subscribe'), 'job.subscribed', {
      ...common,
      subscribed_from: 0,
      replayed: false,
      follows_event_seq: 0,
    });
    stage.events('job_9', 1, 3);
    expect(seqsOf(await readSome(subscription, 2))).toEqual([1, 2]);
    expect((await stage.next('job.unsubscribe')).payload).toEqual({ job_id: 'job_9' });
    await expect(subscription.result()).rejects.toMatchObject({ name: 'ConnectionError', reason: 'closed' });
    stage.end(1011, '');
    const again = await place.next();
    await again.welcome();
    expect((await again.next('job.unsubscribe')).payload).toEqual({ job_id: 'job_9' });
  });

  test('a job may be watched again after that, from its beginning', async () => {
    const { agent, watcher, job } = await watching();
    agent.emit(4);
    expect(messages(await readSome(watcher.client.subscribe(job.id, { history: true }), 2))).toEqual(upTo(2));
    agent.finish(7);
    const again = watcher.client.subscribe(job.id, { history: true });
    expect(messages(await readAll(again))).toEqual(upTo(4));
    expect(await again.result()).toBe(7);
  });

  test('an ended job tells its result, with its history or without', async () => {
    const { agent, watcher, job } = await watching();
    agent.emit(2);
    agent.finish('done');
    await job.result();
    const live = watcher.client.subscribe(job.id);
    expect(await readAll(live)).toEqual([]);
    expect(await live.result()).toBe('done');
    const all = watcher.client.subscribe(job.id, { history: true });
    expect(messages(await readAll(all))).toEqual(upTo(2));
    expect(await all.result()).toBe('done');
  });

  test('a failed job ends the loop, and its result rejects', async () => {
    const { agent, watcher, job } = await watching();
    const subscription = watcher.client.subscribe(job.id, { history: true });
    await subscription.subscribed;
    agent.fail(new Error('of the agent'));
    expect(await readAll(subscription)).toEqual([]);
    await expect(subscription.result()).rejects.toMatchObject({ code: 'INTERNAL_ERROR', retryable: true });
  });

  test('a streamed result is put together', async () => {
    const { agent, watcher, job } = await watching();
    const writer = agent.job.result();
    for (const chunk of ['a', 'b', 'c']) writer.write(chunk);
    writer.end();
    agent.finish();
    await job.result();
    const subscription = watcher.client.subscribe(job.id, { history: true });
    expect(await subscription.result()).toBe('abc');
  });

  test('a refusal is thrown by the loop, by subscribed and by result', async () => {
    const { client } = await world().open();
    const subscription = client.subscribe('job_never');
    const refused = { name: 'ArcpError', code: 'JOB_NOT_FOUND' };
    await expect(readAll(subscription)).rejects.toMatchObject(refused);
    await expect(subscription.subscribed).rejects.toMatchObject(refused);
    await expect(subscription.result()).rejects.toMatchObject(refused);
  });

  test("a job of one's own session reads as its own handle does, and leaving the loop does not end it", async () => {
    const { agent, owner, job } = await watching();
    agent.emit(3);
    expect(messages(await readSome(owner.client.subscribe(job.id, { history: true }), 2))).toEqual(upTo(2));
    agent.finish(1);
    expect(messages(await readAll(job))).toEqual(['event 3']);
    expect(await job.result()).toBe(1);
  });

  test('one loop at a time: a second subscription to what is being watched is a TypeError', async () => {
    const { watcher, job } = await watching();
    await watcher.client.subscribe(job.id).subscribed;
    expect(() => watcher.client.subscribe(job.id)).toThrow(TypeError);
  });

  test('the end of the client ends it', async () => {
    const { watcher, job } = await watching();
    const subscription = watcher.client.subscribe(job.id);
    await subscription.subscribed;
    const reading = readAll(subscription);
    await watcher.client.bye();
    await expect(reading).rejects.toMatchObject({ name: 'ConnectionError' });
  });
});

async function readAllOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
