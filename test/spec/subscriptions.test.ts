// §5 of the protocol: how a subscription lasts, and what ends it.
import { describe, expect, test } from 'vitest';
import { subscribe, watched, world } from '../support/listing.ts';
import { type Peer, quietFeatures } from '../support/peer.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';

const ofJob = (peer: Peer, jobId: string) => peer.sequenced().filter((frame) => frame.job_id === jobId);

describe('§5 a subscription and another one', () => {
  // proves P5.13
  test('§5 a second one replaces the first: what comes after its answer is its own', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    at.agent.emit(2);
    await subscribe(watcher.peer, jobId, { history: true });
    at.agent.emit(1);
    await watcher.peer.settle();
    const again = await subscribe(watcher.peer, jobId, { from_event_seq: 1 });
    expect(again.payload).toMatchObject({ subscribed_from: 3, follows_event_seq: 3 });
    at.agent.emit(1);
    await watcher.peer.settle();
    expect(watcher.peer.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
    const bodies = ofJob(watcher.peer, jobId).map(({ payload }) => payload.body.message);
    expect(bodies).toEqual(['event 1', 'event 2', 'event 1', 'event 2', 'event 1', 'event 1']);
  });

  test('§5 one that is replaced in the midst of its history ends there', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    at.agent.emit(3000);
    await subscribe(watcher.peer, jobId, { history: true });
    const again = await subscribe(watcher.peer, jobId);
    await watcher.peer.settle();
    at.agent.emit(1);
    await watcher.peer.settle();
    const after = watcher.peer.sequenced().filter((frame) => (frame.event_seq ?? 0) > again.payload.follows_event_seq);
    expect(after).toHaveLength(1);
    expect(again.payload.follows_event_seq).toBeLessThan(3000);
  });

  // proves P5.14
  test("§5 to a job of one's own session it changes nothing: each event still comes once", async () => {
    const at = world();
    const { owner, jobId } = await watched(at);
    at.agent.emit(2);
    const answer = await subscribe(owner.peer, jobId, { history: true });
    expect(answer).toMatchObject({ type: 'job.subscribed', payload: { subscribed_from: 2, replayed: false } });
    at.agent.emit(1);
    owner.peer.send('job.unsubscribe', { job_id: jobId });
    at.agent.emit(1);
    at.agent.finish();
    await owner.peer.settle();
    expect(owner.peer.seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  test('§5 many sessions may watch one job, each by its own numbers', async () => {
    const at = world();
    const { jobId } = await watched(at);
    const watchers = await Promise.all([1, 2, 3, 4].map(() => enter(at)));
    for (const [i, { peer }] of watchers.entries()) {
      at.agent.emit(1);
      await subscribe(peer, jobId, i % 2 === 0 ? { history: true } : {});
    }
    at.agent.finish();
    await turn();
    expect(watchers.map(({ peer }) => peer.seqs().length)).toEqual([5, 3, 5, 1]);
  });

  test('§5 one session may watch many, up to a limit that says so; a second one to the same job is always had', async () => {
    const at = world({ maxSubscriptionsPerSession: 2 });
    const { owner, watcher, jobId } = await watched(at);
    const [second, third] = [await owner.submit('other'), await owner.submit('puppet')].map((one) =>
      String(one.job_id),
    );
    await subscribe(watcher.peer, jobId);
    await subscribe(watcher.peer, second ?? '');
    expect(await subscribe(watcher.peer, third ?? '')).toMatchObject({
      payload: { code: 'PERMISSION_DENIED', details: { limit: 'subscriptions_per_session', max: 2 } },
    });
    expect(await subscribe(watcher.peer, jobId)).toMatchObject({ type: 'job.subscribed' });
    at.other.finish();
    await turn();
    expect(await subscribe(watcher.peer, third ?? '')).toMatchObject({ type: 'job.subscribed' });
  });
});

describe('§5 job.unsubscribe', () => {
  // proves P5.16
  test('§5 ends it: nothing more of the job comes, and nothing is answered', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    at.agent.emit(1);
    await watcher.peer.settle();
    watcher.peer.send('job.unsubscribe', { job_id: jobId });
    await watcher.peer.settle();
    const count = watcher.peer.frames.length;
    at.agent.emit(5);
    at.agent.finish();
    await turn();
    expect(watcher.peer.frames).toHaveLength(count);
  });

  test('§5 of a job that is not watched, or is unknown, it changes nothing', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    watcher.peer.send('job.unsubscribe', { job_id: jobId });
    watcher.peer.send('job.unsubscribe', {}, { job_id: 'job_never' });
    await watcher.peer.settle();
    expect(watcher.peer.frames.map(({ type }) => type)).toEqual(['session.welcome', 'session.pong']);
    expect(await watcher.peer.ask('job.unsubscribe')).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
  });

  test('§5 and a subscription after it begins anew', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    watcher.peer.send('job.unsubscribe', { job_id: jobId });
    await watcher.peer.settle();
    at.agent.emit(2);
    await subscribe(watcher.peer, jobId, { history: true });
    await watcher.peer.settle();
    expect(watcher.peer.seqs()).toEqual([1, 2]);
  });
});

describe('§5 it survives drop and resume of the subscriber', () => {
  // proves P5.17
  test('§5 what was emitted meanwhile comes after the resume, in order, once', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    at.agent.emit(2);
    await watcher.peer.settle();
    await cut(watcher.peer);
    at.agent.emit(3);
    await turn();
    at.agent.finish('done');
    const { peer } = await comeBack(at, { resumeToken: watcher.resumeToken, after: 1 });
    expect(peer.seqs()).toEqual([2, 3, 4, 5, 6]);
    expect(terminals(peer)).toMatchObject([{ job_id: jobId, payload: { result: 'done' } }]);
  });

  test('§5 the welcome comes first, also where what was emitted meanwhile takes the room of what is to be replayed', async () => {
    const at = world({ bufferEvents: 3 });
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    at.agent.emit(3);
    await watcher.peer.settle();
    await cut(watcher.peer);
    at.agent.emit(1);
    const { peer } = await comeBack(at, { resumeToken: watcher.resumeToken });
    const seqs = peer.frames.map(({ type, event_seq: seq }) => seq ?? type);
    expect(seqs).toEqual(['session.welcome', 1, 2, 3, 4, 'session.pong']);
  });

  test('§5 byte-equal to the first time, what had been sent before', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    at.agent.emit(5);
    await watcher.peer.settle();
    await cut(watcher.peer);
    const { peer } = await comeBack(at, { resumeToken: watcher.resumeToken, after: 0 });
    const text = (one: Peer) => one.texts.filter((line) => line.includes('"type":"job.event"'));
    expect(text(peer)).toEqual(text(watcher.peer));
    expect(text(peer)).toHaveLength(5);
  });

  test('§5 also in the midst of its history', async () => {
    const at = world();
    const features = quietFeatures.filter((feature) => feature !== 'ack');
    const { watcher, jobId } = await watched(at, { features });
    at.agent.emit(5000);
    await subscribe(watcher.peer, jobId, { history: true });
    await cut(watcher.peer);
    const seen = watcher.peer.seqs().length;
    expect(seen).toBeLessThan(5000);
    at.agent.emit(10);
    const { peer } = await comeBack(at, { resumeToken: watcher.resumeToken, after: seen });
    await peer.next((frame) => frame.event_seq === 5010);
    expect([...watcher.peer.seqs(), ...peer.seqs()]).toEqual(Array.from({ length: 5010 }, (_, i) => i + 1));
  });

  test('§5 what the job would let go meanwhile is in the log of who is away', async () => {
    const at = world({ historyEvents: 3, jobRetentionSec: 5 });
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    await cut(watcher.peer);
    at.agent.emit(20);
    at.agent.finish();
    await turn();
    at.clock.advance(5000);
    const { peer } = await comeBack(at, { resumeToken: watcher.resumeToken });
    expect(peer.seqs()).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  });

  test('§5 a resume that gives the feature up ends it', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    await cut(watcher.peer);
    const features = quietFeatures.filter((feature) => feature !== 'subscribe');
    const { peer } = await comeBack(at, { resumeToken: watcher.resumeToken, features });
    at.agent.emit(3);
    await peer.settle();
    expect(peer.seqs()).toEqual([]);
  });

  test('§5 it ends with the session: expired or closed, nobody reads', async () => {
    const at = world();
    const { watcher, jobId } = await watched(at);
    await subscribe(watcher.peer, jobId);
    await cut(watcher.peer);
    at.clock.advance(60_000);
    at.agent.emit(3);
    await turn();
    expect(at.runtime.sessions().map(({ newestSeq }) => newestSeq)).toEqual([3]);
  });
});
