import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { type SqliteOptions, sqliteStore } from '../../src/stores/sqlite.ts';
import { append, frames, Opened, put } from './medium.ts';
import { smallDisk } from './small-disk.ts';
import { beside, isSound, sqliteMedium } from './sqlite-medium.ts';
import { WritingProcess } from './writing.ts';

// What goes wrong with a disk, and what comes of it: the table of faults in docs/operations.md.

async function world(options: SqliteOptions = {}) {
  const medium = await sqliteMedium(options);
  onTestFinished(() => medium.discard());
  return medium;
}

/** Writes, a hundred frames at a time, until there is trouble; returns the newest frame written. */
async function fill(one: Opened, from = 1): Promise<number> {
  let next = from;
  const told = one.troubles.length;
  while (one.troubles.length === told) {
    one.write(append('log', next, 100));
    next += 100;
    await one.store.flush().catch(() => {});
  }
  return next - 1;
}

test('a store that is full says so, keeps what it was given, and goes on when there is room', async () => {
  const medium = await world({ fileBytes: 300_000 });
  const one = await Opened.of(medium.store());
  one.write(append('other', 1, 100));
  const newest = await fill(one);
  expect(one.troubles.at(-1)).toMatchObject({ reason: 'full', final: false });
  expect(one.troubles.at(-1)?.message).toContain(medium.file);
  await expect(one.store.flush()).rejects.toMatchObject({ name: 'StoreFailure', trouble: { reason: 'full' } });
  // What clients have acknowledged may go: that is room enough.
  const committed = newest - 100;
  one.write({ do: 'trim', log: 'log', throughSeq: committed - 10 });
  one.write(append('log', newest + 1, 5));
  await one.settled();
  expect(await one.trouble(one.troubles.length - 1)).toBeUndefined();
  expect(await one.store.readFrames('log', 1, newest + 5)).toEqual(frames(committed - 9, 115, 'log'));
  expect(await one.store.readFrames('other', 1, 100)).toEqual(frames(1, 100, 'other'));
  await one.store.close();
  expect(isSound(medium.file)).toBe(true);
});

test('a process that ends while its store is full loses only what it was told is not committed', async () => {
  const medium = await world({ fileBytes: 300_000 });
  const one = await Opened.of(medium.store());
  const newest = await fill(one);
  const committed = newest - 100;
  await expect(one.store.close()).rejects.toMatchObject({ trouble: { reason: 'full' } });
  const again = await Opened.of(medium.store());
  expect(again.recovered.logs.get('log')).toEqual({ trimmedSeq: 0, newestSeq: committed });
  expect(await again.store.readFrames('log', 1, newest)).toEqual(frames(1, committed, 'log'));
  await again.store.close();
});

test('a disk that is full is told, nothing acknowledged is lost, and it goes on when there is room', async ({
  skip,
}) => {
  const medium = await world();
  const disk = smallDisk(join(medium.directory, 'disk'), '2m');
  if (typeof disk === 'string') return skip(disk);
  const file = join(disk.directory, 'arcp.db');
  const one = await Opened.of(sqliteStore(file, { retryMs: 20 }));
  const newest = await fill(one);
  expect(one.troubles.at(-1)).toMatchObject({ reason: 'full', final: false });
  const others = beside(file).prepare('SELECT max(last_seq) AS newest FROM frames').all();
  expect(Number(others[0]?.newest)).toBe(newest - 100);
  disk.grow('16m');
  await one.settled();
  expect(await one.trouble(one.troubles.length - 1)).toBeUndefined();
  expect(await one.store.readFrames('log', 1, newest)).toEqual(frames(1, newest, 'log'));
  await one.store.close();
  expect(isSound(file)).toBe(true);
});

test('a write that fails is tried again, with all behind it in order, until it succeeds', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 10));
  await one.settled();
  const other = beside(medium.file);
  other.exec("CREATE TRIGGER broken BEFORE INSERT ON frames BEGIN SELECT RAISE(ABORT, 'the head has crashed'); END");
  for (let seq = 11; seq <= 50; seq += 1) {
    one.write(append('log', seq, 1), put(`at ${seq}`, '{}', 0));
    if (seq % 10 === 0) await one.store.flush().catch(() => {});
  }
  expect(await one.trouble()).toMatchObject({ reason: 'failing', final: false });
  expect(one.troubles[0]?.message).toContain('the head has crashed');
  expect(one.store.committed).toBe(1);
  expect(await one.store.readFrames('log', 1, 99)).toEqual(frames(1, 10, 'log'));
  other.exec('DROP TRIGGER broken');
  await one.settled();
  expect(one.troubles).toHaveLength(2);
  expect(await one.trouble(1)).toBeUndefined();
  expect(await one.store.readFrames('log', 1, 99)).toEqual(frames(1, 50, 'log'));
  await one.store.close();
});

test('flush does not wait for the next try: it tries', async () => {
  const medium = await world({ retryMs: 3_600_000 });
  const one = await Opened.of(medium.store());
  const other = beside(medium.file);
  other.exec("CREATE TRIGGER broken BEFORE INSERT ON frames BEGIN SELECT RAISE(ABORT, 'not now'); END");
  one.write(append('log', 1, 1));
  await one.trouble();
  await expect(one.store.flush()).rejects.toMatchObject({ trouble: { reason: 'failing' } });
  other.exec('DROP TRIGGER broken');
  await one.store.flush();
  expect(one.store.committed).toBe(1);
  await one.store.close();
});

test('a medium that refuses to be written is told, and written when it works again', async ({ skip }) => {
  if (spawnSync('prlimit', ['--version']).status !== 0) return skip('there is no prlimit here to make writes fail');
  const medium = await world();
  // No file may grow above 400 KiB: beyond, write(2) fails, as it does on a disk that is broken there.
  const writing = new WritingProcess(medium.file, { shell: "trap '' XFSZ; ulimit -S -f 800;" });
  await writing.says(/^trouble failing/);
  const before = writing.committed;
  const seen = writing.lines.length;
  expect(spawnSync('prlimit', ['--pid', String(writing.pid), '--fsize=unlimited']).status).toBe(0);
  await writing.says(/^trouble none/, seen);
  await writing.reaches(before + 500);
  await writing.kill();
  const one = await Opened.of(medium.store());
  const { newestSeq } = one.recovered.logs.get('log') ?? { newestSeq: 0 };
  expect(newestSeq).toBeGreaterThanOrEqual(writing.committed);
  const texts = await one.store.readFrames('log', 1, newestSeq);
  expect(texts.map((text) => JSON.parse(text).event_seq)).toEqual(Array.from({ length: newestSeq }, (_, i) => i + 1));
  await one.store.close();
  expect(isSound(medium.file)).toBe(true);
});

test('a disk that is too slow is told, and caught up with', async () => {
  const medium = await world({ behindBytes: 100_000 });
  const one = await Opened.of(medium.store());
  const other = beside(medium.file);
  // For as long as another holds the file, no commit comes through.
  other.exec('BEGIN IMMEDIATE');
  one.write(append('log', 1, 2_000));
  expect(await one.trouble()).toMatchObject({ reason: 'failing', final: false });
  expect(one.troubles[0]?.message).toMatch(/arcp\.db is written more slowly than it is given to/);
  one.write(append('log', 2_001, 10));
  expect(one.store.committed).toBe(0);
  other.exec('ROLLBACK');
  await one.settled();
  expect(one.troubles.at(-1)).toBeUndefined();
  expect(await one.store.readFrames('log', 1, 2_010)).toEqual(frames(1, 2_010, 'log'));
  await one.store.close();
});

test('a disk that takes nothing for too long ends the store: what waits is bounded', async () => {
  const medium = await world({ behindBytes: 50_000, queueBytes: 100_000 });
  const one = await Opened.of(medium.store());
  one.write(put('a', '1'));
  await one.settled();
  const other = beside(medium.file);
  other.exec('BEGIN IMMEDIATE');
  one.write(append('log', 1, 2_000));
  expect(await one.trouble()).toMatchObject({ reason: 'failing', final: true });
  await expect(one.store.flush()).rejects.toMatchObject({ trouble: { final: true } });
  other.exec('ROLLBACK');
  expect(one.store.committed).toBe(1);
  await expect(one.store.close()).rejects.toMatchObject({ name: 'StoreFailure' });
  // Nothing of it is written behind the back of whoever was told.
  const again = await Opened.of(medium.store());
  expect(again.recovered.logs.size).toBe(0);
  expect(again.recovered.records).toHaveLength(1);
  await again.store.close();
});

test('a thread that ends is told, once and for good, and the file is let go', async () => {
  const medium = await world();
  const started: Worker[] = [];
  const note = (worker: Worker) => started.push(worker);
  process.on('worker', note);
  onTestFinished(() => {
    process.off('worker', note);
  });
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 3));
  await one.settled();
  const read = one.store.readFrames('log', 1, 3).catch((error: Error) => error);
  await started[0]?.terminate();
  one.write(append('log', 4, 1));
  expect(await one.trouble()).toMatchObject({ reason: 'failing', final: true });
  expect(one.troubles[0]?.message).toMatch(/thread that writes .*arcp\.db ended/);
  await expect(one.store.flush()).rejects.toMatchObject({ trouble: { final: true } });
  await read;
  await expect(one.store.readFrames('log', 1, 3)).rejects.toThrow('not open');
  await one.store.close().catch(() => {});
  const again = await Opened.of(medium.store());
  expect(again.recovered.logs.get('log')).toEqual({ trimmedSeq: 0, newestSeq: 3 });
  await again.store.close();
});

test('a write-ahead log that is torn, or wrong at its end, costs what was written last, and no more', async () => {
  const medium = await world();
  const writing = new WritingProcess(medium.file, { walBytes: 100_000_000 });
  await writing.reaches(400);
  await writing.kill();
  const wal = readFileSync(`${medium.file}-wal`);
  const newests: number[] = [];
  for (const [share, how] of [
    [1, 'cut'],
    [0.97, 'cut'],
    [0.9, 'wrong'],
    [0.5, 'cut'],
    [0.4, 'wrong'],
    [0, 'cut'],
  ] as const) {
    const file = join(medium.directory, `${how}-${share}`, 'arcp.db');
    mkdirSync(dirname(file));
    copyFileSync(medium.file, file);
    const at = Math.floor(wal.length * share);
    writeFileSync(`${file}-wal`, how === 'cut' ? wal.subarray(0, at) : wal.fill(0x5a, at, at + 2_000));
    const one = await Opened.of(sqliteStore(file));
    const { newestSeq } = one.recovered.logs.get('log') ?? { newestSeq: 0 };
    expect(one.recovered.records.map(({ body }) => Number(body))).toEqual(newestSeq > 0 ? [newestSeq] : []);
    const texts = await one.store.readFrames('log', 1, newestSeq);
    expect(texts.map((text) => JSON.parse(text).event_seq)).toEqual(texts.map((_, index) => index + 1));
    newests.push(texts.length);
    await one.store.close();
    expect(isSound(file)).toBe(true);
  }
  expect(newests[0]).toBeGreaterThanOrEqual(writing.committed);
  expect(newests).toEqual([...newests].sort((a, b) => b - a));
  expect(newests.at(-1)).toBe(0);
});

test('a database with a damaged page is told as damaged, and not written any more', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 20_000), put('a', '1'));
  await one.store.close();
  const [index] = beside(medium.file)
    .prepare("SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'records'")
    .all();
  damage(medium.file, [300, Number(index?.rootpage)]);
  const two = await Opened.of(medium.store());
  await expect(two.store.readFrames('log', 1, 20_000)).rejects.toThrow(/malformed|damaged/);
  two.write(put('a', '2'));
  expect(await two.trouble()).toMatchObject({ reason: 'failing', final: true });
  expect(two.troubles[0]?.message).toMatch(/arcp\.db is damaged.*backup/);
  await two.store.close().catch(() => {});
});

test('a database whose first page is damaged is refused, and told what to do', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 100));
  await one.store.close();
  damage(medium.file, [1]);
  await expect(medium.store().open({ committed() {}, trouble() {} })).rejects.toThrow(/cannot be opened.*backup/);
  expect(existsSync(medium.file)).toBe(true);
});

/** Pages that hold something else than what was written. */
function damage(file: string, pages: readonly number[]): void {
  const bytes = readFileSync(file);
  for (const page of pages) bytes.fill(0x5a, (page - 1) * 4096, page * 4096);
  writeFileSync(file, bytes);
}
