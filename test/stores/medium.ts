import type { Change, Recovered, Store, StoreListener, StoreTrouble } from '../../src/stores/store.ts';

/** What a store keeps its things on, as a suite sees it: stores come and go, what is committed stays. */
export interface Medium {
  /** The store of the next process. */
  store(): Store;
  /** The store of a process that opens although the one before is alive: its lock is gone. */
  intruder(): Store;
  /** Frees what the medium takes. Its stores are closed by then. */
  discard(): Promise<void>;
}

/** A store that is open, what was found in it, and what it told. */
export class Opened {
  readonly store: Store;
  readonly recovered: Recovered;
  readonly #told: Told;

  private constructor(store: Store, recovered: Recovered, told: Told) {
    this.store = store;
    this.recovered = recovered;
    this.#told = told;
  }

  static async of(store: Store): Promise<Opened> {
    const told = new Told();
    return new Opened(store, await store.open(told), told);
  }

  /** Every position and every trouble that was told. */
  get positions(): readonly number[] {
    return this.#told.positions;
  }

  get troubles(): readonly (StoreTrouble | undefined)[] {
    return this.#told.troubles;
  }

  write(...changes: Change[]): number {
    return this.store.write(changes);
  }

  /** Resolves when everything written is committed. */
  async settled(): Promise<void> {
    const position = this.store.written;
    while (this.store.committed < position) await this.#told.more();
  }

  /** The first trouble that was told, or will be, after the first `seen`; undefined where the store works again. */
  async trouble(seen = 0): Promise<StoreTrouble | undefined> {
    while (this.troubles.length <= seen) await this.#told.more();
    return this.troubles[seen];
  }
}

class Told implements StoreListener {
  readonly positions: number[] = [];
  readonly troubles: (StoreTrouble | undefined)[] = [];
  #waiting: (() => void)[] = [];

  committed(position: number): void {
    this.positions.push(position);
    this.#wake();
  }

  trouble(trouble: StoreTrouble | undefined): void {
    this.troubles.push(trouble);
    this.#wake();
  }

  more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Frames as a session's log might hold them, numbered from `from`. */
export function frames(from: number, count: number, what = 'event'): string[] {
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ arcp: '1.1', type: 'job.event', event_seq: from + index, payload: { body: { what } } }),
  );
}

/** An append of such frames. */
export function append(log: string, from: number, count: number): Change {
  return { do: 'append', log, firstSeq: from, texts: frames(from, count, log) };
}

/** A put of a session's record. */
export function put(id: string, body: string, expect?: number): Change {
  return { do: 'put', kind: 'session', id, body, ...(expect !== undefined && { expect }) };
}
