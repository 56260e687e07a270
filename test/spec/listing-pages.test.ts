// §5 of the protocol: a listing page by page, and whose jobs a policy adds to it.
import { describe, expect, test } from 'vitest';
import { ids, invalid, list, many, watched, world } from '../support/listing.ts';
import type { Peer } from '../support/peer.ts';
import { tokens } from '../support/runtime.ts';
import { enter, turn } from '../support/session.ts';

/** Every page up to the end, each of `limit`. */
async function pages(peer: Peer, request: { limit: number; filter?: object }, between = async () => {}) {
  const found: string[][] = [];
  let cursor: unknown = null;
  do {
    const page = await list(peer, { ...request, cursor });
    expect(page.type).toBe('session.jobs');
    found.push(ids(page));
    cursor = page.payload.next_cursor;
    await between();
  } while (cursor !== null);
  return found;
}

describe('§5 pages', () => {
  // proves P5.01, P5.06
  test('§5 of 100 by default, of 500 at most', async () => {
    const { peer, submit } = await enter(world({ maxJobsPerSession: 600, maxFramesPerSecond: 10_000 }));
    const all = await many(submit, 510);
    expect(ids(await list(peer))).toEqual(all.slice(0, 100));
    expect(ids(await list(peer, { limit: 501 }))).toEqual(all.slice(0, 500));
    expect(ids(await list(peer, { limit: 1e15 }))).toEqual(all.slice(0, 500));
    expect((await pages(peer, { limit: 200 })).map((page) => page.length)).toEqual([200, 200, 110]);
  });

  for (const [count, limit, sizes] of [
    [0, 2, [0]],
    [1, 2, [1]],
    [2, 2, [2]],
    [3, 2, [2, 1]],
    [5, 1, [1, 1, 1, 1, 1]],
  ] as const) {
    test(`§5 ${count} jobs ${limit} at a time are pages of ${sizes.join(', ')}: the last one has no cursor`, async () => {
      const { peer, submit } = await enter(world());
      const all = await many(submit, count);
      const found = await pages(peer, { limit });
      expect(found.map((page) => page.length)).toEqual(sizes);
      expect(found.flat()).toEqual(all);
    });
  }

  // proves P5.04
  test('§5 each job once, though jobs come, end and are forgotten in between', async () => {
    const at = world({ jobRetentionSec: 10 });
    const { peer, submit } = await enter(at);
    const all = await many(submit, 9);
    const found = await pages(peer, { limit: 2 }, async () => {
      await many(submit, 3);
      at.agent.jobs.shift()?.finish();
      await turn();
      at.clock.advance(10_000);
    });
    const seen = found.flat();
    expect(new Set(seen).size).toBe(seen.length);
    // The oldest three were gone when the listing came to them; whatever lasted was seen.
    expect(seen).toEqual(all.slice(0, seen.length));
    expect(all.slice(seen.length).length).toBeLessThanOrEqual(5);
  });

  test('§5 a cursor goes on though the job it stands at is forgotten', async () => {
    const at = world({ jobRetentionSec: 10 });
    const { peer, submit } = await enter(at);
    const [, second, third] = [...(await many(submit, 3))];
    const { next_cursor: cursor } = (await list(peer, { limit: 2 })).payload;
    at.agent.jobs[1]?.finish();
    await turn();
    at.clock.advance(10_000);
    expect(ids(await list(peer))).not.toContain(second);
    expect(ids(await list(peer, { cursor }))).toEqual([third]);
  });

  test('§5 a filter goes with the cursor: repeated or left out it is the same, another is INVALID_REQUEST', async () => {
    const { peer, submit } = await enter(world());
    const puppets = await many(submit, 3);
    await many(submit, 3, 'other');
    const filter = { agent: 'puppet', status: ['success', 'running'] };
    const { next_cursor: cursor } = (await list(peer, { filter, limit: 1 })).payload;
    expect(ids(await list(peer, { cursor }))).toEqual(puppets.slice(1));
    expect(ids(await list(peer, { cursor, filter: { status: ['running', 'success'], agent: 'puppet' } }))).toEqual(
      puppets.slice(1),
    );
    expect(await list(peer, { cursor, filter: { agent: 'other' } })).toMatchObject(invalid);
    expect(ids(await list(peer, { cursor, filter: {} }))).toEqual(puppets.slice(1));
  });

  // proves P5.04
  test('§5 a cursor that was changed in any one character is INVALID_REQUEST', async () => {
    const { peer, submit } = await enter(world({ maxFramesPerSecond: 100_000 }));
    await many(submit, 3);
    const cursor = String((await list(peer, { limit: 1 })).payload.next_cursor);
    for (let at = 0; at < cursor.length; at += 1) {
      const changed = `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`;
      expect(await list(peer, { cursor: changed }), changed).toMatchObject(invalid);
    }
  });

  test.each(['x', '.', '..', 'e30.e30', '%00', 'null'])('§5 %j is no cursor', async (cursor) => {
    const { peer } = await enter(world());
    expect(await list(peer, { cursor })).toMatchObject(invalid);
  });

  test("§5 another principal's cursor is INVALID_REQUEST; one's own is good in every session", async () => {
    const at = world();
    const { peer, submit } = await enter(at);
    const all = await many(submit, 3);
    const { next_cursor: cursor } = (await list(peer, { limit: 1 })).payload;
    expect(ids(await list((await enter(at)).peer, { cursor }))).toEqual(all.slice(1));
    expect(await list((await enter(at, { token: tokens.bob })).peer, { cursor })).toMatchObject(invalid);
  });
});

describe('§5 a policy can widen it', () => {
  // proves P5.03, P5.19
  test("§5 what authorize lets be observed is listed among one's own, and told to the audit", async () => {
    const asked: object[] = [];
    const at = world({
      authorize: (request) => {
        asked.push(request);
        return request.principal === 'bob';
      },
    });
    const { watcher, owner, jobId } = await watched(at, { token: tokens.bob });
    const bobs = await watcher.submit('puppet');
    expect(ids(await list(watcher.peer))).toEqual([bobs.job_id, jobId]);
    expect(ids(await list(owner.peer))).toEqual([jobId]);
    expect(asked[0]).toEqual({
      principal: 'bob',
      action: 'observe',
      job: {
        jobId,
        principal: 'alice',
        sessionId: owner.sessionId,
        agent: 'puppet@1.0.0',
        status: 'running',
        createdAt: '2026-01-01T00:00:00.000Z',
        traceId: 'ab'.repeat(16),
      },
    });
    expect(at.audits.filter(({ action }) => action === 'list')).toMatchObject([
      { outcome: 'allowed', principal: 'bob', sessionId: watcher.sessionId, jobIds: [jobId] },
      { outcome: 'allowed', principal: 'alice', sessionId: owner.sessionId },
    ]);
  });

  for (const [what, authorize] of [
    ['false', () => false],
    [
      'a throw',
      () => {
        throw new Error('of the policy');
      },
    ],
    ['a promise', () => Promise.resolve(true)],
    ['a word', () => 'yes'],
  ] as const) {
    test(`§5 ${what} shows nothing of others, not even that there is something`, async () => {
      // biome-ignore lint/suspicious/noExplicitAny: what a policy of plain JavaScript may answer
      const at = world({ authorize: authorize as any }); // tidy: see above
      const { watcher } = await watched(at, { token: tokens.bob });
      expect((await list(watcher.peer)).payload).toMatchObject({ jobs: [], next_cursor: null });
      const failures = at.log.lines.filter(({ level }) => level === 'error');
      expect(failures).toHaveLength(what === 'false' ? 0 : 1);
    });
  }

  test('§5 a page that is full says that there is more only if the asker may see more', async () => {
    const at = world({ authorize: () => false });
    const alice = await enter(at);
    await many(alice.submit, 3);
    const bob = await enter(at, { token: tokens.bob });
    await many(bob.submit, 2);
    expect((await list(bob.peer, { limit: 2 })).payload.next_cursor).toBeNull();
    expect((await list(bob.peer, { limit: 1 })).payload.next_cursor).not.toBeNull();
  });
});
