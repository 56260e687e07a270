import type { Change, RecordKind, Recovered, StoredRecord } from '../../src/stores/store.ts';

/** What is committed: the disk, so to say. It knows the contract of src/stores/store.ts in its simplest form. */
export class KeptMedium {
  #epoch = 0;
  #uptimeMs = 0;
  readonly #records = new Map<string, StoredRecord>();
  readonly #logs = new Map<string, { trimmedSeq: number; texts: string[] }>();

  open(): Recovered {
    this.#epoch += 1;
    const logs = new Map([...this.#logs].map(([name, log]) => [name, numbersOf(log)]));
    return { epoch: this.#epoch, uptimeMs: this.#uptimeMs, records: this.records(), logs };
  }

  /** The records as they are, all or those of a kind, in the order of their first put. */
  records(kind?: RecordKind): StoredRecord[] {
    return [...this.#records.values()].filter((record) => kind === undefined || record.kind === kind);
  }

  record(kind: RecordKind, id: string): StoredRecord | undefined {
    return this.#records.get(`${kind} ${id}`);
  }

  frames(name: string, fromSeq = 1, toSeq = Number.POSITIVE_INFINITY): string[] {
    const { trimmedSeq, texts } = this.#logs.get(name) ?? { trimmedSeq: 0, texts: [] };
    return texts.slice(Math.max(fromSeq - trimmedSeq - 1, 0), Math.max(toSeq - trimmedSeq, 0));
  }

  /** The numbers of a log, as `open` tells them; of one that is not there: those of one yet to begin. */
  numbers(name: string): { trimmedSeq: number; newestSeq: number } {
    return numbersOf(this.#logs.get(name) ?? { trimmedSeq: 0, texts: [] });
  }

  /** The newest frames of a log are gone, although they were committed: a disk that lied, or a backup brought back. */
  lose(name: string, frames: number): void {
    this.#logs.get(name)?.texts.splice(-frames);
  }

  /** All that is kept as one text: where a test looks for what must not be there. */
  get text(): string {
    return JSON.stringify([this.records(), [...this.#logs]]);
  }

  /** All of the changes, or none and `false`: the writer is no longer the one who opened last, or expected something else. */
  commit(epoch: number, changes: readonly Change[]): boolean {
    if (epoch !== this.#epoch) return false;
    const undo: (() => void)[] = [];
    for (const change of changes) {
      const undone = this.#apply(change);
      if (undone) undo.push(undone);
      else {
        for (const step of undo.reverse()) step();
        return false;
      }
    }
    return true;
  }

  /** How to take it back; undefined where it does not fit. */
  #apply(change: Change): (() => void) | undefined {
    switch (change.do) {
      case 'put':
        return this.#put(change);
      case 'delete':
        return replace(this.#records, `${change.kind} ${change.id}`, undefined);
      case 'append':
        return this.#append(change);
      case 'trim': {
        const log = this.#logs.get(change.log);
        const gone = Math.min(change.throughSeq, log ? numbersOf(log).newestSeq : 0) - (log?.trimmedSeq ?? 0);
        if (!log || gone <= 0) return () => {};
        const trimmed = { trimmedSeq: log.trimmedSeq + gone, texts: log.texts.slice(gone) };
        return replace(this.#logs, change.log, trimmed);
      }
      case 'drop':
        return replace(this.#logs, change.log, undefined);
      case 'time': {
        const before = this.#uptimeMs;
        this.#uptimeMs = change.uptimeMs;
        return () => {
          this.#uptimeMs = before;
        };
      }
    }
  }

  #put({ kind, id, body, expect }: Change & { do: 'put' }): (() => void) | undefined {
    const version = this.record(kind, id)?.version ?? 0;
    if (expect !== undefined && expect !== version) return undefined;
    return replace(this.#records, `${kind} ${id}`, { kind, id, body, version: version + 1 });
  }

  #append({ log, firstSeq, texts }: Change & { do: 'append' }): (() => void) | undefined {
    const before = this.#logs.get(log) ?? { trimmedSeq: firstSeq - 1, texts: [] };
    const { length } = before.texts;
    if (firstSeq !== before.trimmedSeq + length + 1) return undefined;
    const undo = this.#logs.has(log) ? () => {} : replace(this.#logs, log, before);
    for (const text of texts) before.texts.push(text);
    return () => {
      before.texts.length = length;
      undo();
    };
  }
}

function numbersOf({ trimmedSeq, texts }: { trimmedSeq: number; texts: readonly string[] }) {
  return { trimmedSeq, newestSeq: trimmedSeq + texts.length };
}

/** Sets or deletes an entry, and returns how to take that back. */
function replace<Value>(map: Map<string, Value>, key: string, value: Value | undefined): () => void {
  const before = map.get(key);
  if (value === undefined) map.delete(key);
  else map.set(key, value);
  return () => {
    if (before === undefined) map.delete(key);
    else map.set(key, before);
  };
}
