import { resolve } from 'node:path';
import type { DriverName } from './sqlite/driver.ts';
import { SqliteStore } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

/** How a SQLite store behaves. What is promised with each setting: docs/operations.md. */
export interface SqliteOptions {
  /** `NORMAL`: a killed process loses nothing, a power cut the last second (`syncMs`). `FULL`: neither does. Default `NORMAL`. */
  synchronous?: 'NORMAL' | 'FULL';
  /** Default: `node:sqlite` where this Node has it (from 22.13), else the package `libsql`. */
  driver?: DriverName;
  /** How long after a commit that failed it is tried again. Default 1000. */
  retryMs?: number;
  /** How long `open` waits for another process to let go of the file. Default 1000. */
  lockWaitMs?: number;
  /** Bytes that wait to be committed above which the store says that it is too slow. Default 16 MiB. */
  behindBytes?: number;
  /** Bytes that wait to be committed above which it gives up, for good. Default 256 MiB. */
  queueBytes?: number;
  /** Bytes after which what one turn of the event loop writes is handed on in parts. Default 1 MiB. */
  batchBytes?: number;
  /** Bytes of one transaction, at most, unless one write is larger. Default 8 MiB. */
  commitBytes?: number;
  /** Bytes the database may grow to; above them it is `full`. Default: what the disk holds. */
  fileBytes?: number;
  /** Bytes of the write-ahead log that are kept when it has been brought into the database. Default 8 MiB. */
  walBytes?: number;
  /** How long after a commit, at most, the disk is made to have it under `NORMAL`. Default 1000. */
  syncMs?: number;
  /** How long nothing is written before free space is given back. Default 1000. */
  vacuumIdleMs?: number;
  /** Pages of 4 KiB that are kept free for what comes next. Default 1024. */
  freePages?: number;
}

const mebibyte = 1_048_576;

const defaults = {
  synchronous: 'NORMAL',
  driver: undefined,
  retryMs: 1000,
  lockWaitMs: 1000,
  behindBytes: 16 * mebibyte,
  queueBytes: 256 * mebibyte,
  batchBytes: mebibyte,
  commitBytes: 8 * mebibyte,
  fileBytes: Number.POSITIVE_INFINITY,
  walBytes: 8 * mebibyte,
  syncMs: 1000,
  vacuumIdleMs: 1000,
  freePages: 1024,
} as const;

/**
 * A store in one SQLite file, which a thread of its own reads and writes. `open` makes the file (0600) and its directory where
 * there are none, takes it to the newest schema, and refuses one that another process has open. Until it is closed, the process
 * does not end by itself.
 */
export function sqliteStore(file: string, options: SqliteOptions = {}): Store {
  return new SqliteStore(resolve(file), { ...defaults, ...options });
}
