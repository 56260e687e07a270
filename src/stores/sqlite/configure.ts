import type { Driver } from './driver.ts';
import type { SqliteSettings } from './messages.ts';

type Settings = Pick<SqliteSettings, 'synchronous' | 'walBytes' | 'fileBytes'>;

/** Says how a database is written: what a connection forgets, and, of a file that is new, what it keeps. */
export function configure(driver: Driver, settings: Settings): void {
  // Pages that hold nothing are given back in small steps; it has to be said before there is a table.
  driver.exec('PRAGMA auto_vacuum = INCREMENTAL');
  driver.exec(`PRAGMA busy_timeout = ${busyWaitMs}`);
  const [row] = driver.prepare('PRAGMA journal_mode = WAL').all();
  if (row?.journal_mode !== 'wal') throw new Error('Its file system cannot hold a write-ahead log.');
  driver.exec(`PRAGMA synchronous = ${settings.synchronous}`);
  const pageBytes = Number(driver.prepare('PRAGMA page_size').all()[0]?.page_size);
  driver.exec(`PRAGMA journal_size_limit = ${settings.walBytes}`);
  driver.exec(`PRAGMA wal_autocheckpoint = ${Math.max(1, Math.floor(settings.walBytes / 2 / pageBytes))}`);
  if (settings.fileBytes < Number.POSITIVE_INFINITY) {
    driver.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(settings.fileBytes / pageBytes))}`);
  }
}

/** How long a commit waits for another program that reads or writes the file, before it is tried again later. */
const busyWaitMs = 500;
