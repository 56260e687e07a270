/**
 * Time as the runtime and the client know it: every machine's `after`, every timestamp and every interval comes from one
 * clock, so that a test can bring its own (`simulatedClock`). Milliseconds throughout.
 */
export interface Clock {
  /** Wall-clock time since the epoch, for timestamps; may step. */
  now(): number;
  /** Time that never goes back, for measuring intervals. */
  uptime(): number;
  /** Calls back once after `delayMs`; an infinite delay never does. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The longest delay a timer of the platform can hold: above it, it would fire at once. */
const platformDelayMaxMs = 2 ** 31 - 1;

interface PlatformTimer {
  handle: ReturnType<typeof setTimeout> | undefined;
}

/** The machine's own clock. Its timers keep no process alive, unless `keepsAlive` says so. */
export function systemClock({ keepsAlive = false } = {}): Clock {
  function arm(timer: PlatformTimer, callback: () => void, delayMs: number): void {
    const leg = Math.min(delayMs, platformDelayMaxMs);
    timer.handle = setTimeout(() => {
      if (delayMs > leg) arm(timer, callback, delayMs - leg);
      else callback();
    }, leg);
    // Browsers' timers are plain numbers and have nothing to let go.
    if (!keepsAlive && typeof timer.handle === 'object') timer.handle.unref();
  }
  return {
    now: () => Date.now(),
    uptime: () => performance.now(),
    setTimeout(callback, delayMs) {
      const timer: PlatformTimer = { handle: undefined };
      if (delayMs !== Number.POSITIVE_INFINITY) arm(timer, callback, Math.max(0, delayMs));
      return timer;
    },
    clearTimeout(timer) {
      if (isPlatformTimer(timer)) clearTimeout(timer.handle);
    },
  };
}

let lastMs = Number.NaN;
let lastText = '';

/** A wall-clock time as ISO 8601 in UTC. Many events share a millisecond, and writing it is a tenth of an event's cost. */
export function isoTime(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastText;
}

function isPlatformTimer(timer: unknown): timer is PlatformTimer {
  return typeof timer === 'object' && timer !== null && 'handle' in timer;
}

/** A clock that moves only when told, for tests of whatever waits: timers fire in the order of their times. */
export interface SimulatedClock extends Clock {
  /** Moves time on by `byMs`, firing every timer due on the way at its own time. */
  advance(byMs: number): void;
  /** Milliseconds until the next timer, undefined when none is set. */
  nextInMs(): number | undefined;
  /** Steps the wall clock alone, as an administrator might. */
  stepWall(byMs: number): void;
}

interface SimulatedTimer {
  atMs: number;
  order: number;
  callback: () => void;
}

/** A clock standing at `startMs` of wall time. */
export function simulatedClock(startMs = Date.UTC(2026, 0, 1)): SimulatedClock {
  const timers = new Set<SimulatedTimer>();
  let uptimeMs = 0;
  let wallOffsetMs = startMs;
  let order = 0;
  const next = () => {
    let first: SimulatedTimer | undefined;
    for (const timer of timers) {
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  };
  return {
    now: () => wallOffsetMs + uptimeMs,
    uptime: () => uptimeMs,
    setTimeout(callback, delayMs) {
      order += 1;
      const timer = { atMs: uptimeMs + Math.max(0, delayMs), order, callback };
      if (delayMs !== Number.POSITIVE_INFINITY) timers.add(timer);
      return timer;
    },
    clearTimeout(timer) {
      for (const set of timers) if (set === timer) timers.delete(set);
    },
    advance(byMs) {
      const untilMs = uptimeMs + byMs;
      for (let timer = next(); timer && timer.atMs <= untilMs; timer = next()) {
        timers.delete(timer);
        uptimeMs = timer.atMs;
        timer.callback();
      }
      uptimeMs = untilMs;
    },
    nextInMs() {
      const timer = next();
      return timer && timer.atMs - uptimeMs;
    },
    stepWall(byMs) {
      wallOffsetMs += byMs;
    },
  };
}
