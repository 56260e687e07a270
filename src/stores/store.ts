import type { EventLog, LogLimits } from '../log.ts';

/**
 * Where a runtime keeps what must outlive a connection. What a client has seen was first kept here.
 *
 * Contract: a log returned by `openLog` is empty, numbered from 1, and belongs to that session alone; it answers until
 * dropped. `durable` says whether a session can be resumed after the process ended: a runtime tells its clients so when it
 * shuts down (§6.7).
 */
export interface Store {
  readonly durable: boolean;
  openLog(sessionId: string, limits: LogLimits): EventLog;
  close(): Promise<void>;
}
