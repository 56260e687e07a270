// `npm run crashes`: a hundred rounds, or `--rounds N`; `--seed N` repeats the random numbers of a run, if not its moments.
import { parseArgs } from 'node:util';
import { crashes } from './run.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } });
const rounds = Number(values.rounds ?? 100);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
console.log(`${rounds} rounds of kill -9, seed ${seed}`);
const { faults, figures } = await crashes({ rounds, seed, tell: console.log });
console.log(JSON.stringify(figures, null, 2));
for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
console.log(faults.length === 0 ? 'every promise held' : `${faults.length} faults (seed ${seed})`);
process.exit(faults.length === 0 ? 0 : 1);
