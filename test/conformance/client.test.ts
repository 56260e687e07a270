// Level (b) of the client chart: the real client in memory, against a scripted runtime, in simulated time.
import { afterAll, test } from 'vitest';
import { clientMachine } from '../../machines/index.ts';
import { memoryPlace } from './client/place.ts';
import { clientWalks, standing, takeClient } from './client/walks.ts';
import { expectClientCovered } from './covered.ts';
import { Level } from './level.ts';

const level = new Level('level (b), the client in memory', [clientMachine]);
const { inspect } = level.coverage;

afterAll(() => console.log(level.text));

test.each(standing)(
  'a client keeps its promise in every case in every state: $due, ticket $hasTicket, patient $isPatient',
  async (setup) => {
    const startedMs = performance.now();
    const walks = clientWalks(setup);
    for (const walk of walks) await takeClient(walk, { setup, place: memoryPlace(), inspect });
    level.tally(startedMs, walks);
  },
  150_000,
);

test('no transition that the client chart declares was left out', () => {
  expectClientCovered(level.coverage.report(), level.name);
});
