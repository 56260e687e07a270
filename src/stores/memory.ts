import { EventLog } from '../log.ts';
import type { Store } from './store.ts';

/** The library's default store: everything in this process, gone with it. */
export function memoryStore(): Store {
  let written = 0;
  return {
    durable: false,
    get written() {
      return written;
    },
    get committed() {
      return written;
    },
    open: async () => ({ epoch: 1, uptimeMs: 0, records: [], logs: new Map() }),
    write: (changes) => {
      written += changes.length;
      return written;
    },
    readFrames: async () => [],
    openLog: (_sessionId, limits) => new EventLog(limits),
    flush: async () => {},
    close: async () => {},
  };
}
