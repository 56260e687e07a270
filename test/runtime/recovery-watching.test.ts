// Listing and watching jobs of an earlier process (§3, Crash; §5).
import { describe, expect, test } from 'vitest';
import { ids, list, subscribe } from '../support/listing.ts';
import { midway } from '../support/restarts.ts';
import { enter, events, terminals, turn } from '../support/session.ts';

const messages = (count: number) => Array.from({ length: count }, (_, i) => ({ body: { message: `event ${i + 1}` } }));

describe('§5 across a crash', () => {
  test('a job that had ended is listed, and its history is read from the store when somebody asks for it', async () => {
    const at = await midway();
    at.agent.finish('done');
    await turn();
    const next = at.crashed();
    const { peer } = await enter(next);
    const listed = await list(peer);
    expect(ids(listed)).toEqual([at.jobId]);
    expect(listed.payload.jobs).toMatchObject([{ status: 'success', last_event_seq: 6, agent: 'puppet@1.0.0' }]);
    const asked = subscribe(peer, at.jobId, { history: true });
    // What is asked behind it is answered behind it.
    const after = list(peer);
    expect(await asked).toMatchObject({ payload: { current_status: 'success', subscribed_from: 6, replayed: true } });
    await after;
    await peer.next('job.result');
    expect(peer.frames.map(({ type }) => type).filter((type) => /subscribed|jobs/.test(type))).toEqual([
      'session.jobs',
      'job.subscribed',
      'session.jobs',
    ]);
    expect(events(peer)).toMatchObject(messages(5));
    expect(terminals(peer)).toMatchObject([{ event_seq: 6, payload: { result: 'done' } }]);
  });

  test('a job that begins again is watched from before the crash to its end', async () => {
    const at = await midway('rerun');
    const next = at.crashed();
    const { peer } = await enter(next);
    await subscribe(peer, at.jobId, { history: true });
    at.agent.finish('again');
    await peer.next('job.result');
    expect(events(peer)).toMatchObject([...messages(5), { body: { phase: 'restarted' } }]);
    expect(peer.seqs()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('what the client of the submitting session had acknowledged may be gone: what is kept comes, with history_from', async () => {
    const at = await midway();
    at.peer.send('session.ack', { last_processed_seq: 3 });
    await at.peer.settle();
    at.agent.finish('done');
    await turn();
    const { peer } = await enter(at.crashed());
    const { payload } = await subscribe(peer, at.jobId, { history: true });
    await peer.next('job.result');
    expect(events(peer)).toHaveLength(5 - (payload.history_from ?? 0));
  });
});
