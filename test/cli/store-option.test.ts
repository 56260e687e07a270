import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { expect, onTestFinished, test } from 'vitest';
import { defaultStore, storeChoice, storeOf } from '../../src/cli/store-option.ts';

test('--store is memory, or a SQLite file', () => {
  expect(storeChoice('memory')).toEqual({ kind: 'memory' });
  expect(storeChoice('sqlite:state/arcp.db')).toEqual({
    kind: 'sqlite',
    file: 'state/arcp.db',
    synchronous: 'NORMAL',
  });
  expect(storeChoice('sqlite:/var/lib/arcp/a b.db')).toMatchObject({ file: '/var/lib/arcp/a b.db' });
  expect(storeChoice('sqlite:C:\\arcp\\arcp.db')).toMatchObject({ file: 'C:\\arcp\\arcp.db' });
  expect(storeChoice(defaultStore)).toMatchObject({ kind: 'sqlite', file: '.arcpx/arcp.db' });
});

test('--store sqlite:FILE?synchronous=full survives a power cut', () => {
  expect(storeChoice('sqlite:arcp.db?synchronous=full')).toMatchObject({ file: 'arcp.db', synchronous: 'FULL' });
  expect(storeChoice('sqlite:arcp.db?synchronous=normal')).toMatchObject({ file: 'arcp.db', synchronous: 'NORMAL' });
});

test.each([
  '',
  'disk',
  'Memory',
  'memory:',
  'arcp.db',
  'sqlite',
  'sqlite:',
  'sqlite::memory:',
  'sqlite:state/',
  'sqlite:arcp.db?',
  'sqlite:arcp.db?synchronous=off',
  'sqlite:arcp.db?mode=ro',
  'redis://127.0.0.1',
])('--store %j is refused, and told what it may be', (text) => {
  expect(() => storeChoice(text)).toThrow(InvalidArgumentError);
  expect(() => storeChoice(text)).toThrow('memory, sqlite:FILE');
});

test('the store that was named is made when it is opened, not before', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'arcp-store-option-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'arcp.db');
  const store = storeOf(storeChoice(`sqlite:${file}`));
  expect([store.durable, existsSync(file)]).toEqual([true, false]);
  await store.open({ committed() {}, trouble() {} });
  expect(existsSync(file)).toBe(true);
  await store.close();
  expect(storeOf(storeChoice('memory')).durable).toBe(false);
});
