// `npm run mutants` takes minutes and is not part of every run; that its patches still fit the code is told at once.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mutants } from './mutants.mjs';

test('each way of breaking the runtime still finds the text it replaces, exactly once', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(25);
  const astray = mutants.flatMap(({ name, patches }) => {
    const textByFile = new Map<string, string>();
    return patches.flatMap(({ file, find, replace }) => {
      const text = textByFile.get(file) ?? readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
      textByFile.set(
        file,
        text.replace(find, () => replace),
      );
      const times = text.split(find).length - 1;
      return times === 1 ? [] : [`${name}: ${times} times in ${file}`];
    });
  });
  expect(astray).toEqual([]);
});
