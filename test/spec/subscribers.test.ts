// §5 of the protocol: what a subscription gives, whom it slows, and who may have one.
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/index.ts';
import { keptStore } from '../support/kept.ts';
import { list, subscribe, watched, world } from '../support/listing.ts';
import type { Peer } from '../support/peer.ts';
import { tokens } from '../support/runtime.ts';
import { cut, enter, events, terminals, turn } from '../support/session.ts';

const notFound = { type: 'session.error', payload: { code: 'JOB_NOT_FOUND', retryable: false } };

describe('§5 it gives no authority', () => {
  // proves P5.18
  test('§5 a subscriber may not cancel, not even of the same principal', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    expect(await watcher.peer.ask('job.cancel', { job_id: jobId })).toMatchObject({
      payload: { code: 'PERMISSION_DENIED' },
    });
    expect(at.agent.job.signal.aborted).toBe(false);
  });

  test('§5 a slow subscriber slows nobody, and its log has limits of its own', async () => {
    const at = world({ bufferEvents: 10_000 });
    const { owner, jobId } = await watched(at);
    const slow = at.connect();
    await slow.peer.hello(tokens.alice);
    await subscribe(slow.peer, jobId);
    slow.link.stall();
    for (let i = 0; i < 40; i += 1) {
      at.agent.job.log('info', 'x'.repeat(100_000));
      await turn();
    }
    await owner.peer.settle();
    expect(owner.peer.seqs()).toHaveLength(40);
    const [, subscriber] = at.runtime.sessions().filter(({ state }) => state === 'live');
    // What its socket does not take waits in the job's history, not in its log.
    expect(subscriber?.bufferedBytes).toBeLessThan(2 ** 21);
    slow.link.resume();
    await slow.peer.next((frame) => frame.event_seq === 40);
    expect(slow.peer.seqs()).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  test.each([
    ['forgets', memoryStore],
    ['lasts', keptStore],
  ])(
    '§5 a history longer than the log of its subscriber waits for the socket, where the store %s',
    async (_, store) => {
      const at = world({ bufferEvents: 20, maxUnsentBytes: 2_000, store: store() });
      await at.runtime.ready;
      const { jobId } = await watched(at);
      at.agent.emit(200);
      await turn();
      const { peer } = at.connect();
      await peer.hello(tokens.alice);
      await subscribe(peer, jobId, { history: true });
      await peer.next((frame) => frame.event_seq === 200);
      expect(peer.seqs()).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    },
  );

  test('§4 a subscriber that lags is told so itself, and nobody else is', async () => {
    const at = world({ backPressure: 10 });
    const { owner, watcher, jobId } = await watched(at, {});
    owner.peer.send('session.ack', { last_processed_seq: 0 });
    await subscribe(watcher.peer, jobId);
    for (let i = 1; i <= 12; i += 1) {
      at.agent.emit(1);
      await owner.peer.settle();
      owner.peer.send('session.ack', { last_processed_seq: i });
    }
    await watcher.peer.settle();
    const told = (peer: Peer) => events(peer).filter(({ kind }) => kind === 'status');
    expect(told(watcher.peer)).toMatchObject([{ body: { phase: 'back_pressure' } }]);
    expect(told(owner.peer)).toEqual([]);
    expect(watcher.peer.seqs()).toHaveLength(13);
  });

  test("§4 the submitting session's lag is not of the job: no subscriber is told of it", async () => {
    const at = world({ backPressure: 10 });
    const { owner, watcher, jobId } = await watched(at, { features: ['subscribe'] });
    await subscribe(watcher.peer, jobId);
    at.agent.emit(12);
    await watcher.peer.settle();
    expect(events(owner.peer).map(({ kind }) => kind)).toContain('status');
    expect(events(watcher.peer).map(({ kind }) => kind)).not.toContain('status');
  });
});

describe('§5 visibility', () => {
  // proves P5.20
  test('§5 an unknown job and an invisible one are JOB_NOT_FOUND, word for word the same', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at, { token: tokens.bob });
    const { request_id: _a, reply_to: _b, ...told } = (await subscribe(watcher.peer, jobId)).payload;
    const never = 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const { request_id: _c, reply_to: _d, ...unknown } = (await subscribe(watcher.peer, never)).payload;
    expect({ type: 'session.error', payload: told }).toMatchObject(notFound);
    expect(JSON.stringify(told).replace(jobId, never)).toBe(JSON.stringify(unknown));
  });

  // proves P5.19, P5.20
  test('§5 what a policy lets be observed can be watched, and every decision is told to the audit', async () => {
    const at = world({
      authorize: ({ action, principal, job }) =>
        action === 'observe' && principal === 'bob' && job.agent === 'puppet@1.0.0',
    });
    const { owner, watcher, jobId } = await watched(at, { token: tokens.bob });
    const other = String((await owner.submit('other')).job_id);
    expect(await subscribe(watcher.peer, jobId)).toMatchObject({ type: 'job.subscribed' });
    expect(await subscribe(watcher.peer, other)).toMatchObject(notFound);
    at.agent.finish('seen');
    await turn();
    expect(terminals(watcher.peer)).toMatchObject([{ payload: { result: 'seen' } }]);
    const entry = { action: 'subscribe', principal: 'bob', sessionId: watcher.sessionId };
    expect(at.audits.filter(({ action }) => action === 'subscribe')).toMatchObject([
      { ...entry, outcome: 'allowed', jobId },
      { ...entry, outcome: 'refused', jobId: other, code: 'JOB_NOT_FOUND' },
    ]);
  });

  test('§5 visible and not allowed is PERMISSION_DENIED: of a job that may be observed and not cancelled', async () => {
    const at = world({ authorize: ({ action }) => action === 'observe' });
    const { watcher, jobId } = await watched(at, { token: tokens.bob });
    expect((await list(watcher.peer)).payload.jobs).toMatchObject([{ job_id: jobId }]);
    expect(await watcher.peer.ask('job.cancel', { job_id: jobId })).toMatchObject({
      payload: { code: 'PERMISSION_DENIED' },
    });
  });

  test('§6 a policy can let others cancel: whoever they are, and whatever the submitting session is doing', async () => {
    const at = world({ authorize: ({ action, principal }) => action === 'cancel' && principal === 'bob' });
    const { owner, watcher, jobId } = await watched(at, { token: tokens.bob });
    const second = String((await owner.submit('other')).job_id);
    expect(await watcher.peer.ask('job.cancel', { job_id: jobId })).toMatchObject({ type: 'job.cancelled' });
    expect(at.agent.job.signal.aborted).toBe(true);
    await cut(owner.peer);
    expect(await watcher.peer.ask('job.cancel', { job_id: second })).toMatchObject({ type: 'job.cancelled' });
    expect(at.other.job.signal.aborted).toBe(true);
    // It may not be seen for that.
    expect(await subscribe(watcher.peer, jobId)).toMatchObject(notFound);
    const cancels = at.audits.filter(({ action }) => action === 'cancel');
    expect(cancels).toMatchObject([
      { outcome: 'allowed', principal: 'bob', jobId },
      { outcome: 'allowed', principal: 'bob', jobId: second },
    ]);
  });

  test('§6 another session of the same principal may where a policy lets it, before the submitting one is over', async () => {
    const at = world({ authorize: ({ action, principal, job }) => action === 'cancel' && principal === job.principal });
    const { watcher, jobId } = await watched(at);
    expect(await watcher.peer.ask('job.cancel', { job_id: jobId })).toMatchObject({ type: 'job.cancelled' });
  });

  test.each([
    [{}, {}],
    [{ job_id: 'job_a' }, { job_id: 'job_b' }],
    [{ job_id: 'job_a', from_event_seq: -1 }, {}],
    [{ job_id: 'job_a', from_event_seq: 0.5 }, {}],
    [{ job_id: 'job_a', from_event_seq: '3' }, {}],
    [{ job_id: 'job_a', history: 1 }, {}],
    [{ job_id: 7 }, {}],
  ])('§5 %j on an envelope of %j is INVALID_REQUEST', async (payload, envelope) => {
    const { peer } = await enter(world());
    expect(await peer.ask('job.subscribe', payload, envelope)).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
  });
});
