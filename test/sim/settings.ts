import { type Clock, memoryStore, type SimulatedClock, type Store, simulatedClock } from '../../src/index.ts';
import type { Oracle } from './oracle.ts';
import type { Policy } from './promise.ts';

/** How the runtime of a story is set up: drawn, so that limits are met and not. */
export function drawPolicy(pick: <Value>(values: readonly Value[]) => Value): Policy {
  return {
    onBye: pick(['cancel', 'keep'] as const),
    onExpire: pick(['cancel', 'keep'] as const),
    windowMs: 60_000,
    graceMs: 20_000,
    heartbeatMs: pick([10, 30, 1000]) * 1000,
    handshakeMs: 10_000,
    stallMs: 5_000,
    retentionMs: 30_000,
    bufferEvents: pick([20, 10_000]),
    maxUnsentBytes: pick([2_000, 8 * 2 ** 20]),
    backPressure: pick([5, 1000]),
  };
}

/** The options that say so to a runtime. */
export function optionsOf(policy: Policy) {
  const { onBye, onExpire, bufferEvents, maxUnsentBytes, backPressure } = policy;
  return {
    onBye,
    onExpire,
    bufferEvents,
    maxUnsentBytes,
    backPressure,
    resumeWindowSec: policy.windowMs / 1000,
    cancelGraceSec: policy.graceMs / 1000,
    heartbeatSec: policy.heartbeatMs / 1000,
    handshakeTimeoutSec: policy.handshakeMs / 1000,
    stallTimeoutSec: policy.stallMs / 1000,
    jobRetentionSec: policy.retentionMs / 1000,
  };
}

/** A simulated clock that knows how many timers run. */
export function countingClock(): SimulatedClock & { running(): number } {
  const inner = simulatedClock();
  const running = new Set<unknown>();
  const setTimeout: Clock['setTimeout'] = (callback, delayMs) => {
    const timer = inner.setTimeout(() => {
      running.delete(timer);
      callback();
    }, delayMs);
    if (delayMs !== Number.POSITIVE_INFINITY) running.add(timer);
    return timer;
  };
  const clearTimeout: Clock['clearTimeout'] = (timer) => {
    running.delete(timer);
    inner.clearTimeout(timer);
  };
  return { ...inner, setTimeout, clearTimeout, running: () => running.size };
}

/** A store in memory that the oracle watches, and whose disk can be full for some sessions. */
export function watchedStore(oracle: Oracle) {
  const full = new Set<string>();
  const memory = memoryStore();
  const openLog: Store['openLog'] = (sessionId, limits) => {
    const log = memory.openLog(sessionId, limits);
    const append = log.append.bind(log);
    oracle.keeping.opensLog(sessionId);
    log.append = (head, tail) => {
      if (full.has(sessionId)) {
        oracle.keeping.refusesToKeep(sessionId, /"type":"job\.(result|error)"/.test(head));
        throw new Error('no space left on the simulated disk');
      }
      const seq = oracle.keeping.log(sessionId).newest + 1;
      oracle.keeping.appends(sessionId, `${head}${seq}${tail}`);
      const given = append(head, tail);
      if (given !== seq) oracle.fault(`${sessionId} numbered ${given} what comes after ${seq - 1}`);
      return given;
    };
    return log;
  };
  const store: Store = { ...memory, openLog };
  return { store, full };
}
