/** Work that may be long, done a part at a time. */
export interface Task {
  /** Does a part of it, and returns about what that cost, in characters moved. Adds itself again where there is more. */
  part(): number;
}

/** What one turn of the event loop may cost: half a millisecond or so. */
const turnCostMax = 512 * 1024;

/**
 * Whoever has something to do gets a part done in its turn, one after the other; what is left when a turn of the event loop
 * has cost enough waits for the next one, so that sockets and timers are never kept waiting.
 */
export class Turns {
  #due: Task[] = [];
  #state: 'idle' | 'due' = 'idle';

  add(task: Task): void {
    this.#due.push(task);
    if (this.#state === 'due') return;
    this.#state = 'due';
    queueMicrotask(this.#run);
  }

  readonly #run = (): void => {
    let cost = 0;
    while (cost < turnCostMax && this.#due.length > 0) {
      const round = this.#due;
      this.#due = [];
      let done = 0;
      for (; done < round.length && cost < turnCostMax; done += 1) cost += round[done]?.part() ?? 0;
      this.#due = [...round.slice(done), ...this.#due];
    }
    if (this.#due.length > 0) setImmediate(this.#run);
    else this.#state = 'idle';
  };
}
