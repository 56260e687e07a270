import { EventLog } from '../log.ts';
import type { Store } from './store.ts';

/** The library's default store: everything in this process, gone with it. */
export function memoryStore(): Store {
  return {
    durable: false,
    openLog: (_sessionId, limits) => new EventLog(limits),
    close: async () => {},
  };
}
