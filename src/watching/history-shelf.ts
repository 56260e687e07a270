import type { JobHistory } from './history.ts';

/** How much is kept of what jobs emitted, for those who subscribe (§7.6). Bytes are counted as characters of JSON. */
export interface HistoryLimits {
  /** Events of one job. */
  historyEvents: number;
  /** Bytes of one job. */
  historyBytes: number;
  /** Bytes of all jobs together. */
  historyTotalBytes: number;
}

/**
 * Where the histories of all jobs stand. When they are too much together, those of ended jobs go, the one that ended first
 * before others: all but the terminal. Then those of running jobs, by half; and terminals last.
 */
export class HistoryShelf {
  /** Undefined: nothing is kept, nobody can subscribe. */
  readonly limits: HistoryLimits | undefined;
  chars = 0;
  readonly #growing = new Set<JobHistory>();
  readonly #complete = new Set<JobHistory>();
  /** Of these only the terminal is left. */
  readonly #terminals = new Set<JobHistory>();

  constructor(limits: HistoryLimits | undefined) {
    this.limits = limits;
  }

  /** A history that is new, or newly complete. */
  put(history: JobHistory): void {
    this.remove(history);
    (history.state === 'growing' ? this.#growing : this.#complete).add(history);
  }

  /** A history that nobody will ask for any more. */
  remove(history: JobHistory): void {
    this.#growing.delete(history);
    this.#complete.delete(history);
    this.#terminals.delete(history);
  }

  took(chars: number): void {
    this.chars += chars;
    if (!this.limits || this.chars <= this.limits.historyTotalBytes) return;
    while (this.chars > this.limits.historyTotalBytes && this.#makeRoom());
  }

  #makeRoom(): boolean {
    for (const history of this.#complete) {
      this.#complete.delete(history);
      this.#terminals.add(history);
      if (history.count <= 1) continue;
      history.free(history.count - 1);
      return true;
    }
    for (const history of this.#growing) {
      if (history.count <= 1) continue;
      history.free(history.count >> 1);
      return true;
    }
    for (const history of this.#terminals) {
      this.#terminals.delete(history);
      if (history.count === 0) continue;
      history.free(history.count);
      return true;
    }
    return false;
  }
}
