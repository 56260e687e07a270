// A session's log over a store that lasts: what may be seen, what is on disk alone, what may go.
import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../../src/index.ts';
import { EventLog } from '../../src/log.ts';
import { Ledger } from '../../src/records/ledger.ts';
import { type KeptStore, keptStore } from '../support/kept.ts';
import { recordingLog } from '../support/runtime.ts';
import { turn } from '../support/session.ts';

const limits = { bufferEvents: 100, bufferBytes: 2 ** 20 };

async function opened(store: KeptStore, bounds = limits) {
  const lost = () => {};
  const ledger = new Ledger({
    store,
    clock: simulatedClock(),
    log: recordingLog(),
    neededFrom: () => Number.POSITIVE_INFINITY,
    lost,
  });
  const found = (await ledger.open()).logs.get('log');
  const log = new EventLog(bounds);
  ledger.keep('log', log, found);
  return { ledger, log, store };
}

/** A log with so many frames, found by the next process. */
async function cold(frames: number, bounds = limits) {
  const before = await opened(keptStore());
  for (let n = 1; n <= frames; n += 1) before.log.append('frame ', '');
  await turn();
  before.store.crash();
  return opened(before.store.reopened(), bounds);
}

const texts = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `frame ${from + index}`);

describe('what is not committed', () => {
  test('is numbered, and read by nobody', async () => {
    const { log, store } = await opened(keptStore({ commits: 'by hand' }));
    log.append('frame ', '');
    log.append('frame ', '');
    await turn();
    expect(log).toMatchObject({ newestSeq: 2, durableSeq: 0 });
    expect(log.read(0, 1000)).toEqual([]);
    store.commit();
    expect(log.durableSeq).toBe(2);
    expect(log.read(0, 1000)).toEqual(texts(1, 2));
  });

  test('is not freed by the limits of the log, and is when it is committed', async () => {
    const { log, store } = await opened(keptStore({ commits: 'by hand' }), { ...limits, bufferEvents: 3 });
    for (let n = 0; n < 8; n += 1) log.append('frame ', '');
    expect(log.oldestSeq).toBe(1);
    await turn();
    store.commit();
    expect(log.oldestSeq).toBe(6);
    await turn();
    store.commit();
    expect(store.medium.frames('log')).toEqual(texts(6, 8));
  });

  test('keeps an agent that asks for room waiting, once it is much', async () => {
    const { log, store } = await opened(keptStore({ commits: 'by hand' }), { ...limits, bufferEvents: 10_000 });
    for (let n = 0; n < 2000; n += 1) log.append('frame ', '');
    const events: string[] = [];
    const waiting = log.room().then(() => events.push('room'));
    await turn();
    events.push('committed');
    store.commit();
    await waiting;
    expect(events).toEqual(['committed', 'room']);
  });
});

describe('what an earlier process has left', () => {
  test('has its numbers, and can be appended to, before it is read', async () => {
    const { log } = await cold(5);
    expect(log).toMatchObject({ oldestSeq: 1, newestSeq: 5, durableSeq: 5, bytes: 0 });
    expect([0, 5, 6].map((cursor) => log.coverage(cursor))).toEqual(['covered', 'covered', 'ahead']);
    expect(log.append('frame ', '')).toBe(6);
    await turn();
    expect([4, 5].map((cursor) => log.isCold(cursor))).toEqual([true, false]);
    expect(log.read(5, 1000)).toEqual(texts(6, 6));
    expect(log.read(2, 1000)).toEqual([]);
  });

  test('is read again from where it is asked for, however often', async () => {
    const { log } = await cold(9);
    log.append('frame ', '');
    await log.warm(6);
    await turn();
    expect(log.read(6, 1000)).toEqual(texts(7, 10));
    await Promise.all([log.warm(2), log.warm(0), log.warm(4)]);
    expect(log.read(0, 1000)).toEqual(texts(1, 10));
    expect(log.bytes).toBe(texts(1, 10).join('').length);
  });

  test('is let go as any other: by acknowledgement, by the limits, for good', async () => {
    const { log, store } = await cold(9, { ...limits, bufferEvents: 10 });
    log.trim(3);
    expect(log.coverage(2)).toBe('trimmed');
    for (let n = 0; n < 6; n += 1) log.append('frame ', '');
    await turn();
    expect(log.oldestSeq).toBe(6);
    await turn();
    expect(store.medium.frames('log')).toEqual(texts(6, 15));
    await log.warm(5);
    expect(log.read(5, 1000)).toEqual(texts(6, 15));
    log.drop();
    await turn();
    expect(store.medium.frames('log')).toEqual([]);
  });

  test('is trimmed where the disk has less of it than it said', async () => {
    const { log, store } = await cold(6);
    store.write([{ do: 'trim', log: 'log', throughSeq: 4 }]);
    await store.flush();
    await log.warm(1);
    expect(log.coverage(1)).toBe('trimmed');
    expect(log.read(4, 1000)).toEqual(texts(5, 6));
  });

  test('is forgotten where it is dropped while it is being read', async () => {
    const { log } = await cold(6);
    const warming = log.warm(0);
    log.drop();
    await warming;
    expect(log).toMatchObject({ oldestSeq: 7, newestSeq: 6, bytes: 0 });
  });
});
