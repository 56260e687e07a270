import { expect, test } from 'vitest';
import { citations, requirements } from './support/requirements.ts';

// docs/requirements.json has every sentence of the protocol; a test that proves one says so above it: `// proves P6.14`.

test('every sentence of the protocol is proved by a test that says so', () => {
  const proved = new Set(citations().map(({ id }) => id));
  const unproved = requirements().filter(({ id }) => !proved.has(id));
  expect(requirements().length).toBeGreaterThan(150);
  expect(unproved.map(({ id, sentence }) => `${id} ${sentence}`)).toEqual([]);
});

test('what a test says it proves is a sentence of the protocol, and the test is one that runs', () => {
  const known = new Set(requirements().map(({ id }) => id));
  const wrong = citations().filter(({ id, title }) => !known.has(id) || title === undefined);
  expect(wrong.map(({ id, path, line }) => `${path}:${line} ${id}`)).toEqual([]);
});

test('a sentence of the protocol has one id, and the ids count up', () => {
  const ids = requirements().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const counts = new Map<string, number>();
  for (const id of ids) {
    const [part = ''] = id.split('.');
    const count = (counts.get(part) ?? 0) + 1;
    counts.set(part, count);
    expect(id).toBe(`${part}.${String(count).padStart(2, '0')}`);
  }
});
