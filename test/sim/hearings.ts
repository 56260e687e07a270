import type { Frame } from '../support/peer.ts';
import { foresee, type Known } from './foresight.ts';
import { count, type Tally } from './tally.ts';
import type { News, Owed, Wire } from './wire.ts';

/** What the runtime hears, frame by frame, and what it owes for each. */
export class Hearings {
  readonly #world: Known & { tally: Tally };

  constructor(world: Known & { tally: Tally }) {
    this.#world = world;
  }

  hears(wire: Wire, frame: Frame | undefined): void {
    // Any frame written behind the welcome shows that the client has its newest token (§6.3).
    wire.session?.tokens.splice(1);
    this.#take(wire, frame);
  }

  /** What a connection's frames have waited for is there: they are heard, in order, until one waits in its turn. */
  goesOn(wire: Wire, news: News): void {
    if (!wire.wait) return;
    const { frames, news: before } = wire.wait;
    wire.wait = undefined;
    this.#hear(wire, frames.shift(), { ...before, ...news });
    for (const frame of frames) this.#take(wire, frame);
  }

  #take(wire: Wire, frame: Frame | undefined): void {
    if (wire.wait) wire.wait.frames.push(frame);
    else this.#hear(wire, frame);
  }

  #hear(wire: Wire, frame: Frame | undefined, news: News = {}): void {
    if (wire.phase === 'over') return;
    const { answer, closes, keeps, changes, waits, what } = foresee(wire, frame, this.#world, news);
    count(
      this.#world.tally,
      waits ? `${frame?.type} that waits for ${waits}` : (what ?? answer ?? String(frame?.type)),
    );
    if (waits) {
      wire.wait = { frames: [frame], news };
      return;
    }
    const sessionId = wire.session?.id ?? wire.candidate;
    const owed: Owed = { asked: frame, answer, closes, sessionId, ...(keeps && { keeps }) };
    if (answer !== undefined || closes !== undefined) wire.owed.push(owed);
    changes?.(owed);
    if (closes !== undefined) wire.phase = 'over';
  }
}
