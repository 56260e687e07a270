import type { Frame } from '../support/peer.ts';
import type { Verdict } from './authenticators.ts';
import { type Foresight, foresee, type Known } from './foresight.ts';
import { summary } from './frames.ts';
import type { Link } from './link.ts';
import type { Wire } from './promise.ts';
import { count, type Tally } from './tally.ts';

/** A frame that the runtime is being handed, and what came of it. */
export interface Hearing {
  wire: Wire;
  foresight: Foresight;
  frame: Frame | undefined;
  answers: Frame[];
  closed?: number;
}

/** Who somebody is has been found out: what waited for it is heard now, one after the other. */
interface Late {
  wire: Wire;
  frames: (Frame | undefined)[];
  verdict: Verdict | undefined;
}

/** What the runtime hears, one frame after the other, and whether it answers each as it has to. */
export class Hearings {
  now: Hearing | undefined;
  #late: Late | undefined;
  readonly #world: Known & { tally: Tally; fault(message: string): void };

  constructor(world: Known & { tally: Tally; fault(message: string): void }) {
    this.#world = world;
  }

  get link(): Link | undefined {
    return (this.now ?? this.#late)?.wire.link;
  }

  hears(wire: Wire, frame: Frame | undefined, hand: () => void): void {
    if (wire.held) {
      wire.held.push(frame);
      this.now = { wire, foresight: { answer: undefined }, frame, answers: [] };
    } else this.#begin(wire, frame);
    hand();
    this.#finish();
  }

  decides(wire: Wire | undefined, verdict: Verdict): void {
    count(this.#world.tally, `authenticated late, ${wire?.phase === 'handshake' ? verdict : 'and too late'}`);
    if (!wire?.held || wire.phase === 'over') return;
    this.#late = { wire, frames: wire.held, verdict };
    wire.held = undefined;
  }

  /** The same, where the runtime answers one of them. */
  goOnTo(wire: Wire, answer: Frame): void {
    if (this.#late?.wire !== wire) return;
    this.goOn(({ answers, frame }) => answers.length === 0 && frame?.id === answer.payload.request_id);
  }

  #begin(wire: Wire, frame: Frame | undefined, verdict?: Verdict): void {
    const foresight = foresee(wire, frame, this.#world, verdict);
    const { opens, answer, waits, repeats } = foresight;
    if (waits) wire.held = [frame];
    const what = repeats === undefined ? (answer ?? `${frame?.type}${waits ? ' that waits' : ''}`) : 'submit repeated';
    count(this.#world.tally, opens ? `resume from ${opens.state}` : what);
    this.now = { wire, foresight, frame, answers: [] };
  }

  #finish(): void {
    const hearing = this.now;
    this.now = undefined;
    if (!hearing) return;
    this.#compare(hearing);
    hearing.foresight.after?.();
  }

  /** What waited is heard in order: goes on to the frame that what now happens belongs to. */
  goOn(isIt: (hearing: Hearing) => boolean): void {
    const late = this.#late;
    if (!late) return;
    while (!this.now || !isIt(this.now)) {
      this.#finish();
      const { wire, frames, verdict } = late;
      if (wire.phase === 'over' || wire.held || frames.length === 0) {
        // Who asks again waits again, and so does what is behind it.
        wire.held?.push(...frames);
        this.#late = undefined;
        return;
      }
      late.verdict = undefined;
      this.#begin(wire, frames.shift(), verdict);
    }
  }

  #compare({ wire, foresight, frame, answers, closed }: Hearing): void {
    const said = answers.map(summary).join(', ');
    const { answer = '', closes } = foresight;
    if (said !== answer)
      this.#world.fault(`a ${frame?.type ?? 'piece of nonsense'} was answered [${said}] and not [${answer}]`);
    if (closed !== closes) this.#world.fault(`closed with ${closed} and not ${closes} after ${frame?.type}`);
    if (closes !== undefined) wire.phase = 'over';
  }
}
