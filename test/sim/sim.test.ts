// Clients, network and runtime in virtual time: whatever is drawn, the promises hold after every step.
import { expect, test } from 'vitest';
import { simulate } from './run.ts';

const seeds = Number(process.env.SEEDS ?? 300);
const steps = 120;

test(`${seeds} seeded storms of ${steps} steps keep every promise`, async () => {
  const first = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`seeds from ${first}; reproduce one with: npm run sim -- --seed S --steps ${steps}`);
  let replayed = 0;
  for (let seed = first; seed < first + seeds; seed += 1) replayed += (await simulate(seed, steps)).replayed;
  console.info(`${replayed} frames were replayed`);
  expect(replayed).toBeGreaterThan(seeds);
}, 120_000);
