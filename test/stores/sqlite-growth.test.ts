import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type SqliteOptions, sqliteStore } from '../../src/stores/sqlite.ts';
import { append, frames, Opened, put } from './medium.ts';
import { beside, isSound, sqliteMedium } from './sqlite-medium.ts';
import { WritingProcess } from './writing.ts';

async function world(options: SqliteOptions = {}) {
  const medium = await sqliteMedium(options);
  onTestFinished(() => medium.discard());
  return medium;
}

const rowsIn = (file: string) =>
  beside(file).prepare('SELECT last_seq, length(texts) AS length FROM frames ORDER BY log, first_seq').all();

test('what one turn of the event loop writes is one commit, and the frames of a log in it one row', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  for (let seq = 1; seq <= 50; seq += 1) {
    one.write(append('log', seq, 1));
    one.write(append('other', seq, 1), put('cursor', String(seq)));
  }
  await one.settled();
  expect(one.positions).toEqual([150]);
  expect(rowsIn(medium.file)).toMatchObject([{ last_seq: 50 }, { last_seq: 50 }]);
  await one.store.close();
});

test('much that is written at once is handed on in parts, and committed in parts', async () => {
  const medium = await world({ batchBytes: 10_000, commitBytes: 20_000 });
  const one = await Opened.of(medium.store());
  for (let seq = 1; seq <= 1_000; seq += 1) one.write(append('log', seq, 1));
  await one.settled();
  expect(one.positions.length).toBeGreaterThanOrEqual(4);
  await one.store.close();
  const whole = await world();
  const two = await Opened.of(whole.store());
  for (let seq = 1; seq <= 1_000; seq += 1) two.write(append('log', seq, 1));
  await two.settled();
  expect(two.positions).toEqual([1_000]);
  await two.store.close();
});

test('a row of frames is never so large that a log cannot be trimmed bit by bit', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 5_000));
  await one.settled();
  const rows = rowsIn(medium.file);
  expect(rows.length).toBeGreaterThan(5);
  expect(Math.max(...rows.map(({ length }) => Number(length)))).toBeLessThan(70_000);
  one.write({ do: 'trim', log: 'log', throughSeq: 2_500 });
  await one.settled();
  expect(rowsIn(medium.file).length).toBeLessThanOrEqual(rows.length / 2 + 1);
  await one.store.close();
});

test('a store that is written and trimmed for long does not grow, nor does its write-ahead log', async () => {
  const medium = await world({ walBytes: 500_000 });
  const one = await Opened.of(medium.store());
  let largestWal = 0;
  for (let seq = 1; seq <= 60_000; seq += 500) {
    one.write(append('log', seq, 500), { do: 'trim', log: 'log', throughSeq: seq - 500 });
    await one.settled();
    largestWal = Math.max(largestWal, statSync(`${medium.file}-wal`).size);
  }
  await one.store.close();
  // 8 MB have gone through.
  expect(statSync(medium.file).size).toBeLessThan(600_000);
  expect(largestWal).toBeLessThan(1_500_000);
});

test('a write-ahead log that had to grow is small again soon after', async () => {
  const medium = await world({ walBytes: 500_000 });
  const one = await Opened.of(medium.store());
  const wal = () => statSync(`${medium.file}-wal`).size;
  one.write(append('log', 1, 30_000));
  await one.settled();
  expect(wal()).toBeGreaterThan(2_000_000);
  for (let seq = 30_001; wal() > 500_000; seq += 10) {
    one.write(append('log', seq, 10));
    await one.settled();
  }
  await one.store.close();
});

test('space that holds nothing is given back while nothing is written, but for what is kept for later', async () => {
  const medium = await world({ vacuumIdleMs: 50, freePages: 20 });
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 30_000), append('kept', 1, 10));
  await one.settled();
  const other = beside(medium.file);
  const pages = () => Number(other.prepare('PRAGMA page_count').all()[0]?.page_count);
  const free = () => Number(other.prepare('PRAGMA freelist_count').all()[0]?.freelist_count);
  expect(pages()).toBeGreaterThan(500);
  one.write({ do: 'drop', log: 'log' });
  await one.settled();
  // That a runtime with nothing to do keeps its time is no reason to wait.
  for (let uptimeMs = 1; free() !== 20; uptimeMs += 1) {
    one.write({ do: 'time', uptimeMs });
    await turn();
  }
  expect(pages()).toBeLessThan(60);
  expect(await one.store.readFrames('kept', 1, 10)).toEqual(frames(1, 10, 'kept'));
  await one.store.close();
  expect(statSync(medium.file).size).toBeLessThan(60 * 4096);
});

test('what is committed is in the database itself, and synced, soon after', async () => {
  const medium = await world({ syncMs: 1 });
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 300), put('count', '300'));
  await one.settled();
  const copy = join(medium.directory, 'copy.db');
  // As a power cut might leave it: without the write-ahead log. Another process copies it: closing a file ends this one's locks.
  const inDatabase = () => {
    spawnSync('cp', [medium.file, copy]);
    return readFileSync(copy).includes('"event_seq":300,');
  };
  while (!inDatabase()) await turn();
  // The copy may have been made while that was going on.
  inDatabase();
  await one.store.close();
  await holdsPrefix(copy, 300);
});

test('a backup made while the store is written holds a moment of it, whole', async () => {
  const medium = await world();
  const writing = new WritingProcess(medium.file);
  await writing.reaches(300);
  const copy = join(medium.directory, 'copy.db');
  beside(medium.file).exec(`VACUUM INTO '${copy}'`);
  await writing.reaches(writing.committed + 300);
  await writing.kill();
  await holdsPrefix(copy, 300);
});

test('sqlite3 FILE ".backup COPY" works while the store is written', async ({ skip }) => {
  if (spawnSync('sqlite3', ['--version']).status !== 0) return skip('there is no sqlite3 here');
  const medium = await world();
  const writing = new WritingProcess(medium.file);
  await writing.reaches(300);
  const copy = join(medium.directory, 'copy.db');
  // It begins again when the store commits between two of its steps: in time it comes through, as the database is small.
  const { status, stderr } = spawnSync('sqlite3', [medium.file, '.timeout 10000', `.backup '${copy}'`]);
  expect([status, String(stderr)]).toEqual([0, '']);
  await writing.reaches(writing.committed + 100);
  await writing.kill();
  await holdsPrefix(copy, 300);
});

test('a store that is closed is one file: to copy it is to have a backup', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 300), put('count', '300'));
  await one.store.close();
  const copy = join(medium.directory, 'copy.db');
  copyFileSync(medium.file, copy);
  await holdsPrefix(copy, 300);
});

/** The copy is a store of its own, that knows at least so many frames, and counts as many as there are. */
async function holdsPrefix(file: string, atLeast: number): Promise<void> {
  const one = await Opened.of(sqliteStore(file));
  const { newestSeq } = one.recovered.logs.get('log') ?? { newestSeq: 0 };
  expect(newestSeq).toBeGreaterThanOrEqual(atLeast);
  expect(one.recovered.records.map(({ body }) => Number(body))).toEqual([newestSeq]);
  const texts = await one.store.readFrames('log', 1, newestSeq);
  expect(texts.map((text) => JSON.parse(text).event_seq)).toEqual(texts.map((_, index) => index + 1));
  await one.store.close();
  expect(isSound(file)).toBe(true);
}
