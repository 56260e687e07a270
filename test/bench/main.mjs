// `npm run bench`: our runtime against a plain `ws` loop that writes the same bytes. Each server is a process of its own, this
// one is the client of both; rounds alternate (ours, plain, ours, plain, …) and medians are compared, so that a noisy machine
// is noisy for both. Ratios hold from machine to machine, absolutes do not. `--profile DIR` writes our server's CPU profile.
import { parseArgs } from 'node:util';
import { beside, delivery, memory, replay } from './measure.mjs';
import { startOurs, startPlain } from './sides.mjs';

const { values } = parseArgs({ options: { profile: { type: 'string' } } });
const profiling = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
const beganMs = performance.now();
/** A comparison takes no more rounds than three once it has taken this long: on a busy machine, the bench still ends in time. */
const comparisonMsMax = 8_000;
const giveUpMs = 88_000;
setTimeout(() => {
  console.error(`Given up after ${giveUpMs / 1000} s`);
  process.exit(1);
}, giveUpMs).unref();

const ours = await startOurs(profiling);
const plain = await startPlain(await ours.record(50_000));

console.log('One client, 50,000 events of 100 bytes, and 100 clients, 500 events each\n');
const one = await compare(5, (side) => delivery(side, { sessions: 1, each: 50_000 }));
const hundred = await compare(5, (side) => delivery(side, { sessions: 100, each: 500 }));
deliveryTable([
  ['1 × 50,000', one, 50_001],
  ['100 × 500', hundred, 50_100],
]);

console.log('\nReplay of 5,000 missed events after a resume\n');
const replayed = await compare(9, (side) => replay(side, 5_000));
table(
  ['', 'ours', 'plain ws', 'time, ours / plain'],
  [
    [
      '5,000 events',
      `${replayed.ours.ms.toFixed(1)} ms`,
      `${replayed.plain.ms.toFixed(1)} ms`,
      ratio(replayed.ours.ms, replayed.plain.ms),
    ],
  ],
);

console.log('\n20,000 events to one session beside so many idle ones, and 100,000 to 1,000 sessions at once\n');
const growth = [];
for (const idle of [0, 99, 999]) {
  const figures = await beside([ours, plain], idle, () =>
    compare(5, (side) => delivery(side, { sessions: 1, each: 20_000 })),
  );
  growth.push([`1 of ${idle + 1}`, figures, 20_001]);
}
const thousand = await compare(3, (side) => delivery(side, { sessions: 1000, each: 100 }));
deliveryTable([...growth, ['1000 × 100', thousand, 101_000]]);
await Promise.all([ours.server.end(), plain.server.end()]);

console.log('\nMemory of the server per session, 2,000 of them (heap after collection; resident)\n');
const heapOurs = await memoryOf(() => startOurs());
const heapPlain = await memoryOf(() => startPlain({ welcome: 'x'.repeat(400), frames: [] }));
table(
  ['', 'live', 'detached'],
  [
    ['ours', perSession(heapOurs.connected), perSession(heapOurs.dropped)],
    ['plain ws, connected and gone', perSession(heapPlain.connected), perSession(heapPlain.dropped)],
  ],
);

const costs = growth.map(([, { ours: figures }, events]) => figures.cpuMs / events);
const delivered = ({ ours: a, plain: b }) => b.ms / a.ms;
console.log('\nTargets\n');
table(
  ['ours to plain ws', 'target', 'measured', ''],
  [
    target('delivery to 1 client', { atLeast: 0.7, measured: delivered(one) }),
    target('delivery to 100 clients', { atLeast: 0.7, measured: delivered(hundred) }),
    target('time to replay', { atMost: 2, measured: replayed.ours.ms / replayed.plain.ms }),
    target('cost of an event, 1 of 1000 / 1 of 1', { atMost: 1.25, measured: costs.at(-1) / costs[0] }),
  ],
);
console.log(`\nNode ${process.version}, ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);

/** Rounds of both sides in turn; the median of every figure. */
async function compare(rounds, measure) {
  const results = { ours: [], plain: [] };
  const startedMs = performance.now();
  for (let round = 0; round <= rounds; round += 1) {
    const [a, b] = [await measure(ours), await measure(plain)];
    // The first round warms both up.
    if (round === 0) continue;
    results.ours.push(a);
    results.plain.push(b);
    if (round >= 3 && performance.now() - startedMs > comparisonMsMax) break;
  }
  const [a, b] = [medians(results.ours), medians(results.plain)];
  if (Math.abs(a.bytes / b.bytes - 1) > 0.01) throw new Error(`not the same bytes: ${a.bytes} and ${b.bytes}`);
  return { ours: a, plain: b };
}

function medians(results) {
  const names = Object.keys(results[0]);
  return Object.fromEntries(names.map((name) => [name, median(results.map((result) => result[name]))]));
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function memoryOf(start) {
  const side = await start();
  const figures = await memory(side, 2_000);
  await side.server.end();
  return figures;
}

function deliveryTable(rows) {
  table(
    ['sessions', 'ours', 'plain ws', 'ratio', 'server µs/event', 'plain ws'],
    rows.map(([name, { ours: a, plain: b }, events]) => [
      name,
      perSecond(events, a.ms),
      perSecond(events, b.ms),
      ratio(b.ms, a.ms),
      ((a.cpuMs * 1000) / events).toFixed(1),
      ((b.cpuMs * 1000) / events).toFixed(1),
    ]),
  );
}

function target(name, { atLeast, atMost, measured }) {
  const isMet = atLeast === undefined ? measured <= atMost : measured >= atLeast;
  return [name, atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`, measured.toFixed(2), isMet ? 'met' : 'MISSED'];
}

function perSecond(events, ms) {
  return `${Math.round((events / ms) * 1000).toLocaleString('en')}/s`;
}

function perSession({ heap, rss }) {
  return `${(heap / 1024).toFixed(1)} kB; ${(rss / 1024).toFixed(1)} kB`;
}

function ratio(a, b) {
  return (a / b).toFixed(2);
}

function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  for (const row of [head, ...rows]) {
    console.log(
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('   ')}`,
    );
  }
}
