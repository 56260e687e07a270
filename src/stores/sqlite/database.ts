import { hostname } from 'node:os';
import type { Recovered } from '../store.ts';
import type { Step } from './batch.ts';
import { configure } from './configure.ts';
import { type Driver, openDriver, type Statement } from './driver.ts';
import { Fenced } from './fenced.ts';
import { makePrivate } from './files.ts';
import { Lock, Locked } from './lock.ts';
import { LogTable, type StoredLog } from './log-table.ts';
import type { SqliteSettings } from './messages.ts';
import { RecordTable } from './record-table.ts';
import { recover } from './recover.ts';
import { migrate, refuseForeign } from './schema.ts';

/** Opens the file, as its one owner; throws, with words for people, where it cannot be. */
export function openDatabase(file: string, settings: SqliteSettings): { database: Database; recovered: Recovered } {
  const lock = lockOf(file, settings);
  makePrivate(file);
  const driver = openDriver(file, settings.driver);
  refuseForeign(driver);
  configure(driver, settings);
  migrate(driver);
  const { logs, ...recovered } = claim(driver);
  return {
    database: new Database(driver, lock, { epoch: recovered.epoch, logs }),
    recovered: { ...recovered, logs: new Map([...logs].map(([name, log]) => [name, numbersOf(log)])) },
  };
}

/** The file, open and ours: what is read and committed, in the words of the contract (src/stores/store.ts). */
export class Database {
  readonly #epoch: number;
  readonly #driver: Driver;
  readonly #lock: Lock;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #epochOf: Statement;
  readonly #setTime: Statement;
  readonly #records: RecordTable;
  readonly #logs: LogTable;

  constructor(driver: Driver, lock: Lock, { epoch, logs }: { epoch: number; logs: ReadonlyMap<string, StoredLog> }) {
    this.#driver = driver;
    this.#lock = lock;
    this.#epoch = epoch;
    this.#logs = new LogTable(this.#driver, logs);
    this.#records = new RecordTable(this.#driver);
    this.#begin = this.#driver.prepare('BEGIN IMMEDIATE');
    this.#commit = this.#driver.prepare('COMMIT');
    this.#epochOf = this.#driver.prepare("SELECT value FROM meta WHERE name = 'epoch'");
    this.#setTime = this.#driver.prepare("UPDATE meta SET value = ? WHERE name = 'uptime_ms'");
  }

  /** All of the steps, or none: then it throws. */
  commit(steps: readonly Step[]): void {
    this.#begin.run();
    try {
      const epoch = Number(this.#epochOf.all()[0]?.value);
      if (epoch !== this.#epoch) throw new Fenced(`It was opened again, as epoch ${epoch}.`);
      for (const step of steps) this.#take(step);
      this.#commit.run();
    } catch (error) {
      this.#logs.takeBack();
      this.#rollBack();
      throw error;
    }
    this.#logs.keep();
  }

  readFrames(name: string, fromSeq: number, toSeq: number): string[] {
    return this.#logs.read(name, fromSeq, toSeq);
  }

  /** Brings what is committed into the database, as far as no reader is in the way, and waits for the disk. */
  sync(): void {
    this.#driver.prepare('PRAGMA wal_checkpoint(PASSIVE)').all();
  }

  /** Gives pages that hold nothing back to the file system, at most so many; returns how many are left. */
  vacuum(pagesMax: number): number {
    this.#driver.exec(`PRAGMA incremental_vacuum(${pagesMax})`);
    return this.freePages;
  }

  get freePages(): number {
    return Number(this.#driver.prepare('PRAGMA freelist_count').all()[0]?.freelist_count);
  }

  /** Brings everything into the one file, and lets another process open it. */
  close(): void {
    try {
      this.#driver.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    } finally {
      this.#lock.release();
    }
  }

  #take(step: Step): void {
    switch (step.do) {
      case 'pack':
        return this.#logs.append(step);
      case 'trim':
        return this.#logs.trim(step.log, step.throughSeq);
      case 'drop':
        return this.#logs.drop(step.log);
      case 'put':
        return this.#records.put(step);
      case 'delete':
        return this.#records.delete(step.kind, step.id);
      case 'time':
        this.#setTime.run(step.uptimeMs);
    }
  }

  #rollBack(): void {
    try {
      this.#driver.exec('ROLLBACK');
    } catch {
      // SQLite itself has rolled back, as it does where there is no room.
    }
  }
}

/** From here on it is ours: whoever opens it at the same moment has another epoch. */
function claim(driver: Driver): ReturnType<typeof recover> {
  driver.exec('BEGIN IMMEDIATE');
  driver.exec("UPDATE meta SET value = value + 1 WHERE name = 'epoch'");
  const owner = `process ${process.pid} on ${hostname()}`;
  driver.prepare("UPDATE meta SET value = ? WHERE name = 'owner'").run(owner);
  const recovered = recover(driver);
  driver.exec('COMMIT');
  return recovered;
}

function numbersOf({ trimmedSeq, newestSeq }: StoredLog) {
  return { trimmedSeq, newestSeq };
}

function lockOf(file: string, { driver, lockWaitMs }: SqliteSettings): Lock {
  try {
    return new Lock(file, { driver, waitMs: lockWaitMs });
  } catch (error) {
    if (!(error instanceof Locked)) throw error;
    throw new Error(`It is open in ${ownerOf(file, driver)}. End that one first, or give this one a file of its own.`);
  }
}

/** Who has it open, as far as can be told. */
function ownerOf(file: string, driver: SqliteSettings['driver']): string {
  try {
    const [row] = openDriver(file, driver).prepare("SELECT value FROM meta WHERE name = 'owner'").all();
    return String(row?.value);
  } catch {
    return 'another process';
  }
}
