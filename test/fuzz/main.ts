// npm run fuzz -- --frames N --seed S: so many fuzzed frames at a runtime that others are using.
import { parseArgs } from 'node:util';
import { Progress } from '../support/progress.ts';
import { fuzz } from './run.ts';
import { stormThread } from './storm-thread.ts';

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});
const [frames, seed] = [Number(values.frames), Number(values.seed)];
if (![frames, seed].every((given) => Number.isSafeInteger(given) && given >= 0)) {
  console.error('usage: npm run fuzz -- --frames N --seed S, both whole numbers');
  process.exit(2);
}
console.log(`seed ${seed}; again: npm run fuzz -- --frames ${frames} --seed ${seed}`);
const { storm, end } = stormThread();
const progress = new Progress('frames');
const report = await fuzz({ frames, seed, storm, tell: (done, total) => progress.tell(done, total) });
progress.end();
await end();
const mebibytes = (bytes: number | undefined) => (bytes === undefined ? '?' : (bytes / 2 ** 20).toFixed(1));
const perSecond = Math.round(report.frames / report.seconds);
console.log(`${report.frames} frames in ${report.seconds.toFixed(1)} s, ${perSecond} a second`);
console.log(
  `others meanwhile: ${report.bystanderEvents} events, 1..n in each session, never more than ${Math.round(report.longestGapMs)} ms apart`,
);
console.log(
  `heap after collection: ${mebibytes(report.heapBefore)} MiB before, ${mebibytes(report.heapAfter)} MiB after`,
);
for (const [what, count] of report.tally) console.log(`  ${String(count).padStart(8)}  ${what}`);
const grown = (report.heapAfter ?? 0) - (report.heapBefore ?? 0);
const faults = [...report.faults, ...report.errors.map((line) => `the runtime logged an error: ${line}`)];
if (grown > 8 * 2 ** 20) faults.push(`the heap has grown by ${mebibytes(grown)} MiB`);
for (const fault of faults.slice(0, 5)) console.error(fault);
console.log(faults.length === 0 ? 'nothing broke' : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
