import fc from 'fast-check';
import { seeded } from '../support/socket.ts';
import { Attacker } from './attacker.ts';
import { corpus, type FuzzFrame } from './corpus.ts';

const attackers = 10;
const batchMax = 200;
/** Frames drawn at a time, which costs more than to send them, and how often each is sent, spoilt in another way. */
const drawn = 100;
const uses = 10;

export interface StormOptions {
  url: string;
  token: string;
  frames: number;
  seed: number;
}

export interface StormReport {
  faults: string[];
  /** Answers by type and code, ends by close code. */
  tally: ReadonlyMap<string, number>;
}

/** `tell` hears how many frames have been sent and looked after. */
export type Storm = (options: StormOptions, tell?: (done: number) => void) => Promise<StormReport>;

/** Sends so many frames, most of them past a welcome, one in fifty as the first word of a stranger. */
export const storm: Storm = async ({ url, token, frames, seed }, tell) => {
  const loud = Array.from({ length: attackers }, (_, index) => new Attacker(url, { token, seed: seed * 100 + index }));
  let left = frames;
  let done = 0;
  let stock: FuzzFrame[] = [];
  let taken = 0;
  const below = seeded(seed);
  const take = (): FuzzFrame => {
    if (taken % (drawn * uses) === 0) stock = fc.sample(corpus, { numRuns: drawn, seed: seed + taken });
    taken += 1;
    const frame = stock[below(drawn)];
    if (!frame) throw new Error('nothing was drawn');
    return frame;
  };
  await Promise.all(
    loud.map(async (attacker) => {
      while (left > 0 && attacker.faults.length === 0) {
        const count = Math.min(left, 1 + below(batchMax));
        left -= count;
        const batch = Array.from({ length: count }, take);
        // The ones that knock are chosen by their place, the rest is one breath.
        const knocking = batch.filter(() => below(50) === 0);
        await attacker.attack(
          batch.filter((frame) => !knocking.includes(frame)),
          { leave: below(40) === 0 },
        );
        for (const frame of knocking) await attacker.knock(frame);
        done += count;
        tell?.(done);
      }
      await attacker.retire();
    }),
  );
  return { faults: loud.flatMap((attacker) => attacker.faults), tally: merged(loud.map(({ tally }) => tally)) };
};

function merged(tallies: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const tally of tallies) for (const [what, count] of tally) all.set(what, (all.get(what) ?? 0) + count);
  return new Map([...all].sort());
}
