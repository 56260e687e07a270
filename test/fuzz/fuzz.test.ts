// §2: whatever is sent, it is refused or it is served, and nobody else notices. `npm run fuzz` sends a million.
import { expect, test } from 'vitest';
import { fuzz } from './run.ts';
import { storm } from './storm.ts';

const frames = Number(process.env.FRAMES ?? 5000);

// proves P1.12, P1.13
test(`§1 of ${frames} fuzzed frames each broken one is INVALID_REQUEST, and others are served 1..n meanwhile`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`reproduce: npm run fuzz -- --frames ${frames} --seed ${seed}`);
  const { faults, errors, tally, bystanderEvents } = await fuzz({ frames, seed, storm });
  expect(faults.slice(0, 3)).toEqual([]);
  expect(errors.slice(0, 3)).toEqual([]);
  expect(bystanderEvents).toBeGreaterThan(100);
  // A fuzz that nobody serves would prove nothing.
  for (const what of ['job.accepted', 'job.result', 'session.pong', 'session.error INVALID_REQUEST', 'closed 1008']) {
    expect([...tally.keys()]).toContain(what);
  }
}, 120_000);
