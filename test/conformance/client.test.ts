// Level (b) of the client chart: the real client in memory, against a scripted runtime, in simulated time.
import { afterAll, test } from 'vitest';
import { clientMachine } from '../../machines/index.ts';
import { chartCoverage, coverageText } from '../../src/conformance/index.ts';
import { memoryPlace } from './client/place.ts';
import { clientWalks, standing, takeClient } from './client/walks.ts';
import { expectClientCovered } from './covered.ts';

const coverage = chartCoverage([clientMachine]);
const { inspect } = coverage;
const walked = { walks: 0, steps: 0, seconds: 0 };

afterAll(() => {
  const { walks, steps, seconds } = walked;
  console.log(`${coverageText(coverage.report())}\n${walks} walks, ${steps} steps, ${seconds.toFixed(1)} seconds`);
});

test.each(standing)(
  'a client keeps its promise in every case in every state: $due, ticket $hasTicket, patient $isPatient',
  async (setup) => {
    const startedMs = performance.now();
    const walks = clientWalks(setup);
    for (const walk of walks) await takeClient(walk, { setup, place: memoryPlace(), inspect });
    walked.walks += walks.length;
    walked.steps += walks.reduce((steps, walk) => steps + walk.length, 0);
    walked.seconds += (performance.now() - startedMs) / 1000;
  },
  150_000,
);

test('no transition that the client chart declares was left out', () => {
  expectClientCovered(coverage.report(), 'level (b), the client in memory');
});
