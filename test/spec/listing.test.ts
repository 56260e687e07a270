// §5 of the protocol: which jobs there are.
import { describe, expect, test } from 'vitest';
import { ids, invalid, list, many, watched, world } from '../support/listing.ts';
import { tokens } from '../support/runtime.ts';
import { cut, enter, turn } from '../support/session.ts';

describe('§5 what is told of a job', () => {
  // proves P5.02
  test('§5 a running job, with every field there is', async () => {
    const at = world();
    const { watcher, owner, jobId, accepted } = await watched(at);
    at.agent.emit(3);
    await owner.peer.settle();
    const page = await list(watcher.peer);
    const { request_id, reply_to, ...payload } = page.payload;
    expect([page.id, request_id, reply_to]).toEqual(Array(3).fill(page.id));
    expect(page).not.toHaveProperty('event_seq');
    expect(payload).toEqual({
      jobs: [
        {
          job_id: jobId,
          agent: 'puppet@1.0.0',
          status: 'running',
          lease: {},
          parent_job_id: null,
          created_at: accepted.payload.accepted_at,
          submitted_at: accepted.payload.accepted_at,
          trace_id: 'ab'.repeat(16),
          last_event_seq: 3,
        },
      ],
      next_cursor: null,
    });
  });

  test('§5 without a trace id there is none, and a job that has emitted nothing has a last_event_seq of 0', async () => {
    const at = world();
    const { peer, submit } = await enter(at);
    await submit('puppet');
    const [job] = (await list(peer)).payload.jobs;
    expect(job).not.toHaveProperty('trace_id');
    expect(job).toMatchObject({ last_event_seq: 0 });
  });

  test('§5 its last event is told by the number of the session that submitted it, a terminal too', async () => {
    const at = world();
    const { owner, watcher, jobId } = await watched(at);
    await owner.submit('other');
    at.other.emit(4);
    at.agent.emit(1);
    at.agent.finish(1);
    await turn();
    const newest = owner.peer
      .sequenced()
      .filter((frame) => frame.job_id === jobId)
      .at(-1);
    const { payload } = await list(watcher.peer, { filter: { agent: 'puppet' } });
    expect(payload.jobs).toMatchObject([{ status: 'success', last_event_seq: newest?.event_seq }]);
    expect(newest?.event_seq).toBe(6);
  });

  for (const [status, end] of [
    ['success', (at: ReturnType<typeof world>) => at.agent.finish()],
    ['error', (at: ReturnType<typeof world>) => at.agent.fail(new Error('of the agent'))],
    ['timed_out', (at: ReturnType<typeof world>) => at.clock.advance(5000)],
  ] as const) {
    // proves P5.05
    test(`§5 a job that ended in ${status} says so, and is listed for job_retention and no longer`, async () => {
      const at = world({ jobRetentionSec: 100 });
      const { peer, submit } = await enter(at);
      await submit('puppet', { max_runtime_sec: 5 });
      end(at);
      await turn();
      expect((await list(peer)).payload.jobs).toMatchObject([{ status }]);
      at.clock.advance(99_999);
      expect((await list(peer)).payload.jobs).toMatchObject([{ status }]);
      at.clock.advance(1);
      expect((await list(peer)).payload).toMatchObject({ jobs: [], next_cursor: null });
    });
  }

  test('§5 a cancelled job is running until its terminal, then cancelled', async () => {
    const at = world();
    const { owner, jobId } = await watched(at);
    await owner.peer.ask('job.cancel', { job_id: jobId });
    expect((await list(owner.peer)).payload.jobs).toMatchObject([{ status: 'running' }]);
    at.agent.finish();
    await turn();
    expect((await list(owner.peer)).payload.jobs).toMatchObject([{ status: 'cancelled' }]);
  });

  test('§5 jobs of sessions that are detached, expired or closed are listed as any other', async () => {
    const at = world({ onBye: 'keep' });
    const first = await watched(at);
    const second = await enter(at);
    const said = await second.submit('puppet');
    await second.peer.ask('session.bye');
    await cut(first.owner.peer);
    expect(ids(await list(first.watcher.peer))).toEqual([said.job_id, first.jobId]);
    at.clock.advance(60_000);
    expect(ids(await list(first.watcher.peer))).toEqual([said.job_id, first.jobId]);
  });
});

describe('§5 which jobs', () => {
  test('§5 the newest comes first', async () => {
    const { peer, submit } = await enter(world());
    const all = await many(submit, 5);
    expect(ids(await list(peer))).toEqual(all);
  });

  // proves P5.03
  test("§5 a principal's own, from all its sessions, and nobody else's", async () => {
    const at = world();
    const { jobId, watcher } = await watched(at, { token: tokens.bob });
    const bobs = await watcher.submit('puppet');
    const again = await enter(at);
    expect(ids(await list(again.peer))).toEqual([jobId]);
    expect(ids(await list(watcher.peer))).toEqual([bobs.job_id]);
  });

  // proves P5.01
  test('§5 by status, one or several, and an empty list of them is no condition', async () => {
    const at = world();
    const { peer, submit } = await enter(at);
    const [ended = '', running = ''] = [await submit('puppet'), await submit('other')].map((one) => one.job_id);
    at.agent.finish();
    await turn();
    const by = async (...status: string[]) => ids(await list(peer, { filter: { status } }));
    expect(await by('running')).toEqual([running]);
    expect(await by('pending')).toEqual([]);
    expect(await by('success')).toEqual([ended]);
    expect(await by('success', 'running')).toEqual([running, ended]);
    expect(await by('error', 'cancelled')).toEqual([]);
    expect(await by()).toEqual([running, ended]);
  });

  test('§5 by agent: a name is any version of it, name@version that one, and half a name is none', async () => {
    const { peer, submit } = await enter(world());
    const [puppets, others] = [await many(submit, 1), await many(submit, 1, 'other')];
    const by = async (agent: string) => ids(await list(peer, { filter: { agent } }));
    expect([await by('puppet'), await by('puppet@1.0.0')]).toEqual([puppets, puppets]);
    expect([await by('other'), await by('puppet@2.0.0'), await by('pup'), await by('puppet@')]).toEqual([
      others,
      [],
      [],
      [],
    ]);
  });

  test('§5 by the time they were created: after and before, both bounds left out', async () => {
    const at = world();
    const { peer, submit } = await enter(at);
    const times: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      times.push(String((await submit('puppet')).payload.accepted_at));
      at.clock.advance(1000);
    }
    const [first, , last] = times;
    const created = async (filter: object) =>
      (await list(peer, { filter })).payload.jobs.map((job: { created_at: string }) => job.created_at);
    expect(await created({ created_after: first })).toEqual([times[2], times[1]]);
    expect(await created({ created_before: last })).toEqual([times[1], times[0]]);
    expect(await created({ created_after: first, created_before: last })).toEqual([times[1]]);
    expect(await created({ created_after: '2026-01-01T00:00:00.500+00:00' })).toEqual([times[2], times[1]]);
  });

  // proves P5.01
  test('§5 all conditions hold together', async () => {
    const at = world();
    const { peer, submit } = await enter(at);
    const [puppetOne] = await many(submit, 1);
    at.clock.advance(1);
    await many(submit, 1, 'other');
    const filter = { status: ['running'], agent: 'puppet', created_before: '2026-01-01T00:00:01Z' };
    expect(ids(await list(peer, { filter }))).toEqual([puppetOne]);
    expect(ids(await list(peer, { filter: { ...filter, created_after: '2026-01-01T00:00:00Z' } }))).toEqual([]);
  });

  test('§5 null is the same as absent', async () => {
    const { peer, submit } = await enter(world());
    const all = await many(submit, 2);
    const filter = { status: null, agent: null, created_after: null, created_before: null };
    expect(ids(await list(peer, { filter, limit: null, cursor: null }))).toEqual(all);
    expect(ids(await list(peer, { filter: null }))).toEqual(all);
  });

  test.each([
    { filter: { status: ['done'] } },
    { filter: { status: 'running' } },
    { filter: { created_after: 'yesterday' } },
    { filter: { created_after: '2026-01-01T00:00:00' } },
    { filter: { created_before: '2026-13-01T00:00:00Z' } },
    { filter: { created_before: '' } },
    { limit: 0 },
    { limit: -5 },
    { limit: 2.5 },
    { limit: '10' },
    { cursor: 7 },
  ])('§5 %j is INVALID_REQUEST, and the session lives', async (payload) => {
    const { peer } = await enter(world());
    expect(await list(peer, payload)).toMatchObject(invalid);
    expect(await list(peer)).toMatchObject({ type: 'session.jobs' });
  });

  test('§5 without the feature list_jobs it is INVALID_REQUEST', async () => {
    const { peer } = await enter(world(), { features: ['ack', 'subscribe'] });
    expect(await list(peer)).toMatchObject(invalid);
  });
});
