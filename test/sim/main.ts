// npm run sim -- --seed S --steps N [--seeds K]: storms from seed S on; the first that breaks a promise is told, step by step.
import { parseArgs } from 'node:util';
import { Progress } from '../support/progress.ts';
import { simulate } from './run.ts';
import { addTo, type Tally, tallyText } from './tally.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '120' },
    seeds: { type: 'string', default: '1' },
  },
});
const [first, steps, seeds] = [Number(values.seed), Number(values.steps), Number(values.seeds)];
if (![first, steps, seeds].every((given) => Number.isSafeInteger(given) && given >= 0)) {
  console.error('usage: npm run sim -- --seed S --steps N [--seeds K], all whole numbers');
  process.exit(2);
}
const startedMs = performance.now();
const tally: Tally = new Map();
const progress = new Progress('storms');
let seed = first;
try {
  for (; seed < first + seeds; seed += 1) {
    progress.tell(seed - first, seeds);
    addTo(tally, await simulate(seed, steps));
  }
  progress.end();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(
    `${seeds} ${seeds === 1 ? 'storm' : 'storms'} of ${steps} steps from seed ${first} on: every promise kept, in ${seconds} s`,
  );
  console.log(tallyText(tally));
} catch (error) {
  progress.end();
  console.error(error instanceof Error ? error.message : error);
  console.error(`again: npm run sim -- --seed ${seed} --steps ${steps}`);
  // A runtime that has yet to shut down would keep the process.
  process.exit(1);
}
