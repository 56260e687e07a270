import type { Link } from './link.ts';
import type { Lots } from './lots.ts';

/** Every link of a story, and what happens to links. */
export class Network {
  #links: Link[] = [];
  readonly #lots: Lots;
  readonly #tell: (line: string) => void;

  constructor(lots: Lots, tell: (line: string) => void) {
    this.#lots = lots;
    this.#tell = tell;
  }

  add(link: Link): Link {
    this.#links.push(link);
    return link;
  }

  /** Forgets links that both ends know to be over. */
  clear(): void {
    this.#links = this.#links.filter((link) => !link.over);
  }

  deliverMany(): void {
    for (let left = 1 + this.#lots.below(40); left > 0; left -= 1) {
      const busy = this.#links.filter((link) => link.isBusy);
      if (busy.length === 0) return;
      this.#lots.pick(busy).deliver(this.#lots.pick(['client', 'server'] as const));
    }
  }

  disturb(): void {
    if (this.#links.length === 0) return;
    const link = this.#lots.pick(this.#links.slice(-4));
    // Of a half-open link nothing can be had any more, but its end.
    const how =
      link.condition === 'half-open' ? 'cut' : this.#lots.pick(['cut', 'stall', 'half-open', 'heal', 'heal'] as const);
    this.#tell(`a link: ${how}`);
    if (how === 'cut') link.cut(this.#lots.below(2_000), this.#lots.below(2_000));
    else if (how === 'stall') link.condition = 'stalled';
    else if (how === 'half-open') link.condition = 'half-open';
    else if (link.condition === 'stalled') link.condition = 'well';
  }

  /** An end finds out that its link is over. */
  learn(): void {
    const ending = this.#links.filter((link) => link.isEnding);
    if (ending.length > 0) this.#lots.pick(ending).learn(this.#lots.pick(['client', 'server'] as const));
  }

  /** The process at the other end of all links is gone. */
  die(): void {
    for (const link of this.#links) link.die(this.#lots.below(2_000));
  }

  cutAll(): void {
    for (const link of this.#links) link.cut(1e9, 1e9);
  }

  /** All that is under way arrives. Returns whether there was anything. */
  flush(): boolean {
    let moved = false;
    for (const link of this.#links) {
      if (link.condition === 'stalled') link.condition = 'well';
      for (const from of ['client', 'server'] as const) {
        while (link.deliver(from)) moved = true;
        if (link.learn(from)) moved = true;
      }
    }
    return moved;
  }
}
