import { expect, test } from 'vitest';
import { keptStore } from '../support/kept.ts';
import { durableStore, everyStore } from './contract.ts';
import { append, frames, Opened } from './medium.ts';

const create = async () => {
  const first = keptStore();
  const next = () => first.reopened();
  return { store: next, intruder: next, discard: async () => {} };
};

everyStore('kept', create);
durableStore('kept', create);

test('commits are made by hand; a process that dies loses what was not committed, and nothing else', async () => {
  const store = keptStore({ commits: 'by hand' });
  const one = await Opened.of(store);
  one.write(append('log', 1, 1));
  one.write(append('log', 2, 1), append('log', 3, 1));
  one.write(append('log', 4, 1));
  expect([store.waiting.length, store.committed]).toEqual([3, 0]);
  store.commit(2);
  expect(one.positions).toEqual([3]);
  expect(await store.readFrames('log', 1, 9)).toEqual(frames(1, 3, 'log'));
  store.crash();
  store.commit();
  expect(one.positions).toEqual([3]);
  const again = await Opened.of(store.reopened());
  expect(again.recovered.logs.get('log')).toEqual({ trimmedSeq: 0, newestSeq: 3 });
});

test('a failing write is told, kept, and made when it works again', async () => {
  const store = keptStore();
  const one = await Opened.of(store);
  store.fail({ reason: 'full', message: 'no room' });
  one.write(append('log', 1, 1));
  await expect(store.flush()).rejects.toMatchObject({ trouble: { reason: 'full', final: false } });
  expect(store.committed).toBe(0);
  store.fail(undefined);
  await one.settled();
  expect(one.troubles).toEqual([{ reason: 'full', message: 'no room', final: false }, undefined]);
});
