import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../../src/clock.ts';
import { ExpiringMap } from '../../src/expiring-map.ts';

function world({ keepMs = 1000, entriesMax = 10 } = {}) {
  const clock = simulatedClock();
  return { clock, map: new ExpiringMap<string, string>({ clock, keepMs, entriesMax }) };
}

describe('an expiring map', () => {
  test('gives back what was set, and nothing for what was not', () => {
    const { map } = world();
    map.set('a', 'first');
    expect(map.get('a')).toBe('first');
    expect(map.get('b')).toBeUndefined();
  });

  test('keeps an entry up to its last millisecond, and frees it at the end of it', () => {
    const { clock, map } = world();
    map.set('a', 'first');
    clock.advance(999);
    expect(map.get('a')).toBe('first');
    clock.advance(1);
    expect(map.get('a')).toBeUndefined();
    expect(map.size).toBe(0);
  });

  test('counts the time of each entry from when it was set', () => {
    const { clock, map } = world();
    map.set('a', 'first');
    clock.advance(600);
    map.set('b', 'second');
    clock.advance(600);
    expect([map.get('a'), map.get('b'), map.size]).toEqual([undefined, 'second', 1]);
    clock.advance(400);
    expect([map.get('b'), map.size]).toEqual([undefined, 0]);
  });

  test('begins the time of an entry anew when it is set again', () => {
    const { clock, map } = world();
    map.set('a', 'first');
    map.set('b', 'second');
    clock.advance(600);
    map.set('a', 'third');
    clock.advance(600);
    expect([map.get('a'), map.get('b'), map.size]).toEqual(['third', undefined, 1]);
  });

  test('lets its oldest entry go when it is full, and never its newest', () => {
    const { map } = world({ entriesMax: 2 });
    for (const key of ['a', 'b', 'c']) map.set(key, key);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([undefined, 'b', 'c', 2]);
    map.set('b', 'again');
    map.set('d', 'd');
    expect([map.get('c'), map.get('b'), map.get('d')]).toEqual([undefined, 'again', 'd']);
  });

  test('is not shortened or lengthened by a step of the wall clock', () => {
    const { clock, map } = world();
    map.set('a', 'first');
    clock.stepWall(3_600_000);
    expect(map.get('a')).toBe('first');
    clock.stepWall(-7_200_000);
    clock.advance(1000);
    expect(map.get('a')).toBeUndefined();
  });

  test('needs one timer however many entries it has, and none when it is empty or cleared', () => {
    const { clock, map } = world();
    for (const key of 'abcdef') map.set(key, key);
    clock.advance(1000);
    expect(clock.nextInMs()).toBeUndefined();
    map.set('a', 'again');
    map.clear();
    expect([map.size, clock.nextInMs()]).toEqual([0, undefined]);
    map.set('b', 'after');
    expect([map.get('b'), clock.nextInMs()]).toEqual(['after', 1000]);
  });

  test('that keeps forever keeps forever', () => {
    const { clock, map } = world({ keepMs: Number.POSITIVE_INFINITY });
    map.set('a', 'first');
    clock.advance(100 * 365 * 24 * 3_600_000);
    expect(map.get('a')).toBe('first');
  });
});
