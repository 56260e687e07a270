// A second net over the same model: acts drawn at random, shrunk where they fail, at the runtime of level (b).
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare, type Policy, WireDriver } from '../../src/conformance/index.ts';
import { type Ability, actsFor, type NamedAct } from '../../src/conformance/model.ts';
import { outcomeOf } from '../../src/conformance/outcome.ts';
import { beginning, type Reference } from '../../src/conformance/reference.ts';
import { memoryStage } from './memory-stage.ts';

const abilities: ReadonlySet<Ability> = new Set<Ability>([
  'holdReplay',
  'time',
  'puppets',
  'faults',
  'secondPrincipal',
]);
const acts = actsFor(abilities);
const runs = 150;

/** What can happen at a moment; a hello comes often, so that most runs get beyond the handshake. */
function possible(at: Reference, policy: Policy): NamedAct[] {
  const able = acts.filter(({ act }) => outcomeOf(at, act, policy) !== null);
  const hello = able.filter(({ act }) => act.do === 'hello');
  return [...able, ...able.flatMap(() => hello)];
}

/** Takes one draw along; what went otherwise than the protocol says, told with the acts that led there. */
async function take(draws: readonly number[], policy: Policy): Promise<string[]> {
  const driver = new WireDriver(memoryStage(policy, () => {}));
  const story: string[] = [];
  let at = beginning;
  try {
    for (const draw of draws) {
      const able = possible(at, policy);
      const chosen = able[draw % Math.max(1, able.length)];
      const outcome = chosen && outcomeOf(at, chosen.act, policy);
      if (!chosen || !outcome) break;
      story.push(chosen.name);
      const differences = compare(outcome, await driver.perform(at, chosen.act));
      if (differences.length > 0) return [...story, ...differences];
      at = outcome.next;
    }
  } finally {
    await driver.end();
  }
  return [];
}

test(`${runs} random lives of a session go as the protocol says`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`seed ${seed}`);
  const draws = fc.array(fc.nat({ max: 10_000 }), { minLength: 5, maxLength: 60, size: 'max' });
  const policy = fc.record({
    onBye: fc.constantFrom('cancel' as const, 'keep' as const),
    onExpire: fc.constantFrom('cancel' as const, 'keep' as const),
  });
  const lives = fc.asyncProperty(draws, policy, async (drawn, chosen) => {
    expect(await take(drawn, chosen)).toEqual([]);
  });
  await fc.assert(lives, { seed, numRuns: runs });
}, 120_000);
