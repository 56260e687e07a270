import type { StoreTrouble } from '../store.ts';

export interface BacklogLimits {
  behindBytes: number;
  queueBytes: number;
}

/** What was handed to the worker and is not committed: how much it is, and whether that is too much. */
export class Backlog {
  readonly #file: string;
  readonly #limits: BacklogLimits;
  readonly #batches: { position: number; length: number }[] = [];
  #committed = 0;
  #length = 0;
  #level: 'low' | 'behind' = 'low';

  constructor(file: string, limits: BacklogLimits) {
    this.#file = file;
    this.#limits = limits;
  }

  get committed(): number {
    return this.#committed;
  }

  add(position: number, length: number): void {
    this.#batches.push({ position, length });
    this.#length += length;
  }

  commit(position: number): void {
    const left = this.#batches.findIndex((batch) => batch.position > position);
    for (const { length } of this.#batches.splice(0, left < 0 ? this.#batches.length : left)) this.#length -= length;
    this.#committed = position;
  }

  /** Too much once it is above a limit, until it is under half of it. */
  get trouble(): StoreTrouble | undefined {
    const { behindBytes, queueBytes } = this.#limits;
    if (this.#length > queueBytes) {
      const message = `${this.#file} has not been written for so long that more waits than may: ${this.#length} bytes are lost.`;
      return { reason: 'failing', final: true, message };
    }
    if (this.#length > behindBytes) this.#level = 'behind';
    if (this.#length < behindBytes / 2) this.#level = 'low';
    if (this.#level === 'low') return undefined;
    return { reason: 'failing', final: false, message: `${this.#file} is written more slowly than it is given to.` };
  }
}
