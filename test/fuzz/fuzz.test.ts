// §2: whatever is sent, it is refused or it is served, and nobody else notices. `npm run fuzz` sends a million.
import { expect, test } from 'vitest';
import { fuzz } from './run.ts';
import { storm } from './storm.ts';

const frames = Number(process.env.FRAMES ?? 5000);

// proves P1.12, P1.13
test(`§1 of ${frames} fuzzed frames each broken one is INVALID_REQUEST, and others are served 1..n meanwhile`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`reproduce: npm run fuzz -- --frames ${frames} --seed ${seed}`);
  const told: number[] = [];
  const tell = (done: number, total: number) => told.push(done / total);
  const { faults, errors, tally, bystanderEvents } = await fuzz({ frames, seed, storm, tell });
  expect(faults.slice(0, 3)).toEqual([]);
  expect(errors.slice(0, 3)).toEqual([]);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBe(1);
  expect(bystanderEvents).toBeGreaterThan(100);
  // A fuzz that nobody serves would prove nothing.
  for (const what of ['job.accepted', 'job.result', 'session.pong', 'session.error INVALID_REQUEST', 'closed 1008']) {
    expect([...tally.keys()]).toContain(what);
  }
}, 120_000);
