import type { Tally } from './tally.ts';
import { World } from './world.ts';

/** Runs one seed's story and tells what came to pass in it; a failure names the seed, the step and what happened before it. */
export async function simulate(seed: number, steps: number): Promise<Tally> {
  const world = new World(seed);
  let step = 0;
  try {
    await world.ready;
    for (; step < steps; step += 1) await world.step();
    await world.calm();
  } catch (error) {
    const told = world.story.last(Number(process.env.LAST ?? 60)).map((line) => `  ${line}`);
    const message = world.story.named(error instanceof Error ? error.message : String(error));
    const summary = `seed ${seed}, step ${step} of ${steps}: ${message}`;
    throw new Error([summary, ...told, `  ${message}`].join('\n'), { cause: error });
  }
  return world.tally;
}
