import { memoryStore, type Store } from '../../src/index.ts';
import type { Oracle } from './oracle.ts';

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
