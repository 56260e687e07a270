import { World } from './world.ts';

/** Runs one seed's story; a failure names the seed, the step and what happened before it. */
export async function simulate(seed: number, steps: number): Promise<{ replayed: number }> {
  const world = new World(seed);
  let step = 0;
  try {
    for (; step < steps; step += 1) await world.step();
    await world.calm();
  } catch (error) {
    const story = world.story.slice(-40).map((line) => `  ${line}`);
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}, step ${step} of ${steps}: ${message}\n${story.join('\n')}`, { cause: error });
  }
  return { replayed: world.replayed };
}
