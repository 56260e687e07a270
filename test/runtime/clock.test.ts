import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { simulatedClock, systemClock } from '../../src/clock.ts';

const dayMs = 24 * 3_600_000;

describe('a simulated clock', () => {
  test('stands still until it is told to move, wall clock and uptime alike', () => {
    const clock = simulatedClock(Date.UTC(2026, 5, 1));
    expect([clock.now(), clock.uptime()]).toEqual([Date.UTC(2026, 5, 1), 0]);
    clock.advance(1500);
    expect([clock.now(), clock.uptime()]).toEqual([Date.UTC(2026, 5, 1) + 1500, 1500]);
  });

  test('fires timers in the order of their times, each at its own time, equal ones in the order they were set', () => {
    const clock = simulatedClock();
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name} at ${clock.uptime()}`);
    clock.setTimeout(note('late'), 300);
    clock.setTimeout(note('early'), 100);
    clock.setTimeout(note('also early'), 100);
    clock.setTimeout(note('too late'), 301);
    clock.advance(300);
    expect(fired).toEqual(['early at 100', 'also early at 100', 'late at 300']);
    expect(clock.nextInMs()).toBe(1);
  });

  test('fires a timer that another one sets on the way', () => {
    const clock = simulatedClock();
    const fired: number[] = [];
    const beat = () => {
      fired.push(clock.uptime());
      clock.setTimeout(beat, 100);
    };
    clock.setTimeout(beat, 100);
    clock.advance(350);
    expect(fired).toEqual([100, 200, 300]);
  });

  test('never fires a timer that was cleared, twice cleared, or infinitely far away', () => {
    const clock = simulatedClock();
    const never = () => expect.unreachable();
    const timer = clock.setTimeout(never, 10);
    clock.clearTimeout(timer);
    clock.clearTimeout(timer);
    clock.clearTimeout(undefined);
    clock.setTimeout(never, Number.POSITIVE_INFINITY);
    expect(clock.nextInMs()).toBeUndefined();
    clock.advance(1000 * dayMs);
  });

  test('steps its wall clock without firing a timer or touching uptime', () => {
    const clock = simulatedClock(0);
    clock.setTimeout(() => expect.unreachable(), 10);
    clock.stepWall(dayMs);
    expect([clock.now(), clock.uptime(), clock.nextInMs()]).toEqual([dayMs, 0, 10]);
  });

  test('fires a delay below zero at once when moved, not before now', () => {
    const clock = simulatedClock();
    clock.advance(50);
    const fired: number[] = [];
    clock.setTimeout(() => fired.push(clock.uptime()), -20);
    expect(fired).toEqual([]);
    clock.advance(0);
    expect(fired).toEqual([50]);
  });
});

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('tells the time since the epoch and a time that never goes back', () => {
    const clock = systemClock();
    const [wall, uptime] = [clock.now(), clock.uptime()];
    vi.advanceTimersByTime(1234);
    expect([clock.now() - wall, Math.round(clock.uptime() - uptime)]).toEqual([1234, 1234]);
  });

  test('fires once, when its delay is over', () => {
    const clock = systemClock();
    let fired = 0;
    clock.setTimeout(() => {
      fired += 1;
    }, 100);
    vi.advanceTimersByTime(99);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1000);
    expect(fired).toBe(1);
  });

  test('holds a delay longer than a timer of the platform can, which would fire at once', () => {
    const clock = systemClock();
    const delayMs = 60 * dayMs;
    let fired = 0;
    clock.setTimeout(() => {
      fired += 1;
    }, delayMs);
    vi.advanceTimersByTime(delayMs - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('clears a long delay on any of its legs', () => {
    const clock = systemClock();
    const timer = clock.setTimeout(() => expect.unreachable(), 60 * dayMs);
    vi.advanceTimersByTime(30 * dayMs);
    expect(vi.getTimerCount()).toBe(1);
    clock.clearTimeout(timer);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(100 * dayMs);
  });

  test('sets no timer for an infinite delay, and can clear it all the same', () => {
    const clock = systemClock();
    const timer = clock.setTimeout(() => expect.unreachable(), Number.POSITIVE_INFINITY);
    expect(vi.getTimerCount()).toBe(0);
    clock.clearTimeout(timer);
    clock.clearTimeout(undefined);
  });

  test('fires a delay below zero at the next turn', () => {
    const clock = systemClock();
    let fired = 0;
    clock.setTimeout(() => {
      fired += 1;
    }, -5);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });
});

describe('the system clock and its process', () => {
  test('keeps no process alive by its timers, unless it is told to', () => {
    const held = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = held();
    const idle = systemClock();
    const idleTimer = idle.setTimeout(() => {}, dayMs);
    const longTimer = idle.setTimeout(() => {}, 60 * dayMs);
    expect(held()).toBe(before);
    const keeping = systemClock({ keepsAlive: true });
    const keepingTimer = keeping.setTimeout(() => {}, dayMs);
    expect(held()).toBe(before + 1);
    keeping.clearTimeout(keepingTimer);
    expect(held()).toBe(before);
    for (const timer of [idleTimer, longTimer]) idle.clearTimeout(timer);
  });
});
