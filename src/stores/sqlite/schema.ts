import type { Driver } from './driver.ts';

/**
 * What the file is made of, one step a version: step n takes a file of version n − 1 to n, in one transaction. A step that was
 * released is never changed, only followed.
 *
 * `frames`: frames of one log that were committed together are one row. Its id is the log's number and the seq of its first
 * frame (`frameId`), so that a log lies in one piece, and its newest frame is found by one seek.
 */
export const schemaSteps: readonly string[] = [
  `PRAGMA application_id = ${0x61726370};
   CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
   INSERT INTO meta VALUES ('epoch', 0), ('uptime_ms', 0), ('owner', '');
   CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id));
   CREATE TABLE logs (log INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, trimmed_seq INTEGER NOT NULL);
   CREATE TABLE frames (id INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, texts TEXT NOT NULL);`,
];

/** Bits of a frame's id that are its seq; the 24 above them are its log's number. */
export const seqBits = 39;
export const logNumberMax = 2 ** (63 - seqBits) - 1;

/** "arcp" in ASCII: how a file says whose it is. */
const applicationId = 0x61726370;

/**
 * Takes a file to the newest version. Throws, with words for people, where it is another program's, or a newer version's: what
 * it does not know it does not touch.
 */
export function migrate(driver: Driver, steps: readonly string[] = schemaSteps): void {
  const version = pragma(driver, 'user_version');
  const owner = pragma(driver, 'application_id');
  const { length: tables } = driver.prepare('SELECT name FROM sqlite_schema LIMIT 1').all();
  if (owner !== applicationId && (owner !== 0 || tables > 0)) throw new Error('It is the database of another program.');
  if (version > steps.length) {
    throw new Error(`It is of version ${version}, and this arcp-xstate knows ${steps.length}: run the newer one.`);
  }
  steps.slice(version).forEach((step, index) => {
    driver.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${version + index + 1}; COMMIT`);
  });
}

function pragma(driver: Driver, name: string): number {
  const [row] = driver.prepare(`PRAGMA ${name}`).all();
  return Number(row?.[name]);
}
