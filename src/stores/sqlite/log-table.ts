import type { Pack } from './batch.ts';
import type { Driver, Statement } from './driver.ts';
import { Fenced } from './fenced.ts';
import { keyOf } from './keys.ts';

/** A log as the tables know it. */
export interface StoredLog {
  readonly number: number;
  readonly trimmedSeq: number;
  readonly newestSeq: number;
}

/**
 * The frames of all logs, and the numbers of each in memory: an append asks the file nothing. What a transaction does to them
 * is kept apart until it is committed.
 */
export class LogTable {
  readonly #logs: Map<string, StoredLog>;
  /** What the running transaction has made of some: undefined is gone. */
  readonly #changed = new Map<string, StoredLog | undefined>();
  /** The highest number of a log so far. */
  #number: number;
  readonly #begin: Statement;
  readonly #insert: Statement;
  readonly #setTrimmed: Statement;
  readonly #deleteThrough: Statement;
  readonly #deleteAll: Statement;
  readonly #forget: Statement;
  readonly #read: Statement;

  constructor(driver: Driver, logs: ReadonlyMap<string, StoredLog>) {
    this.#logs = new Map(logs);
    this.#number = [...logs.values()].reduce((highest, { number }) => Math.max(highest, number), 0);
    this.#begin = driver.prepare('INSERT INTO logs (log, name, trimmed_seq) VALUES (?, ?, ?)');
    this.#insert = driver.prepare('INSERT INTO frames (log, first_seq, last_seq, texts) VALUES (?, ?, ?, ?)');
    this.#setTrimmed = driver.prepare('UPDATE logs SET trimmed_seq = ?2 WHERE log = ?1');
    this.#deleteThrough = driver.prepare('DELETE FROM frames WHERE log = ?1 AND first_seq <= ?2 AND last_seq <= ?2');
    this.#deleteAll = driver.prepare('DELETE FROM frames WHERE log = ?');
    this.#forget = driver.prepare('DELETE FROM logs WHERE log = ?');
    // From the row that `fromSeq` lies in: the last that begins at it or before.
    this.#read = driver.prepare(
      `SELECT first_seq, last_seq, texts FROM frames
       WHERE log = ?1 AND first_seq <= ?3 AND first_seq >= coalesce(
         (SELECT max(first_seq) FROM frames WHERE log = ?1 AND first_seq <= ?2), 0)
       ORDER BY first_seq`,
    );
  }

  append({ log: name, firstSeq, lastSeq, text }: Pack): void {
    const log = this.#find(name) ?? this.#start(name, firstSeq);
    if (firstSeq !== log.newestSeq + 1) {
      throw new Fenced(`Someone else has written to the log ${name}: ${firstSeq} does not follow ${log.newestSeq}.`);
    }
    this.#insert.run(log.number, firstSeq, lastSeq, text);
    this.#changed.set(name, { ...log, newestSeq: lastSeq });
  }

  trim(name: string, throughSeq: number): void {
    const log = this.#find(name);
    if (!log || throughSeq <= log.trimmedSeq) return;
    const trimmedSeq = Math.min(throughSeq, log.newestSeq);
    this.#deleteThrough.run(log.number, trimmedSeq);
    this.#setTrimmed.run(log.number, trimmedSeq);
    this.#changed.set(name, { ...log, trimmedSeq });
  }

  drop(name: string): void {
    const log = this.#find(name);
    if (!log) return;
    this.#deleteAll.run(log.number);
    this.#forget.run(log.number);
    this.#changed.set(name, undefined);
  }

  /** Frames that are kept, of those asked for, in order. */
  read(name: string, fromSeq: number, toSeq: number): string[] {
    const log = this.#logs.get(name);
    const from = Math.max(fromSeq, (log?.trimmedSeq ?? 0) + 1);
    const to = Math.min(toSeq, log?.newestSeq ?? 0);
    if (!log || from > to) return [];
    return this.#read.all(log.number, from, to).flatMap((row) => {
      const firstSeq = Number(row.first_seq);
      const texts = String(row.texts).split('\n');
      // A page that was damaged need not be noticed by SQLite; a wrong history must not be replayed.
      if (texts.length !== Number(row.last_seq) - firstSeq + 1) throw new Error(`The log ${name} is damaged.`);
      return texts.slice(Math.max(from - firstSeq, 0), to - firstSeq + 1);
    });
  }

  /** The transaction is committed. */
  keep(): void {
    for (const [name, log] of this.#changed) {
      if (log) this.#logs.set(name, log);
      else this.#logs.delete(name);
    }
    this.#changed.clear();
  }

  /** It is not, and will not be. */
  takeBack(): void {
    this.#changed.clear();
  }

  #find(name: string): StoredLog | undefined {
    return this.#changed.has(name) ? this.#changed.get(name) : this.#logs.get(name);
  }

  #start(name: string, firstSeq: number): StoredLog {
    this.#number += 1;
    const log = { number: this.#number, trimmedSeq: firstSeq - 1, newestSeq: firstSeq - 1 };
    this.#begin.run(log.number, keyOf(name), log.trimmedSeq);
    return log;
  }
}
