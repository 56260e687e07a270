import type { Frame } from '../support/peer.ts';
import { foresee, type Known } from './foresight.ts';
import { count, type Tally } from './tally.ts';
import type { Heard, News, Owed, Wire } from './wire.ts';

export interface HearingsWorld extends Known {
  tally: Tally;
}

/** What the runtime hears, frame by frame, and what it owes for each. */
export class Hearings {
  readonly #world: HearingsWorld;

  constructor(world: HearingsWorld) {
    this.#world = world;
  }

  hears(wire: Wire, frame: Frame | undefined): void {
    this.#take(wire, { frame, isBehind: wire.session !== undefined });
  }

  /** What a connection's frames have waited for is there: they are heard, in order, until one waits in its turn. */
  goesOn(wire: Wire, news: News): void {
    if (!wire.wait) return;
    const { frames, news: before } = wire.wait;
    wire.wait = undefined;
    const first = frames.shift();
    if (first) this.#hear(wire, first, { ...before, ...news });
    for (const heard of frames) this.#take(wire, heard);
  }

  #take(wire: Wire, heard: Heard): void {
    if (wire.wait) wire.wait.frames.push(heard);
    else this.#hear(wire, heard);
  }

  #hear(wire: Wire, heard: Heard, news: News = {}): void {
    if (wire.phase === 'over') return;
    const { frame, isBehind } = heard;
    // Any frame written behind the welcome shows that the client has its newest token (§6.3).
    if (isBehind) wire.session?.tokens.splice(1);
    const { answer, closes, keeps, changes, waits, what, job } = foresee(wire, frame, this.#world, news);
    const waiting = waits && `${frame?.type} that waits for ${waits}`;
    count(this.#world.tally, waiting ?? what ?? answer ?? String(frame?.type));
    if (waits) {
      wire.wait = { frames: [heard], news };
      if (job) this.#world.loads.wants(job, wire);
      return;
    }
    const sessionId = wire.session?.id ?? wire.candidate;
    const owed: Owed = { asked: frame, answer, closes, sessionId, ...(keeps && { keeps }) };
    if (answer !== undefined || closes !== undefined) wire.owed.push(owed);
    changes?.(owed);
    if (closes !== undefined) wire.phase = 'over';
  }
}
