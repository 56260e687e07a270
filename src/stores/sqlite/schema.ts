import type { Driver } from './driver.ts';

/** "arcp" in ASCII: how a file says whose it is. */
const applicationId = 0x61726370;

/**
 * What the file is made of, one step a version: step n takes a file of version n − 1 to n, in one transaction. A step that was
 * released is never changed, only followed.
 *
 * `frames`: frames of one log that were committed together are one row, in the order they came, whatever the log: a commit
 * changes the last pages, and few of the index. The index has all of a row but its texts, so that numbers are read without them.
 */
export const schemaSteps: readonly string[] = [
  `PRAGMA application_id = ${applicationId};
   CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
   INSERT INTO meta VALUES ('epoch', 0), ('uptime_ms', 0), ('owner', '');
   CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id));
   CREATE TABLE logs (log INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, trimmed_seq INTEGER NOT NULL);
   CREATE TABLE frames (log INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, texts TEXT NOT NULL);
   CREATE UNIQUE INDEX frames_of_log ON frames (log, first_seq, last_seq);`,
];

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
