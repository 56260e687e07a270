import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const operations = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const here = new URL('./', import.meta.url);
const tests = readdirSync(here)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(new URL(name, here), 'utf8'))
  .join('\n');

test('every fault in docs/operations.md names a test that there is, and every test of a fault is named', () => {
  const section = operations.split('\n## ').find((one) => one.startsWith('When the disk fails')) ?? '';
  const named = [...section.matchAll(/^\|.*\| `([^`]+)` +\|$/gm)].map(([, title = '']) => title);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((title) => !tests.includes(title))).toEqual([]);
  const faults = readFileSync(new URL('faults.test.ts', here), 'utf8');
  const titles = [...faults.matchAll(/^test\('([^']+)'/gm)].map(([, title]) => title);
  const unnamed = titles.filter((title) => !named.includes(title ?? ''));
  expect(unnamed).toEqual(['flush does not wait for the next try: it tries']);
});

test('every option of sqliteStore is in docs/operations.md', () => {
  const source = readFileSync(new URL('../../src/stores/sqlite.ts', import.meta.url), 'utf8');
  const options = [...source.matchAll(/^ {2}(\w+)\?: /gm)].map(([, name]) => name);
  expect(options.length).toBeGreaterThan(8);
  expect(options.filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
});
