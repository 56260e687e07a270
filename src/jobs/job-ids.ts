/** Ids of jobs in their own order, which is the order they were minted in. */
export class JobIds {
  #ids: string[] = [];
  /** Ids that are still in the list, and of jobs nobody knows any more. */
  #lost = 0;

  get isEmpty(): boolean {
    return this.#lost >= this.#ids.length;
  }

  add(id: string): void {
    const newest = this.#ids.at(-1);
    if (newest === undefined || id > newest) this.#ids.push(id);
    else if (this.#ids[this.#firstFrom(id)] !== id) this.#ids.splice(this.#firstFrom(id), 0, id);
  }

  /** A job of this list is known no more. Taking ids out one by one would cost the list's length each. */
  lost(isKnown: (id: string) => boolean): void {
    this.#lost += 1;
    if (this.#lost < 64 || this.#lost * 2 < this.#ids.length) return;
    this.#ids = this.#ids.filter(isKnown);
    this.#lost = 0;
  }

  /** From the newest down, or from the newest before `before`: whether that one is known any more does not matter. */
  *descending(before?: string): Generator<string> {
    const ids = this.#ids;
    for (let at = (before === undefined ? ids.length : this.#firstFrom(before)) - 1; at >= 0; at -= 1)
      yield ids[at] ?? '';
  }

  /** The index of the first id that is not before this one. */
  #firstFrom(id: string): number {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ids[middle] ?? '') < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
