import { type Driver, type DriverName, openDriver, resultCode } from './driver.ts';
import { makePrivate } from './files.ts';

/** The lock of a store is a lock on a file beside it: other programs can read the database, a backup for one. */
export function lockFileOf(file: string): string {
  return `${file}-lock`;
}

/** Held until it is released, or the process ends, in whatever way: the operating system knows no lock of a dead process. */
export class Lock {
  readonly #driver: Driver;

  /** Throws `Locked` where another store holds it for longer than `waitMs`. */
  constructor(file: string, options: { driver: DriverName | undefined; waitMs: number }) {
    makePrivate(lockFileOf(file));
    this.#driver = openDriver(lockFileOf(file), options.driver);
    this.#driver.exec(`PRAGMA busy_timeout = ${options.waitMs}`);
    try {
      this.#driver.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      throw resultCode(error) === sqliteBusy ? new Locked() : error;
    }
  }

  release(): void {
    this.#driver.exec('ROLLBACK');
  }
}

export class Locked extends Error {}

const sqliteBusy = 5;
