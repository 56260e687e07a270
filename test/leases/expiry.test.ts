// §8 of the protocol: when a lease ends.
import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../../src/clock.ts';
import { inheritedExpiry, readExpiry, remainingMs } from '../../src/leases/expiry.ts';

const start = Date.UTC(2030, 0, 1);
const at = (expires_at: unknown) => readExpiry({ expires_at }, simulatedClock(start));

describe('§8 expires_at', () => {
  for (const good of [
    '2030-01-01T00:00:01Z',
    '2030-01-01T00:00:00.001Z',
    '2032-02-29T00:00:00Z',
    '9999-12-31T23:59:59.999999999Z',
  ]) {
    test(`§8 ${good} is taken`, () => expect(at(good)).toMatchObject({ at: good, wallMs: Date.parse(good) }));
  }
  const bad: unknown[] = [
    '2029-12-31T23:59:59Z',
    '2030-01-01T00:00:00Z',
    '2031-01-01T00:00:00',
    '2031-01-01T00:00:00+00:00',
    '2031-01-01T00:00:00z',
    '2031-01-01 00:00:00Z',
    '2031-01-01',
    '2031-02-30T00:00:00Z',
    '2031-13-01T00:00:00Z',
    '2031-01-01T24:00:00Z',
    '2031-01-01T23:59:60Z',
    '+012031-01-01T00:00:00Z',
    'soon',
    '',
    null,
    1924992000000,
    ['2031-01-01T00:00:00Z'],
  ];
  for (const text of bad) {
    // proves P8.08
    test(`§8 ${JSON.stringify(text)} is INVALID_REQUEST`, () => {
      expect(() => at(text)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
    });
  }

  test('§8 without one a lease does not end; a constraint that nobody keeps is refused', () => {
    expect(readExpiry({}, simulatedClock(start))).toBeUndefined();
    const constraints = { max_calls: 3 };
    const unknown = () => readExpiry(constraints, simulatedClock(start));
    expect(unknown).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });

  test("§8, §10 the same limit under the name that Java's client has for it too is no other; an unlike one is refused", () => {
    const [expires_at, later] = ['2030-01-01T00:00:01Z', '2030-01-01T00:00:02Z'];
    const read = (constraints: object) => readExpiry(constraints, simulatedClock(start));
    expect(read({ expires_at, expiresAt: expires_at })).toMatchObject({ at: expires_at });
    for (const constraints of [
      { expires_at, expiresAt: later },
      { expiresAt: later },
      { expires_at, expiresAt: null },
    ]) {
      expect(() => read(constraints)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
    }
  });
});

describe('§8 clocks', () => {
  test('§8 a wall clock that steps back extends nothing; one that steps on takes away', () => {
    const clock = simulatedClock(start);
    const expiry = readExpiry({ expires_at: '2030-01-01T00:01:00Z' }, clock);
    if (!expiry) throw new Error('no expiry');
    clock.advance(30_000);
    clock.stepWall(-3_600_000);
    expect(remainingMs(expiry, clock)).toBe(30_000);
    clock.stepWall(3_600_000 + 29_000);
    expect(remainingMs(expiry, clock)).toBe(1000);
    clock.stepWall(1000);
    expect(remainingMs(expiry, clock)).toBe(0);
  });

  test('§8 a child has its parent’s expiry, or an earlier one, or the same; a later one is LEASE_SUBSET_VIOLATION', () => {
    const [early, late] = [at('2030-01-01T00:01:00Z'), at('2030-01-01T00:02:00Z')];
    expect(inheritedExpiry(undefined, late)).toBe(late);
    expect(inheritedExpiry(undefined, undefined)).toBeUndefined();
    expect(inheritedExpiry(early, undefined)).toBe(early);
    expect(inheritedExpiry(early, late)).toEqual(early);
    expect(inheritedExpiry(late, late)).toEqual(late);
    expect(() => inheritedExpiry(late, early)).toThrow(expect.objectContaining({ code: 'LEASE_SUBSET_VIOLATION' }));
  });
});
