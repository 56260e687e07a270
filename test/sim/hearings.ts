import type { Frame } from '../support/peer.ts';
import type { Verdict } from './authenticators.ts';
import { foresee, type Known } from './foresight.ts';
import { count, type Tally } from './tally.ts';
import type { Owed, Wire } from './wire.ts';

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
  goesOn(wire: Wire, verdict: Verdict): void {
    const frames = wire.wait?.frames ?? [];
    wire.wait = undefined;
    this.#hear(wire, frames.shift(), verdict);
    for (const frame of frames) this.#take(wire, frame);
  }

  #take(wire: Wire, frame: Frame | undefined): void {
    if (wire.wait) wire.wait.frames.push(frame);
    else this.#hear(wire, frame);
  }

  #hear(wire: Wire, frame: Frame | undefined, verdict?: Verdict): void {
    if (wire.phase === 'over') return;
    const { answer, closes, keeps, changes, waits, what } = foresee(wire, frame, this.#world, verdict);
    count(this.#world.tally, waits ? `${frame?.type} that waits` : (what ?? answer ?? String(frame?.type)));
    if (waits) {
      wire.wait = { frames: [frame] };
      return;
    }
    const sessionId = wire.session?.id ?? wire.candidate;
    const owed: Owed = { asked: frame, answer, closes, sessionId, ...(keeps && { keeps }) };
    if (answer !== undefined || closes !== undefined) wire.owed.push(owed);
    changes?.(owed);
    if (closes !== undefined) wire.phase = 'over';
  }
}
