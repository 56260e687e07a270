import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Driver, type DriverName, driverNames, hasDriver, openDriver } from '../../src/stores/sqlite/driver.ts';
import { lockFileOf } from '../../src/stores/sqlite/lock.ts';
import { type SqliteOptions, sqliteStore } from '../../src/stores/sqlite.ts';
import type { Medium } from './medium.ts';

/** The drivers this Node has; those it has not are told. */
export function driversHere(): DriverName[] {
  const missing = driverNames.filter((name) => !hasDriver(name));
  for (const name of missing) console.log(`skipped: the stores' tests with ${name}, which ${process.version} has not`);
  return driverNames.filter((name) => hasDriver(name));
}

export interface SqliteMedium extends Medium {
  readonly directory: string;
  readonly file: string;
}

/** A database in a directory of its own. */
export async function sqliteMedium(options: SqliteOptions = {}): Promise<SqliteMedium> {
  const directory = mkdtempSync(join(tmpdir(), 'arcp-store-'));
  const file = join(directory, 'data', 'arcp.db');
  const store = () => sqliteStore(file, { lockWaitMs: 20, retryMs: 20, ...options });
  return {
    directory,
    file,
    store,
    intruder: () => {
      rmSync(lockFileOf(file), { force: true });
      return store();
    },
    discard: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A look into a file beside the store, or after it: another program's. */
export function beside(file: string, driver?: DriverName): Driver {
  const other = openDriver(file, driver);
  other.exec('PRAGMA busy_timeout = 5000');
  return other;
}

export function isSound(file: string, driver?: DriverName): boolean {
  return beside(file, driver).prepare('PRAGMA integrity_check').all()[0]?.integrity_check === 'ok';
}
