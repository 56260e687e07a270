import { EventLog } from '../../src/log.ts';
import type { Change, Recovered, Store, StoreListener, StoreTrouble } from '../../src/stores/store.ts';
import { StoreFailure } from '../../src/stores/store.ts';
import { KeptMedium } from './kept-medium.ts';

export interface KeptOptions {
  /** `soon` (the default): in a microtask behind the write. `by hand`: when the test says `commit()`. */
  commits?: 'soon' | 'by hand';
}

/**
 * A durable store in memory, whose medium outlives it, as a file outlives a process. A test stops commits, makes writes fail,
 * lets the process die, and opens the medium again: `store.crash()`, then `store.reopened()` is the next process's store.
 */
export interface KeptStore extends Store {
  readonly medium: KeptMedium;
  /** What was written and is not committed yet, in order; one entry a `write`. */
  readonly waiting: readonly (readonly Change[])[];
  /** Commits the oldest `writes` of what waits; all of it, unless told. Nothing while failing. */
  commit(writes?: number): void;
  /** From now on commits are made by hand (`true`), or soon after each write (`false`), at once what waits. */
  hold(byHand: boolean): void;
  /** From now on nothing can be committed; undefined: it works again, and what waited is committed. */
  fail(trouble: Pick<StoreTrouble, 'reason' | 'message'> | undefined): void;
  /**
   * The process dies: what is not committed is lost, and nothing is heard of this store again. The oldest `writes` of what waits
   * were committed before anybody was told.
   */
  crash(writes?: number): void;
  /** The store of the next process, over the same medium. Opening it fences this one, unless it is closed or crashed. */
  reopened(options?: KeptOptions): KeptStore;
}

export function keptStore(options: KeptOptions = {}): KeptStore {
  return new Kept(new KeptMedium(), options);
}

class Kept implements KeptStore {
  readonly durable = true;
  readonly medium: KeptMedium;
  readonly waiting: (readonly Change[])[] = [];
  written = 0;
  committed = 0;
  #commits: 'soon' | 'by hand';
  #epoch = 0;
  #listener: StoreListener | undefined;
  #trouble: StoreTrouble | undefined;
  #scheduled: Promise<void> | undefined;
  #state: 'new' | 'open' | 'gone' = 'new';

  constructor(medium: KeptMedium, options: KeptOptions) {
    this.medium = medium;
    this.#commits = options.commits ?? 'soon';
  }

  async open(listener: StoreListener): Promise<Recovered> {
    if (this.#state !== 'new') throw new Error('A store is opened once.');
    this.#state = 'open';
    this.#listener = listener;
    const recovered = this.medium.open();
    this.#epoch = recovered.epoch;
    return recovered;
  }

  write(changes: readonly Change[]): number {
    this.written += changes.length;
    if (this.#state !== 'open' || this.#trouble?.final) return this.written;
    this.waiting.push(changes);
    if (this.#commits === 'soon') this.#schedule();
    return this.written;
  }

  commit(writes = Number.POSITIVE_INFINITY): void {
    if (this.#state !== 'open' || this.#trouble) return;
    for (let count = 0; count < writes && !this.#trouble; count += 1) {
      const [changes] = this.waiting;
      if (!changes) break;
      if (this.medium.commit(this.#epoch, changes)) {
        this.waiting.shift();
        this.committed += changes.length;
      } else {
        this.#tell({ reason: 'fenced', final: true, message: 'The store was opened by someone else.' });
      }
    }
    this.#listener?.committed(this.committed);
  }

  hold(byHand: boolean): void {
    this.#commits = byHand ? 'by hand' : 'soon';
    if (!byHand) this.commit();
  }

  fail(trouble: Pick<StoreTrouble, 'reason' | 'message'> | undefined): void {
    if (this.#state !== 'open' || this.#trouble?.final) return;
    this.#tell(trouble && { ...trouble, final: trouble.reason === 'fenced' });
    if (this.#commits === 'soon') this.commit();
  }

  crash(writes = 0): void {
    for (const changes of this.waiting.slice(0, writes)) {
      if (!this.medium.commit(this.#epoch, changes)) break;
      this.committed += changes.length;
    }
    this.#state = 'gone';
    this.#listener = undefined;
    this.waiting.length = 0;
  }

  reopened(options: KeptOptions = {}): KeptStore {
    return new Kept(this.medium, options);
  }

  async readFrames(log: string, fromSeq: number, toSeq: number): Promise<string[]> {
    if (this.#state !== 'open') throw new Error('The store is not open.');
    return this.medium.frames(log, fromSeq, toSeq);
  }

  async flush(): Promise<void> {
    this.commit();
    if (this.committed === this.written) return;
    throw this.#trouble ? new StoreFailure(this.#trouble) : new Error('The store is not open.');
  }

  async close(): Promise<void> {
    if (this.#state === 'gone') return;
    try {
      await this.flush();
    } finally {
      this.crash();
    }
  }

  openLog(_sessionId: string, limits: ConstructorParameters<typeof EventLog>[0]): EventLog {
    return new EventLog(limits);
  }

  #schedule(): void {
    this.#scheduled ??= Promise.resolve().then(() => {
      this.#scheduled = undefined;
      if (this.#commits === 'soon') this.commit();
    });
  }

  #tell(trouble: StoreTrouble | undefined): void {
    this.#trouble = trouble;
    if (trouble?.final) this.waiting.length = 0;
    this.#listener?.trouble(trouble);
  }
}
