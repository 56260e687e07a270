import type { Driver } from './driver.ts';

/** "arcp" in ASCII: how a file says whose it is. */
const applicationId = 0x61726370;

/**
 * What the file is made of, one step a version: step n takes a file of version n − 1 to n, in one transaction. A step that was
 * released is never changed, only followed.
 *
 * `frames`: frames of one log that were committed together are one row. Its id is the log's number and the seq of its first
 * frame (`frameId`), so that a log lies in one piece, and its newest frame is found by one seek.
 */
export const schemaSteps: readonly string[] = [
  `PRAGMA application_id = ${applicationId};
   CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
   INSERT INTO meta VALUES ('epoch', 0), ('uptime_ms', 0), ('owner', '');
   CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id));
   CREATE TABLE logs (log INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, trimmed_seq INTEGER NOT NULL);
   CREATE TABLE frames (id INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, texts TEXT NOT NULL);`,
];

/** Bits of a frame's id that are its seq; the 24 above them are its log's number. */
export const seqBits = 39;
/** One less than fits: the first id of the number behind it is computed too. */
export const logNumberMax = 2 ** (63 - seqBits) - 2;

/** Throws, with words for people, where a file is another program's, or a newer version's: what is not known is not touched. */
export function refuseForeign(driver: Driver, steps: readonly string[] = schemaSteps): void {
  const owner = pragma(driver, 'application_id');
  const { length: tables } = driver.prepare('SELECT name FROM sqlite_schema LIMIT 1').all();
  if (owner !== applicationId && (owner !== 0 || tables > 0)) throw new Error('It is the database of another program.');
  const version = pragma(driver, 'user_version');
  if (version <= steps.length) return;
  throw new Error(`It is of version ${version}, and this arcp-xstate knows up to ${steps.length}: run the newer one.`);
}

/** Takes a file from the version it is of to the newest, step by step, each step whole or not at all. */
export function migrate(driver: Driver, steps: readonly string[] = schemaSteps): void {
  const version = pragma(driver, 'user_version');
  steps.slice(version).forEach((step, index) => {
    driver.exec('BEGIN IMMEDIATE');
    try {
      driver.exec(`${step}; PRAGMA user_version = ${version + index + 1}`);
    } catch (error) {
      driver.exec('ROLLBACK');
      throw error;
    }
    driver.exec('COMMIT');
  });
}

function pragma(driver: Driver, name: string): number {
  const [row] = driver.prepare(`PRAGMA ${name}`).all();
  return Number(row?.[name]);
}
