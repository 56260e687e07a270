import { type Clock, type SimulatedClock, simulatedClock } from '../../src/index.ts';

/** A simulated clock that knows how many timers run, and tells when one has fired. */
export interface SimClock extends SimulatedClock {
  running(): number;
  onFired(listener: () => void): void;
}

export function simClock(startMs?: number): SimClock {
  const inner = simulatedClock(startMs);
  const running = new Set<unknown>();
  let fired = () => {};
  const setTimeout: Clock['setTimeout'] = (callback, delayMs) => {
    const timer = inner.setTimeout(() => {
      running.delete(timer);
      callback();
      fired();
    }, delayMs);
    if (delayMs !== Number.POSITIVE_INFINITY) running.add(timer);
    return timer;
  };
  const clearTimeout: Clock['clearTimeout'] = (timer) => {
    running.delete(timer);
    inner.clearTimeout(timer);
  };
  const onFired = (listener: () => void) => {
    fired = listener;
  };
  return { ...inner, setTimeout, clearTimeout, running: () => running.size, onFired };
}
