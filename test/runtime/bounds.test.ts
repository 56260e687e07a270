// What a JSON text may be and still be no frame: too deep, or with a number that nothing holds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundsFault, depthMax } from '../../src/wire/bounds.ts';

const fault = (text: string) => boundsFault(text, JSON.parse(text));
const lists = (depth: number, core = '') => '['.repeat(depth) + core + ']'.repeat(depth);
const objects = (depth: number, core = '1') => `${'{"a":'.repeat(depth)}${core}${'}'.repeat(depth)}`;
const tooDeep = `the frame is nested deeper than ${depthMax} levels`;

/** How deep a value is, said in the most obvious way. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('depth', () => {
  test('the limit itself passes, one level more does not, whatever it is made of', () => {
    for (const nest of [lists, objects]) {
      expect(fault(nest(depthMax))).toBeUndefined();
      expect(fault(nest(depthMax + 1))).toBe(tooDeep);
    }
    expect(fault(lists(64, objects(64)))).toBeUndefined();
    expect(fault(lists(64, objects(65)))).toBe(tooDeep);
  });

  test('many brackets side by side are not deep', () => {
    expect(fault(`[${Array(10_000).fill('[]').join(',')}]`)).toBeUndefined();
  });

  test('brackets in texts do not count, however the text ends', () => {
    const brackets = '[{'.repeat(500);
    for (const text of [
      brackets,
      `${brackets}"`,
      `${brackets}\\`,
      `\\"${brackets}\\\\"`,
      `"${brackets}`,
      '\\'.repeat(999),
    ]) {
      expect(fault(JSON.stringify([text, { [text]: text }]))).toBeUndefined();
      expect(fault(`[${JSON.stringify(text)},${lists(depthMax)}]`)).toBe(tooDeep);
    }
  });

  test('is what a walk through the value finds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 110, max: 140 }), (value, around) => {
        const text = lists(around, JSON.stringify(value));
        expect(fault(text) === tooDeep).toBe(depthOf(JSON.parse(text)) > depthMax);
      }),
    );
  });

  test('costs a time that grows with the text, and with nothing else', () => {
    const megabyte = 2 ** 20;
    const worst = ['"'.repeat(2), '\\\\', '[],', '1e1', '9'.repeat(308), '{"":"'].map((part) =>
      part.repeat(Math.ceil(megabyte / part.length)),
    );
    for (const text of [...worst, `"${'\\'.repeat(megabyte)}"`, '"'.repeat(megabyte), '9'.repeat(megabyte)]) {
      const startedMs = performance.now();
      boundsFault(text, {});
      expect(performance.now() - startedMs, text.slice(0, 20)).toBeLessThan(500);
    }
  });
});

describe('numbers', () => {
  const tooLarge = 'the frame has a number that is too large to be kept';

  test('one that no double holds is refused, wherever it stands and however it is written', () => {
    for (const number of [
      '1e309',
      '1E400',
      '-1e999',
      '1e+0309',
      `1${'0'.repeat(309)}`,
      '2e308',
      `-9${'9'.repeat(400)}.5`,
    ]) {
      for (const text of [`[${number}]`, `{"a":[{"b":${number}}]}`]) expect(fault(text), number).toBe(tooLarge);
    }
  });

  test('any other is kept: huge, tiny, negative zero, and those in texts', () => {
    const fine = [
      '1e308',
      '1.7976931348623157e308',
      '1e-400',
      '-0',
      '0.5',
      '12345678901234567890',
      '"1e999"',
      `"${'9'.repeat(400)}"`,
    ];
    for (const number of fine) expect(fault(`[${number}]`), number).toBeUndefined();
    expect(fault('["a 1e999 b", 1e100]')).toBeUndefined();
  });
});
