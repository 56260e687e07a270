import { createRequire } from 'node:module';

/** A value as SQLite holds it. */
export type Value = string | number;
export type Row = Readonly<Record<string, unknown>>;

/** A statement that is compiled once. */
export interface Statement {
  /** Returns how many rows it changed. */
  run(...values: Value[]): number;
  all(...values: Value[]): Row[];
}

/** All that is needed of SQLite: four calls, so that any build of it will do. */
export interface Driver {
  exec(sql: string): void;
  prepare(sql: string): Statement;
}

/** Where SQLite comes from: Node's own (from 22.13), or the optional package `libsql`. */
export const driverNames = ['node:sqlite', 'libsql'] as const;
export type DriverName = (typeof driverNames)[number];

/** Opens a file, which is made where there is none, with what this Node has; throws, with words for people, where it has neither. */
export function openDriver(file: string, name: DriverName | undefined): Driver {
  const found = driverNames.find((one) => (name ?? one) === one && hasDriver(one));
  if (found === undefined) {
    const wanted = name ?? 'SQLite';
    throw new Error(`${wanted} is not available: run Node 22.13 or newer, or install the package libsql.`);
  }
  return found === 'libsql' ? libsql(file) : nodeSqlite(file);
}

const require = createRequire(import.meta.url);

export function hasDriver(name: DriverName): boolean {
  try {
    require(name);
    return true;
  } catch {
    return false;
  }
}

/** The parts of both packages that are used; Node's types of this age do not know `node:sqlite`. */
interface Database {
  exec(sql: string): void;
  prepare(sql: string): { run(...values: Value[]): { changes: number | bigint }; all(...values: Value[]): Row[] };
}

function nodeSqlite(file: string): Driver {
  const { DatabaseSync }: { DatabaseSync: new (path: string) => Database } = require('node:sqlite');
  return new DatabaseSyncDriver(new DatabaseSync(file));
}

function libsql(file: string): Driver {
  const LibsqlDatabase: new (path: string) => Database = require('libsql');
  return new DatabaseSyncDriver(new LibsqlDatabase(file));
}

class DatabaseSyncDriver implements Driver {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): Statement {
    const statement = this.#database.prepare(sql);
    return {
      run: (...values) => Number(statement.run(...values).changes),
      all: (...values) => statement.all(...values),
    };
  }
}

/** SQLite's primary result code of an error: Node tells it as `errcode`, libsql as `rawCode`. 0 where it is another error. */
export function resultCode(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 0;
  const code = 'errcode' in error ? error.errcode : 'rawCode' in error ? error.rawCode : 0;
  return typeof code === 'number' ? code & 0xff : 0;
}
