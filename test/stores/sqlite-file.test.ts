import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { configure } from '../../src/stores/sqlite/configure.ts';
import { driverNames, hasDriver, openDriver } from '../../src/stores/sqlite/driver.ts';
import { lockFileOf } from '../../src/stores/sqlite/lock.ts';
import { migrate, refuseForeign, schemaSteps } from '../../src/stores/sqlite/schema.ts';
import type { SqliteOptions } from '../../src/stores/sqlite.ts';
import { sqliteStore } from '../../src/stores/sqlite.ts';
import { append, Opened, put } from './medium.ts';
import { beside, isSound, sqliteMedium } from './sqlite-medium.ts';
import { WritingProcess } from './writing.ts';

const listener = { committed() {}, trouble() {} };

async function world(options: SqliteOptions = {}) {
  const medium = await sqliteMedium(options);
  onTestFinished(() => medium.discard());
  return medium;
}

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

test('a second store of the same file is refused, by name, with whose it is and what to do', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  const refusal = await medium
    .store()
    .open(listener)
    .catch((error: Error) => error.message);
  expect(refusal).toContain(medium.file);
  expect(refusal).toContain(`process ${process.pid}`);
  expect(refusal).toContain('End that one first');
  one.write(put('a', '1'));
  await one.store.close();
  await Opened.of(medium.store()).then(({ store }) => store.close());
});

test('a second process is refused; kill -9 of the first lets the next one in', async () => {
  const medium = await world();
  const first = new WritingProcess(medium.file);
  await first.reaches(100);
  const second = new WritingProcess(medium.file);
  expect(await second.says(/^refused/)).toContain(`process ${first.pid}`);
  await expect(medium.store().open(listener)).rejects.toThrow('End that one first');
  await first.reaches(first.committed + 100);
  await first.kill();
  const third = await Opened.of(medium.store());
  expect(third.recovered.epoch).toBe(2);
  await third.store.close();
});

test('whoever waits for the file gets it when the one before lets go', async () => {
  const medium = await world({ lockWaitMs: 20_000 });
  const one = await Opened.of(medium.store());
  const two = Opened.of(medium.store());
  await one.store.close();
  expect((await two).recovered.epoch).toBe(2);
  await (await two).store.close();
});

test('nobody but the owner can read the files, or enter the directory that was made for them', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 10));
  await one.settled();
  const files = ['', '-wal', '-shm', '-lock'].map((suffix) => `${medium.file}${suffix}`);
  expect(files.map(modeOf)).toEqual(['600', '600', '600', '600']);
  expect(modeOf(dirname(medium.file))).toBe('700');
  await one.store.close();
  chmodSync(medium.file, 0o644);
  const again = await Opened.of(medium.store());
  expect(modeOf(medium.file)).toBe('600');
  await again.store.close();
});

test('a file of a newer version is refused, and not touched', async () => {
  const medium = await world();
  await Opened.of(medium.store()).then(({ store }) => store.close());
  beside(medium.file).exec(`PRAGMA user_version = ${schemaSteps.length + 1}; PRAGMA wal_checkpoint(TRUNCATE)`);
  const before = readFileSync(medium.file);
  await expect(medium.store().open(listener)).rejects.toThrow(/arcp\.db cannot be opened.*run the newer one/);
  expect(readFileSync(medium.file).equals(before)).toBe(true);
});

test.each([
  ['the database of another program', (file: string) => beside(file).exec('CREATE TABLE mine (a)'), /another program/],
  ['no database', (file: string) => writeFileSync(file, 'Dear diary, '.repeat(1_000)), /not a database/],
])('%s is refused, and not touched', async (_what, make, words) => {
  const medium = await world();
  mkdirSync(dirname(medium.file));
  make(medium.file);
  const before = readFileSync(medium.file);
  await expect(medium.store().open(listener)).rejects.toThrow(words);
  expect(readFileSync(medium.file).equals(before)).toBe(true);
});

test('a directory that cannot be made is told', async () => {
  const medium = await world();
  writeFileSync(dirname(medium.file), 'a file where the directory should be');
  await expect(medium.store().open(listener)).rejects.toThrow(/arcp\.db cannot be opened.*data/);
});

test('a file of an older version is taken to the newest, step by step, with all that is in it', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  one.write(append('log', 1, 3), put('a', '1'));
  await one.store.close();
  const driver = beside(medium.file);
  const steps = [
    ...schemaSteps,
    'ALTER TABLE records ADD COLUMN colour TEXT',
    "UPDATE records SET colour = 'blue'; CREATE TABLE paint (colour TEXT)",
  ];
  migrate(driver, steps);
  expect(driver.prepare('PRAGMA user_version').all()).toMatchObject([{ user_version: steps.length }]);
  expect(driver.prepare('SELECT id, body, colour FROM records').all()).toMatchObject([
    { id: 'a', body: '1', colour: 'blue' },
  ]);
  expect(driver.prepare('SELECT count(*) AS n FROM frames').all()).toMatchObject([{ n: 1 }]);
  // Once more changes nothing; and what knows less refuses it.
  migrate(driver, steps);
  expect(() => refuseForeign(driver)).toThrow('run the newer one');
});

test('a step that fails leaves the file as it was before that step', async () => {
  const medium = await world();
  await Opened.of(medium.store()).then(({ store }) => store.close());
  const driver = beside(medium.file);
  const steps = [
    ...schemaSteps,
    'CREATE TABLE fine (a)',
    'CREATE TABLE half (a); INSERT INTO no_such_table VALUES (1)',
  ];
  expect(() => migrate(driver, steps)).toThrow('no_such_table');
  expect(driver.prepare('PRAGMA user_version').all()).toMatchObject([{ user_version: schemaSteps.length + 1 }]);
  const tables = driver.prepare("SELECT name FROM sqlite_schema WHERE name IN ('fine', 'half')").all();
  expect(tables).toMatchObject([{ name: 'fine' }]);
});

test('every connection is told how safe its commits are to be', async () => {
  const medium = await world();
  await Opened.of(medium.store()).then(({ store }) => store.close());
  const levels = (['NORMAL', 'FULL'] as const).map((synchronous) => {
    const driver = openDriver(medium.file, undefined);
    configure(driver, { synchronous, walBytes: 1_000_000, fileBytes: Number.POSITIVE_INFINITY });
    return driver.prepare('PRAGMA synchronous').all();
  });
  expect(levels).toMatchObject([[{ synchronous: 1 }], [{ synchronous: 2 }]]);
});

test('a Node without the SQLite that is asked for says what to do', async ({ skip }) => {
  const missing = driverNames.find((name) => !hasDriver(name));
  if (missing === undefined) return skip('this Node has both');
  const medium = await world({ driver: missing });
  await expect(medium.store().open(listener)).rejects.toThrow(`${missing} is not available: run Node 22.13`);
});

test('what one SQLite has written, the other goes on with', async ({ skip }) => {
  if (driverNames.some((name) => !hasDriver(name))) return skip('this Node has one SQLite only');
  const medium = await world();
  for (const [index, driver] of (['libsql', 'node:sqlite', 'libsql'] as const).entries()) {
    const one = await Opened.of(sqliteStore(medium.file, { driver }));
    expect(one.recovered.logs.get('log')?.newestSeq ?? 0).toBe(index * 10);
    one.write(append('log', index * 10 + 1, 10));
    await one.store.close();
  }
  expect(isSound(medium.file)).toBe(true);
});

test('two stores in two files do not know of each other', async () => {
  const medium = await world();
  const one = await Opened.of(medium.store());
  const two = await Opened.of(sqliteStore(`${medium.directory}/other.db`));
  one.write(put('a', '1'));
  two.write(put('b', '1'));
  await Promise.all([one.store.close(), two.store.close()]);
  expect(isSound(medium.file)).toBe(true);
  expect(statSync(lockFileOf(medium.file)).size).toBe(0);
});
