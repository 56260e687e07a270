import type { EventLog } from '../log.ts';

/** Frames a log may be ahead of the store before an agent that asks for room waits. */
export const uncommittedMax = 2000;

/** Agents that emit faster than the store takes it, and have asked to be told when there is room (`drained()`). */
export class StoreRoom {
  #waiting: { log: EventLog; resolve: () => void }[] = [];

  /** Resolves when the store has kept up with a log, near enough. */
  in(log: EventLog): Promise<void> {
    if (hasRoom(log)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ log, resolve }));
  }

  /** Something was committed; or nothing will be any more, and nobody is to wait for it. */
  look(store: 'open' | 'closed'): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (store === 'closed' || hasRoom(waiter.log)) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  }
}

function hasRoom({ newestSeq, durableSeq }: EventLog): boolean {
  return newestSeq - durableSeq < uncommittedMax;
}
