import type { Frame } from '../support/peer.ts';
import { type Foresight, foresee, type Known } from './foresight.ts';
import { count, type Tally } from './tally.ts';
import { type Heard, type News, type Owed, owesWelcome, type Wire } from './wire.ts';

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
    this.#take(wire, { frame, isBehind: wire.session !== undefined && !owesWelcome(wire) });
  }

  /** What a connection's frames have waited for is there: they are heard, in order, until one waits in its turn. */
  goesOn(wire: Wire, news: News): void {
    if (!wire.wait) return;
    const { frames, news: before } = wire.wait;
    wire.wait = undefined;
    const first = frames.shift();
    if (first) this.#hear(wire, first, { ...before, ...news, isLate: true });
    for (const heard of frames) this.#take(wire, heard);
  }

  /** The turn is over: whoever had to wait for that alone does no more. */
  turned(): void {
    for (const wire of this.#world.wires.values()) if (wire.wait?.frames.length === 0) wire.wait = undefined;
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
    const foresight = foresee(wire, frame, this.#world, news);
    const { answer, closes, keeps, isLate, changes, waits, what, holds } = foresight;
    const waiting = waits && `${frame?.type} that waits for ${waits}`;
    count(this.#world.tally, waiting ?? what ?? answer ?? String(frame?.type));
    if (waits) return this.#wait(wire, heard, { foresight, news });
    const sessionId = wire.session?.id ?? wire.candidate;
    const owed: Owed = {
      asked: frame,
      answer,
      closes,
      sessionId,
      ...(keeps && { keeps }),
      ...((isLate || news.isLate) && { isLate: true }),
    };
    if (answer !== undefined || closes !== undefined) wire.owed.push(owed);
    changes?.(owed);
    if (closes !== undefined) wire.phase = 'over';
    if (holds) wire.wait = { frames: [], news: {} };
  }

  #wait(wire: Wire, heard: Heard, { foresight, news }: { foresight: Foresight; news: News }): void {
    const { loads, issuing } = this.#world;
    const { waits, job } = foresight;
    const { session } = wire;
    const { frame } = heard;
    wire.wait = { frames: [heard], news };
    if (job) loads.wants(job, wire);
    else if (waits === 'credentials' && session && frame) issuing.hears(wire, session, frame);
    else if (waits === 'an equal submit' && session && frame) issuing.waitsFor(wire, session, frame);
  }
}
