// §5 of the protocol: watching a job of which not everything is kept, or not everything is for the subscriber.
import { describe, expect, test } from 'vitest';
import { invalid, subscribe, watched, world } from '../support/listing.ts';
import { quietFeatures } from '../support/peer.ts';
import { tokens } from '../support/runtime.ts';
import { events, terminals, turn } from '../support/session.ts';

const without = (...left: string[]) => quietFeatures.filter((feature) => !left.includes(feature));
const messages = (peer: Parameters<typeof events>[0]) =>
  events(peer).map(({ body }) => (body as { message?: string }).message); // tidy: bodies of log events
const upTo = (count: number, from = 1) => Array.from({ length: count - from + 1 }, (_, i) => `event ${from + i}`);

describe('§5 what is partly gone', () => {
  for (const [limit, options] of [
    ['events', { historyEvents: 4 }],
    ['bytes', { historyBytes: 1100 }],
  ] as const) {
    // proves P5.12
    test(`§5 above a job's limit of ${limit} what is kept comes, with history_from`, async () => {
      const at = world(options);
      const { watcher, jobId } = await watched(at);
      at.agent.emit(10);
      const { payload } = await subscribe(watcher.peer, jobId, { history: true });
      await watcher.peer.settle();
      const first = payload.history_from + 1;
      expect(first).toBeGreaterThan(1);
      expect(messages(watcher.peer)).toEqual(upTo(10, first));
      if (limit === 'events') expect(first).toBe(7);
      const again = await subscribe(watcher.peer, jobId, { from_event_seq: payload.history_from });
      expect(again.payload).not.toHaveProperty('history_from');
    });
  }

  test('§5 above the limit of all jobs together, that of the job that ended first goes first, its terminal stays', async () => {
    const at = world({ historyTotalBytes: 5000 });
    const { owner, watcher, jobId } = await watched(at);
    const second = String((await owner.submit('other')).job_id);
    at.agent.emit(8);
    at.other.emit(8);
    at.other.finish('second');
    await turn();
    at.agent.finish('first');
    await turn();
    const third = String((await owner.submit('puppet')).job_id);
    at.agent.emit(8);
    const seen = async (id: string) => {
      const { payload } = await subscribe(watcher.peer, id, { history: true });
      await watcher.peer.settle();
      const of = watcher.peer.sequenced().filter((frame) => frame.job_id === id);
      return { count: of.length, from: payload.history_from };
    };
    expect(await seen(second)).toEqual({ count: 1, from: 16 });
    expect((await seen(jobId)).count).toBeGreaterThan(1);
    expect(await seen(third)).toEqual({ count: 8, from: undefined });
  });

  test('§5 a subscriber who is behind has everything before it goes', async () => {
    const at = world({ historyEvents: 5 });
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    at.agent.emit(500);
    await turn();
    expect(messages(watcher.peer)).toEqual(upTo(500));
  });

  test('§5 without the feature nothing is kept, and a subscribe is INVALID_REQUEST', async () => {
    const at = world({ features: ['ack', 'list_jobs'] });
    const { watcher, jobId } = await watched(at);
    at.agent.emit(3);
    expect(await subscribe(watcher.peer, jobId)).toMatchObject(invalid);
    expect(await watcher.peer.ask('job.unsubscribe', { job_id: jobId })).toMatchObject(invalid);
  });
});

describe('§5 which features count', () => {
  // proves P5.15
  test("§5 the subscriber's: progress that the submitting session left out comes to who negotiated it, in its place", async () => {
    const at = world();
    const { owner, watcher, jobId } = await watched(at, { ownerFeatures: without('progress') });
    at.agent.job.progress({ current: 1 });
    at.agent.job.log('info', 'a');
    at.agent.job.progress({ current: 2 });
    at.agent.job.progress({ current: 3 });
    await subscribe(watcher.peer, jobId, { history: true });
    at.agent.job.progress({ current: 4 });
    at.agent.job.log('info', 'b');
    await watcher.peer.settle();
    const seen = () => events(watcher.peer).map(({ body }) => body as { current?: number; message?: string }); // tidy: bodies
    const expected = [
      { current: 1 },
      { message: 'a' },
      { current: 2 },
      { current: 3 },
      { current: 4 },
      { message: 'b' },
    ];
    expect(seen()).toMatchObject(expected);
    expect(owner.peer.seqs()).toEqual([1, 2]);
    // It has no number of its own there: behind the one before it, it comes after that number.
    await subscribe(watcher.peer, jobId, { from_event_seq: 1 });
    await watcher.peer.settle();
    expect(seen().slice(6)).toMatchObject(expected.slice(2));
  });

  test('§5 what the subscriber has not negotiated is left out of its stream, and costs no number', async () => {
    const at = world();
    const { owner, watcher, jobId } = await watched(at, { features: without('progress') });
    await subscribe(watcher.peer, jobId);
    at.agent.job.progress({ current: 1 });
    at.agent.emit(1);
    at.agent.job.progress({ current: 2 });
    at.agent.emit(1);
    await watcher.peer.settle();
    expect(owner.peer.seqs()).toEqual([1, 2, 3, 4]);
    expect(watcher.peer.seqs()).toEqual([1, 2]);
    expect(events(watcher.peer).map(({ kind }) => kind)).toEqual(['log', 'log']);
  });

  for (const [encoding, chunks, result] of [
    ['utf8', ['ab', 'c'], 'abc'],
    ['base64', [new Uint8Array([1, 2]), new Uint8Array([3])], 'AQID'],
  ] as const) {
    test(`§5 a ${encoding} result that was streamed is inline for who has not negotiated result_chunk`, async () => {
      const at = world();
      const { owner, watcher, jobId } = await watched(at, { features: without('result_chunk') });
      await subscribe(watcher.peer, jobId);
      const writer = at.agent.job.result({ encoding });
      for (const chunk of chunks) writer.write(chunk);
      writer.end('short');
      at.agent.finish();
      await turn();
      expect(watcher.peer.sequenced()).toMatchObject([
        { payload: { final_status: 'success', result, summary: 'short' } },
      ]);
      expect(watcher.peer.sequenced()[0]?.payload).not.toHaveProperty('result_id');
      expect(owner.peer.sequenced().map(({ type }) => type)).toEqual(['job.event', 'job.event', 'job.result']);
    });
  }

  test('§5 one that does not fit, or whose chunks are gone, is told by its id and size', async () => {
    const at = world({ historyEvents: 2 });
    const { watcher, jobId } = await watched(at, { features: without('result_chunk') });
    const writer = at.agent.job.result();
    for (const chunk of ['a', 'b', 'c']) writer.write(chunk);
    writer.end();
    at.agent.finish();
    await turn();
    await subscribe(watcher.peer, jobId, { history: true });
    await watcher.peer.settle();
    const [ended] = watcher.peer.sequenced();
    expect(ended?.payload).toMatchObject({ final_status: 'success', result_size: 3 });
    expect(ended?.payload).not.toHaveProperty('result');
  });
});

describe('§10 in which dialect', () => {
  test("§10 the subscriber's own, whatever the submitting session speaks", async () => {
    const at = world();
    const owner = at.open({ dialect: 'go' });
    await owner.hello(tokens.alice);
    const { job_id: jobId = '' } = await owner.ask('job.submit', { agent: 'puppet' });
    const [plain, typescript, python] = await Promise.all(
      (['plain', 'typescript', 'python'] as const).map(async (dialect) => {
        const peer = at.open({ dialect });
        await peer.hello(tokens.alice);
        await subscribe(peer, jobId);
        return peer;
      }),
    );
    const go = at.open({ dialect: 'go' });
    await go.hello(tokens.alice);
    await subscribe(go, jobId);
    at.agent.job.progress({ current: 1.5, total: 2.5 });
    at.agent.job.emit('status', { phase: 'x', message: null });
    at.agent.finish({ answer: null });
    await turn();
    const bodies = (peer: typeof owner | undefined) => peer?.sequenced().map(({ payload }) => payload.body ?? payload);
    const ended = { final_status: 'success', result: { answer: null } };
    expect(bodies(owner)).toMatchObject([
      { current: 1, total: 3 },
      { phase: 'x' },
      { ...ended, output: { answer: null } },
    ]);
    expect(bodies(go)).toEqual(bodies(owner));
    expect(bodies(plain)).toMatchObject([{ current: 1.5, total: 2.5 }, { phase: 'x', message: null }, ended]);
    expect(plain?.sequenced()[2]?.payload).not.toHaveProperty('output');
    expect(bodies(typescript)?.[1]).toEqual({ phase: 'x' });
    expect(bodies(python)).toEqual(bodies(plain));
  });

  test('§10 Python is told every failure as an error, others as what it was', async () => {
    const at = world();
    const owner = at.open({ dialect: 'python' });
    await owner.hello(tokens.alice);
    const { job_id: jobId = '' } = await owner.ask('job.submit', { agent: 'puppet' });
    const [plain, python] = [at.open(), at.open({ dialect: 'python' })];
    for (const peer of [plain, python]) {
      await peer.hello(tokens.alice);
      await subscribe(peer, jobId);
    }
    await owner.ask('job.cancel', { job_id: jobId });
    at.agent.finish();
    await turn();
    const statuses = [owner, plain, python].map((peer) => terminals(peer)[0]?.payload.final_status);
    expect(statuses).toEqual(['error', 'cancelled', 'error']);
  });
});
