import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../../src/connections/rate.ts';

/** How many of `tries` in a row are let through at one moment. */
function letThrough(bucket: ReturnType<typeof tokenBucket>, nowMs: number, tries: number): number {
  let count = 0;
  for (let i = 0; i < tries; i += 1) if (bucket.take(nowMs)) count += 1;
  return count;
}

describe('a token bucket', () => {
  test('lets a burst of twice its rate through, and not one more', () => {
    expect(letThrough(tokenBucket(10), 0, 100)).toBe(20);
  });

  test('refills at its rate', () => {
    const bucket = tokenBucket(10);
    letThrough(bucket, 0, 100);
    expect(letThrough(bucket, 99, 100)).toBe(0);
    expect(letThrough(bucket, 100, 100)).toBe(1);
    expect(letThrough(bucket, 1_100, 100)).toBe(10);
  });

  test('never holds more than one burst, however long nothing came', () => {
    const bucket = tokenBucket(10);
    letThrough(bucket, 0, 100);
    expect(letThrough(bucket, 24 * 3_600_000, 100)).toBe(20);
  });

  test('never refuses who keeps to the rate, wherever its clock began', () => {
    const bucket = tokenBucket(1000);
    const beganMs = 7_654_321.5;
    for (let i = 0; i < 10_000; i += 1) expect(bucket.take(beganMs + i)).toBe(true);
  });

  test('is not fooled by being asked again while it is empty: refusals cost nothing and bring nothing', () => {
    const bucket = tokenBucket(1);
    letThrough(bucket, 0, 2);
    for (let ms = 1; ms < 1000; ms += 1) expect(bucket.take(ms)).toBe(false);
    // A thousand thousandths may come to a hair under one.
    expect(letThrough(bucket, 1001, 10)).toBe(1);
  });
});
