// §5 of the protocol: watching a job of another session.
import { describe, expect, test } from 'vitest';
import { subscribe, watched, world } from '../support/listing.ts';
import { quietFeatures } from '../support/peer.ts';
import { events, terminals, turn } from '../support/session.ts';

const without = (...left: string[]) => quietFeatures.filter((feature) => !left.includes(feature));
const messages = (peer: Parameters<typeof events>[0]) =>
  events(peer).map(({ body }) => (body as { message?: string }).message); // tidy: bodies of log events
const upTo = (count: number, from = 1) => Array.from({ length: count - from + 1 }, (_, i) => `event ${from + i}`);
const notFound = { type: 'session.error', payload: { code: 'JOB_NOT_FOUND', retryable: false } };

describe('§5 what a subscription begins with', () => {
  // proves P5.07
  test('§5 job.subscribed tells of the job as it is now, and comes first', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    at.agent.emit(3);
    const subscribed = await subscribe(watcher.peer, jobId, { history: true });
    await turn();
    const { request_id, reply_to, ...payload } = subscribed.payload;
    expect([request_id, reply_to]).toEqual([subscribed.id, subscribed.id]);
    expect(subscribed).toMatchObject({
      type: 'job.subscribed',
      session_id: watcher.sessionId,
      job_id: jobId,
      trace_id: 'ab'.repeat(16),
    });
    expect(subscribed).not.toHaveProperty('event_seq');
    expect(payload).toEqual({
      job_id: jobId,
      current_status: 'running',
      agent: 'puppet@1.0.0',
      lease: {},
      parent_job_id: null,
      trace_id: 'ab'.repeat(16),
      subscribed_from: 3,
      replayed: true,
      follows_event_seq: 0,
    });
    const types = watcher.peer.frames.map(({ type }) => type);
    expect(types.slice(types.indexOf('job.subscribed'))).toEqual(['job.subscribed', ...Array(3).fill('job.event')]);
  });

  // proves P5.11
  test('§5 subscribed_from is the newest number of the submitting session that is of this job', async () => {
    const at = world();
    const { owner, watcher, jobId } = await watched(at);
    await owner.submit('other');
    at.agent.emit(2);
    at.other.emit(5);
    expect((await subscribe(watcher.peer, jobId)).payload).toMatchObject({ subscribed_from: 2, replayed: false });
  });
});

describe('§5 history, then live', () => {
  const asks: [what: string, payload: object, expected: string[]][] = [
    ['history from the first event', { history: true }, upTo(8)],
    ['history behind a number', { history: true, from_event_seq: 3 }, upTo(8, 4)],
    ['a number alone, which asks for history', { from_event_seq: 3 }, upTo(8, 4)],
    ['a number of 0', { from_event_seq: 0 }, upTo(8)],
    ['the newest number', { from_event_seq: 5 }, upTo(8, 6)],
    ['a number beyond the newest', { from_event_seq: 1000 }, upTo(8, 6)],
    ['a number, and no history', { from_event_seq: 3, history: false }, upTo(8, 6)],
    ['nothing: live alone', {}, upTo(8, 6)],
    ['null for both', { from_event_seq: null, history: null }, upTo(8, 6)],
  ];
  for (const [what, payload, expected] of asks) {
    // proves P5.10
    test(`§5 asked for ${what}`, async () => {
      const at = world();
      const { watcher, jobId } = await watched(at);
      for (const message of upTo(5)) at.agent.job.log('info', message);
      await subscribe(watcher.peer, jobId, payload);
      for (const message of upTo(8, 6)) at.agent.job.log('info', message);
      await watcher.peer.settle();
      expect(messages(watcher.peer)).toEqual(expected);
      expect(watcher.peer.seqs()).toEqual(expected.map((_, i) => i + 1));
    });
  }

  // proves P5.08
  test('§5 without a hole or a repeat where a job emits all the while', async () => {
    const at = world({ maxFramesPerSecond: 10_000 });
    const { watcher, jobId } = await watched(at, { features: without('ack') });
    let count = 0;
    const emit = (more: number) => {
      for (let i = 0; i < more; i += 1) at.agent.job.log('info', `event ${count + i + 1}`);
      count += more;
    };
    emit(3000);
    const asked = subscribe(watcher.peer, jobId, { history: true });
    for (let i = 0; i < 200; i += 1) {
      emit(7);
      if (i % 3 === 0) await turn();
      else await Promise.resolve();
    }
    await asked;
    emit(1);
    at.agent.finish('done');
    await watcher.peer.next('job.result');
    expect(messages(watcher.peer)).toEqual(upTo(count));
    expect(watcher.peer.seqs()).toEqual(Array.from({ length: count + 1 }, (_, i) => i + 1));
  });

  test('§5 the same event: kind, time and body as the submitting session has them, in an envelope of its own', async () => {
    const at = world();
    const { owner, watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    at.agent.job.metric({ name: 'lines', value: 3 });
    at.agent.finish({ answer: 42 });
    await turn();
    const [mine, theirs] = [watcher.peer.sequenced(), owner.peer.sequenced()];
    expect(mine.map(({ payload }) => payload)).toEqual(theirs.map(({ payload }) => payload));
    for (const frame of mine)
      expect(frame).toMatchObject({ session_id: watcher.sessionId, job_id: jobId, trace_id: 'ab'.repeat(16) });
    expect(new Set([...mine, ...theirs].map(({ id }) => id)).size).toBe(4);
  });

  // proves P5.08
  test("§5 numbered in the subscriber's session, among the events of its own jobs", async () => {
    const at = world();
    const { owner, watcher, jobId } = await watched(at);
    await watcher.submit('other');
    at.other.emit(2);
    at.agent.emit(1);
    await subscribe(watcher.peer, jobId, { history: true });
    at.other.emit(1);
    at.agent.emit(2);
    await watcher.peer.settle();
    expect(watcher.peer.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(owner.peer.seqs()).toEqual([1, 2, 3]);
    const ofJob = watcher.peer.sequenced().filter((frame) => frame.job_id === jobId);
    expect(ofJob).toHaveLength(3);
  });

  for (const [end, type, status] of [
    ['success', 'job.result', 'success'],
    ['failure', 'job.error', 'error'],
    ['cancel', 'job.error', 'cancelled'],
  ] as const) {
    test(`§5 it ends with the job's one terminal: ${end}`, async () => {
      const at = world();
      const { owner, watcher, jobId } = await watched(at);
      await subscribe(watcher.peer, jobId);
      if (end === 'cancel') await owner.peer.ask('job.cancel', { job_id: jobId });
      if (end === 'failure') at.agent.fail(new Error('of the agent'));
      else at.agent.finish();
      await turn();
      expect(terminals(watcher.peer)).toMatchObject([{ type, job_id: jobId, payload: { final_status: status } }]);
      expect(terminals(watcher.peer)[0]?.payload).toEqual(terminals(owner.peer)[0]?.payload);
    });
  }

  // proves P5.09
  test('§5 an ended job too, within its retention: everything, and its terminal', async () => {
    const at = world({ jobRetentionSec: 100 });
    const { owner, watcher, jobId } = await watched(at);
    at.agent.emit(3);
    at.agent.finish('done');
    await owner.peer.settle();
    owner.peer.send('session.ack', { last_processed_seq: 4 });
    await owner.peer.ask('session.bye');
    at.clock.advance(99_999);
    const { payload } = await subscribe(watcher.peer, jobId, { history: true });
    expect(payload).toMatchObject({ current_status: 'success', subscribed_from: 4, replayed: true });
    await watcher.peer.settle();
    expect(messages(watcher.peer).slice(0, 3)).toEqual(upTo(3));
    expect(terminals(watcher.peer)).toMatchObject([{ event_seq: 4, payload: { result: 'done' } }]);
    expect((await subscribe(watcher.peer, jobId, { from_event_seq: 3 })).payload.follows_event_seq).toBe(4);
    await watcher.peer.settle();
    expect(terminals(watcher.peer)).toHaveLength(2);
    at.clock.advance(1);
    expect(await subscribe(watcher.peer, jobId)).toMatchObject(notFound);
  });

  test('§5 live alone on an ended job brings nothing: current_status says why', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    at.agent.finish();
    await turn();
    expect((await subscribe(watcher.peer, jobId)).payload).toMatchObject({
      current_status: 'success',
      replayed: false,
    });
    await watcher.peer.settle();
    expect(watcher.peer.seqs()).toEqual([]);
  });

  test('§5 the submitting session may go: a job that runs on is watched on', async () => {
    const at = world({ onBye: 'keep' });
    const { owner, watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    await owner.peer.ask('session.bye');
    at.agent.emit(2);
    at.agent.finish();
    await turn();
    expect(watcher.peer.seqs()).toEqual([1, 2, 3]);
    expect(messages(watcher.peer).slice(0, 2)).toEqual(upTo(2));
  });
});
