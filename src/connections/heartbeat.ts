import type { Clock } from '../clock.ts';

/** What a heartbeat watches and tells. Times are `clock.uptime()`. */
export interface HeartbeatOptions {
  clock: Clock;
  intervalMs: number;
  /** When something last came in, and last went out. */
  lastInMs(): number;
  lastOutMs(): number;
  /** Sends a `session.ping`; counts as something going out. */
  ping(): void;
  /** Two whole intervals have passed with nothing in. */
  lost(): void;
}

/**
 * Watches one connection, from either end (§6.4): pings when for one interval nothing came in, or nothing went out; two
 * whole intervals with nothing in are a loss. Frames cost nothing here: one timer reads their times. Returns the way to stop.
 */
export function watchHeartbeat(options: HeartbeatOptions): () => void {
  const { clock, intervalMs } = options;
  let timer: unknown;
  let pingedMs = Number.NEGATIVE_INFINITY;
  function arm(): void {
    const pingDueMs = Math.max(Math.min(options.lastInMs(), options.lastOutMs()), pingedMs) + intervalMs;
    const lossDueMs = options.lastInMs() + 2 * intervalMs;
    timer = clock.setTimeout(beat, Math.max(1, Math.min(pingDueMs, lossDueMs) - clock.uptime()));
  }
  function beat(): void {
    const nowMs = clock.uptime();
    if (nowMs - options.lastInMs() >= 2 * intervalMs) {
      options.lost();
      return;
    }
    const quietSinceMs = Math.max(Math.min(options.lastInMs(), options.lastOutMs()), pingedMs);
    if (nowMs - quietSinceMs >= intervalMs) {
      pingedMs = nowMs;
      options.ping();
    }
    arm();
  }
  arm();
  return () => clock.clearTimeout(timer);
}
