import Database from 'libsql';

/** What SQLite itself says of a file: `ok`, or what is wrong. */
export async function integrityOf(file) {
  const database = new Database(file);
  const [row] = database.prepare('PRAGMA integrity_check').all();
  database.close();
  return row.integrity_check;
}
