// Clients, network and runtime in virtual time: whatever is drawn, the promises hold after every step.
import { expect, test } from 'vitest';
import { simulate } from './run.ts';
import { addTo, type Tally, tallyText } from './tally.ts';

const seeds = Number(process.env.SEEDS ?? 400);
const steps = 120;

/** What has to come to pass in a few hundred storms, or they are none. */
const eventful = [
  'authenticated late, and too late',
  'authenticated late, failed',
  'authenticated late, granted',
  'authenticated late, refused',
  'closed 1000',
  'closed 1001',
  'closed 1008',
  'closed 1011',
  'closed 4001',
  'closed 4002',
  'closed 4003',
  'closed 4004',
  'credentials: issue done',
  'credentials: issue failed',
  'credentials: reissue done',
  'credentials: revoke done',
  'credentials: revoke failed',
  'credentials: rotated',
  'delegated',
  'delegated: BUDGET_EXHAUSTED',
  'delegated: LEASE_SUBSET_VIOLATION',
  'delegated: PERMISSION_DENIED',
  'event written again',
  'job CANCELLED',
  'job CANCELLED, delegated',
  'job INTERNAL_ERROR',
  'job INTERNAL_ERROR, delegated',
  'job LEASE_EXPIRED',
  'job TIMEOUT',
  'job success',
  'job.cancelled',
  'job.submit that waits for credentials',
  'job.subscribed',
  'job.subscribed with history',
  'job.subscribed with history, over',
  'job.unsubscribe',
  'passed on',
  'resume from attached',
  'resume from detached',
  'session.closed',
  'secret cut out',
  'session.error DUPLICATE_KEY',
  'session.error INVALID_REQUEST',
  'session.error JOB_NOT_FOUND',
  'session.error JOB_NOT_FOUND ended',
  'session.error PERMISSION_DENIED',
  'session.error RESUME_WINDOW_EXPIRED ahead',
  'session.error RESUME_WINDOW_EXPIRED expired',
  'session.error RESUME_WINDOW_EXPIRED trimmed',
  'session.error RESUME_WINDOW_EXPIRED unknown',
  'session.error UNAUTHENTICATED',
  'killed with nothing waiting',
  'killed with writes waiting',
  'session.hello that waits for an authenticator',
  'session.jobs',
  'session.resume that waits for an authenticator',
  'session.resume that waits for the disk',
  'shutdown with jobs',
  'shutdown with jobs, kept',
  'shutdown with no job',
  'shutdown with no job, kept',
  'spent',
  'spent: and told',
  'streamed result in chunks',
  'streamed result inline',
  'submit repeated',
  'tool',
  'tool: PERMISSION_DENIED',
  'waited for the disk, read',
];

test(`${seeds} seeded storms of ${steps} steps keep every promise`, async () => {
  const first = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`seeds from ${first}; reproduce one with: npm run sim -- --seed S --steps ${steps}`);
  const tally: Tally = new Map();
  for (let seed = first; seed < first + seeds; seed += 1) addTo(tally, await simulate(seed, steps));
  console.info(tallyText(tally));
  if (seeds >= 400) expect([...tally.keys()]).toEqual(expect.arrayContaining(eventful));
}, 120_000);

test('the same seed is the same storm', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  expect(await simulate(seed, steps), `seed ${seed}`).toEqual(await simulate(seed, steps));
});
