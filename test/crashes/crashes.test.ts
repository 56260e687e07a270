// A few rounds of `npm run crashes`: kill -9 under load, and what clients see of it.
import { expect, test } from 'vitest';
import { crashes } from './run.mjs';

test('kill -9 under load loses nothing, doubles nothing, and ends every job once', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { faults, figures } = await crashes({ rounds: 5, seed });
  console.log(`seed ${seed}: ${JSON.stringify(figures)}`);
  expect(faults, `seed ${seed}`).toEqual([]);
  expect(figures.resumes).toBeGreaterThan(0);
}, 150_000);
