import type { Change, RecordKind } from '../store.ts';
import type { Driver, Statement } from './driver.ts';
import { Fenced } from './fenced.ts';
import { keyOf } from './keys.ts';

/** The records: written whole, by kind and id. */
export class RecordTable {
  readonly #put: Statement;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;

  constructor(driver: Driver) {
    this.#put = driver.prepare(
      `INSERT INTO records (kind, id, version, body) VALUES (?, ?, 1, ?)
       ON CONFLICT (kind, id) DO UPDATE SET version = version + 1, body = excluded.body`,
    );
    this.#insert = driver.prepare(
      'INSERT INTO records (kind, id, version, body) VALUES (?, ?, 1, ?) ON CONFLICT (kind, id) DO NOTHING',
    );
    this.#update = driver.prepare(
      'UPDATE records SET version = version + 1, body = ? WHERE kind = ? AND id = ? AND version = ?',
    );
    this.#delete = driver.prepare('DELETE FROM records WHERE kind = ? AND id = ?');
  }

  put({ kind, id, body, expect }: Change & { do: 'put' }): void {
    const key = keyOf(id);
    if (expect === undefined) this.#put.run(kind, key, body);
    else {
      const changed = expect === 0 ? this.#insert.run(kind, key, body) : this.#update.run(body, kind, key, expect);
      if (changed === 0) throw new Fenced(`Someone else has written the ${kind} ${id}.`);
    }
  }

  delete(kind: RecordKind, id: string): void {
    this.#delete.run(kind, keyOf(id));
  }
}
