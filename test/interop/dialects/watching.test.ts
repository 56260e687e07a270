// §10, §5: listing and watching, as the clients of the official SDKs do it.
import { describe, expect, test } from 'vitest';
import { sdks } from './sdks.ts';
import { stage } from './stage.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${trace}-00f067aa0ba902b7-01`;

describe.each(Object.keys(sdks))('§10 the client of the %s SDK', (sdk) => {
  test('lists jobs, its own and those of its other sessions', async () => {
    const at = await stage(sdk);
    const [client, other] = [await at.enter(), await at.enter()];
    const jobs = [await client.submit('puppet', {}, trace), await other.submit('puppet'), await client.submit('echo')];
    await jobs[2]?.done;
    const { payload } = await client.ask('session.list_jobs', { filter: { status: ['running'] }, limit: 10 });
    expect(payload.jobs.map((job: { job_id: string }) => job.job_id).sort()).toEqual([jobs[0]?.id, jobs[1]?.id].sort());
    const [newest] = payload.jobs;
    const filter = { agent: 'puppet' };
    const { payload: page } = await client.ask('session.list_jobs', { filter, limit: 1 });
    expect(page.jobs).toEqual([newest]);
    // Go's client has a filter in every request: an empty one where its user gave none.
    const { payload: rest } = await client.ask('session.list_jobs', { filter: {}, cursor: page.next_cursor });
    expect(rest).toMatchObject({ jobs: [{ agent: 'puppet@1.0.0' }], next_cursor: null });
    const all = await client.ask('session.list_jobs', {});
    expect(all.payload.jobs).toHaveLength(3);
    expect(client.unread).toEqual([]);
  });

  test('watches a job of another session, what was and what comes, each event once', async () => {
    const at = await stage(sdk);
    const [owner, watcher] = [await at.enter(), await at.enter()];
    const job = await owner.submit('puppet', {}, traceparent);
    at.agent.emit(2);
    at.agent.job.progress({ current: 1.5 });
    await owner.heard((frame) => frame.event_seq === 3);
    const wish = { job_id: job.id, history: true, from_event_seq: 0 };
    const subscribed = await watcher.ask('job.subscribe', wish, { job_id: job.id });
    expect(subscribed).toMatchObject({ type: 'job.subscribed', payload: { replayed: true } });
    at.agent.emit(1);
    at.agent.finish({ well: true });
    await owner.heard((frame) => frame.type === 'job.result');
    const end = await watcher.heard((frame) => frame.type === 'job.result');
    expect(end.payload).toMatchObject({ result: { well: true } });
    const seqs = watcher.frames.flatMap((frame) => frame.event_seq ?? []);
    expect(seqs).toEqual([1, 2, 3, 4, 5]);
    const payloads = (frames: typeof owner.frames) =>
      frames.flatMap((frame) => (frame.event_seq === undefined ? [] : [frame.payload]));
    expect(payloads(watcher.frames)).toEqual(payloads(owner.frames));
    expect(watcher.unread).toEqual([]);
  });

  test('hears that it may not watch, and is served on', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const refused = await client.ask(
      'job.subscribe',
      { job_id: 'job_unknown', history: false },
      { job_id: 'job_unknown' },
    );
    expect(refused).toMatchObject({ type: 'session.error', payload: { code: 'JOB_NOT_FOUND' } });
    const job = await client.submit('echo', { input: 'still served' });
    expect(await job.done).toBe('still served');
    expect(client.unread).toEqual([]);
  });
});
