// docs/embedding.md and its like show code that runs: each of their snippets is a part of a program of docs/examples/.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const docs = new URL('../../docs/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, docs), 'utf8');
const unindented = (code: string) => code.replace(/^ +/gm, '').trim();

const programs = readdirSync(new URL('examples/', docs)).map((name) => unindented(read(`examples/${name}`)));
const guides = ['embedding.md', 'observability.md', 'credentials.md'];
const snippets = [
  ...guides
    .map(read)
    .join('\n')
    .matchAll(/^```js\n(.*?)^```$/gms),
].map(([, code = '']) => code);

test('every snippet of the guides is a part of an example that is run by a test', () => {
  expect(snippets.length).toBeGreaterThan(5);
  for (const snippet of snippets) {
    expect(
      programs.some((program) => program.includes(unindented(snippet))),
      `in no example:\n${snippet}`,
    ).toBe(true);
  }
});

test('the embedding guide names every option of the runtime that sets a limit, with its default', () => {
  const options = read('../src/options.ts');
  const guide = read('embedding.md');
  const limits = [...options.matchAll(/(?:seconds|count)\(options, '(\w+)', ([\d_ *]+)\)/g)].map(
    ([, name = '']) => name,
  );
  expect(limits.length).toBeGreaterThan(10);
  for (const name of limits) expect(guide).toContain(`\`${name}\``);
});
