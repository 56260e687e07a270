// §8 of the protocol: no child ever allows what its parent forbids, against every short text there is.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Pattern, readPattern } from '../../src/leases/pattern.ts';
import { firstBeyond } from '../../src/leases/subset.ts';
import { seeded } from '../support/socket.ts';
import { bruteCovers, everyText } from './brute.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1e9);
console.info(`seed ${seed}`);

const pairs = 10_000;
const segments = ['a', 'b', 'ab', '*', 'a*', '*b', '*a*', 'a*b', '**', '**'];
const targets = everyText(['a', 'b', 'c', '/'], 6);

/** Which of the targets a pattern covers, by the definition; each pattern is tried once. */
const coveredBy = new Map<string, readonly boolean[]>();
function brute(pattern: string): readonly boolean[] {
  const known = coveredBy.get(pattern) ?? targets.map((target) => bruteCovers(pattern, target, '/'));
  coveredBy.set(pattern, known);
  return known;
}

const isSubset = (child: readonly Pattern[], parent: readonly Pattern[]) => firstBeyond(child, parent) === undefined;
const read = (texts: readonly string[]) => texts.map((text) => readPattern(text, '/'));

/** A target that one of the child's patterns covers and none of the parent's. */
function escapeOf(child: readonly string[], parent: readonly string[]): string | undefined {
  const [inner, outer] = [child.map(brute), parent.map(brute)];
  return targets.find((_, at) => inner.some((covered) => covered[at]) && !outer.some((covered) => covered[at]));
}

describe('§8 a child lease is a subset of its parent’s', () => {
  // proves P8.15
  test(`§8 ${pairs} random pairs: no child allows a target that its parent forbids, and few are refused for nothing`, () => {
    const draw = seeded(seed);
    const pattern = () => Array.from({ length: 1 + draw(3) }, () => segments[draw(segments.length)] ?? 'a').join('/');
    const patterns = (max: number) => Array.from({ length: 1 + draw(max) }, pattern);
    const tally = { allowed: 0, refused: 0, refusedWithoutEscape: 0 };
    for (let pair = 0; pair < pairs; pair += 1) {
      const [child, parent] = [patterns(2), patterns(3)];
      const got = escapeOf(child, parent);
      if (isSubset(read(child), read(parent))) {
        tally.allowed += 1;
        expect(got, `${child.join()} was taken to be within ${parent.join()}`).toBeUndefined();
      } else {
        tally.refused += 1;
        tally.refusedWithoutEscape += Number(got === undefined);
      }
    }
    console.info(tally);
    expect(tally.allowed).toBeGreaterThan(pairs / 20);
    expect(tally.refused).toBeGreaterThan(pairs / 20);
    // What is left over escapes with a longer text than were tried.
    expect(tally.refusedWithoutEscape / tally.refused).toBeLessThan(0.05);
  });

  test('§8 what is found to escape, escapes: shrunk where it does not', () => {
    const pattern = fc.array(fc.constantFrom(...segments), { minLength: 1, maxLength: 2 }).map((all) => all.join('/'));
    const property = fc.property(fc.array(pattern, { minLength: 1, maxLength: 2 }), pattern, (parent, child) => {
      const got = escapeOf([child], parent);
      expect(isSubset(read([child]), read(parent))).toBe(got === undefined);
    });
    fc.assert(property, { seed, numRuns: 3000 });
  });

  test('§8 equal is allowed, and so is every pattern within itself, in whatever company', () => {
    for (const one of segments) {
      expect(isSubset(read([`x/${one}`]), read([`x/${one}`]))).toBe(true);
      expect(isSubset(read([`x/${one}`, 'y']), read(['y', 'z', `x/${one}`]))).toBe(true);
    }
  });

  const proofs: [child: string, parent: string[], isWithin: boolean][] = [
    ['/data/a.txt', ['/data/**'], true],
    ['/data', ['/data/**'], true],
    ['/data/*', ['/data/**'], true],
    ['/data/**', ['/data/*'], false],
    ['/data/**/x', ['/data/**'], true],
    ['/data/x*', ['/data/*'], true],
    ['/data/*', ['/data/x*'], false],
    ['/**', ['/data/**'], false],
    ['/DATA/x', ['/data/**'], false],
    ['/data/*/**', ['/data/*/*/**'], false],
    ['/data/a*', ['/data/a', '/data/a*a', '/data/a*b'], false],
    ['/data/**', ['/data/*/**'], false],
    ['/x/**/x', ['/x/x', '/x/**/*/x', '/x/**//x'], true],
    ['/a*', ['/a', '/a*b', '/a*c'], false],
  ];
  for (const [child, parent, isWithin] of proofs) {
    test(`§8 ${child} is ${isWithin ? '' : 'not '}within ${parent.join(' and ')}`, () => {
      expect(isSubset(read([child]), read(parent))).toBe(isWithin);
    });
  }

  test('§8 a proof that would take too long is none: the answer is no, and comes at once', () => {
    const child = read([`/${'a*b*'.repeat(60)}`]);
    const parent = read(Array.from({ length: 200 }, (_, at) => `/*${'ab*'.repeat(80)}${at}*`));
    const beganMs = performance.now();
    expect(isSubset(child, parent)).toBe(false);
    const tookMs = performance.now() - beganMs;
    console.info(`given up after ${tookMs.toFixed(0)} ms`);
    expect(tookMs).toBeLessThan(2000);
  });
});
