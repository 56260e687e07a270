import type { Recovered, StoreTrouble } from '../store.ts';
import type { Step } from './batch.ts';
import type { DriverName } from './driver.ts';

/** How a store behaves, every limit settled. */
export interface SqliteSettings {
  synchronous: 'NORMAL' | 'FULL';
  driver: DriverName | undefined;
  retryMs: number;
  lockWaitMs: number;
  commitBytes: number;
  fileBytes: number;
  walBytes: number;
  syncMs: number;
  vacuumIdleMs: number;
  freePages: number;
}

/** What the worker is started with. */
export interface WorkerStart {
  file: string;
  settings: SqliteSettings;
}

/** What the worker is told. */
export type ToWorker =
  /** Steps that lead to `position`: committed together, behind all before. */
  | { do: 'commit'; position: number; length: number; steps: readonly Step[] }
  | { do: 'read'; request: number; log: string; fromSeq: number; toSeq: number }
  /** Do not wait for the next time to try again: try now, and say how it went. */
  | { do: 'attempt' }
  | { do: 'close' };

/** What it tells. */
export type FromWorker =
  | { did: 'open'; recovered: Recovered }
  | { did: 'refuse'; message: string }
  | { did: 'commit'; position: number }
  /** Every attempt that failed; undefined: all is committed again. */
  | { did: 'fail'; trouble: StoreTrouble | undefined }
  | { did: 'read'; request: number; texts: string[] }
  | { did: 'misread'; request: number; message: string };
