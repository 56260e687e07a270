import type { Pack } from './batch.ts';
import type { Driver, Statement } from './driver.ts';
import { Fenced } from './fenced.ts';
import { keyOf } from './keys.ts';
import { logNumberMax, seqBits } from './schema.ts';

/** A log as the tables know it. */
export interface StoredLog {
  readonly number: number;
  readonly trimmedSeq: number;
  readonly newestSeq: number;
}

/** A frame's id: the log's number above, the seq below. SQLite computes it: it has integers of 64 bits. */
const frameId = (log: string, seq: string): string => `((${log} << ${seqBits}) | ${seq})`;

/** The newest frame of a log. */
export const newestSeqOf = (log: string): string =>
  `(SELECT last_seq FROM frames WHERE id < ${frameId(`(${log} + 1)`, '0')} AND id >= ${frameId(log, '0')} ORDER BY id DESC LIMIT 1)`;

/**
 * The frames of all logs, and the numbers of each in memory: an append asks the file nothing. What a transaction does to them
 * is kept apart until it is committed.
 */
export class LogTable {
  readonly #logs: Map<string, StoredLog>;
  readonly #numbers: Set<number>;
  /** What the running transaction has made of some: undefined is gone. */
  readonly #changed = new Map<string, StoredLog | undefined>();
  #number = 0;
  readonly #begin: Statement;
  readonly #insert: Statement;
  readonly #setTrimmed: Statement;
  readonly #deleteThrough: Statement;
  readonly #deleteAll: Statement;
  readonly #forget: Statement;
  readonly #read: Statement;

  constructor(driver: Driver, logs: ReadonlyMap<string, StoredLog>) {
    this.#logs = new Map(logs);
    this.#numbers = new Set([...logs.values()].map(({ number }) => number));
    this.#begin = driver.prepare('INSERT INTO logs (log, name, trimmed_seq) VALUES (?, ?, ?)');
    this.#insert = driver.prepare(`INSERT INTO frames (id, last_seq, texts) VALUES (${frameId('?1', '?2')}, ?3, ?4)`);
    this.#setTrimmed = driver.prepare('UPDATE logs SET trimmed_seq = ?2 WHERE log = ?1');
    const ofLog = `id >= ${frameId('?1', '0')} AND id < ${frameId('(?1 + 1)', '0')}`;
    this.#deleteThrough = driver.prepare(
      `DELETE FROM frames WHERE id >= ${frameId('?1', '0')} AND id <= ${frameId('?1', '?2')} AND last_seq <= ?2`,
    );
    this.#deleteAll = driver.prepare(`DELETE FROM frames WHERE ${ofLog}`);
    this.#forget = driver.prepare('DELETE FROM logs WHERE log = ?');
    // From the row that `fromSeq` lies in: the last that begins at it or before.
    this.#read = driver.prepare(
      `SELECT id & ${2 ** seqBits - 1} AS first_seq, texts FROM frames
       WHERE id <= ${frameId('?1', '?3')} AND id >= coalesce(
         (SELECT max(id) FROM frames WHERE id <= ${frameId('?1', '?2')} AND ${ofLog}), ${frameId('?1', '?2')})
       ORDER BY id`,
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
      return String(row.texts)
        .split('\n')
        .slice(Math.max(from - firstSeq, 0), to - firstSeq + 1);
    });
  }

  /** The transaction is committed. */
  keep(): void {
    for (const [name, log] of this.#changed) {
      const before = this.#logs.get(name);
      if (before && before.number !== log?.number) this.#numbers.delete(before.number);
      if (log) {
        this.#logs.set(name, log);
        this.#numbers.add(log.number);
      } else this.#logs.delete(name);
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
    // Numbers go round: those of logs that are gone come again.
    do this.#number = (this.#number % logNumberMax) + 1;
    while (this.#numbers.has(this.#number));
    const log = { number: this.#number, trimmedSeq: firstSeq - 1, newestSeq: firstSeq - 1 };
    this.#begin.run(log.number, keyOf(name), log.trimmedSeq);
    return log;
  }
}
