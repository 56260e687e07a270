// Level (c) of the client chart: the real client over real sockets, to a WebSocket server that does what the walk says. Time passes
// by itself, and is short.
import { afterAll, beforeAll, test } from 'vitest';
import { clientMachine } from '../../machines/index.ts';
import { chartCoverage, coverageText } from '../../src/conformance/index.ts';
import { SocketServer } from './client/socket-place.ts';
import { clientWalks, passing, takeClient } from './client/walks.ts';
import { expectClientCovered } from './covered.ts';

const coverage = chartCoverage([clientMachine]);
const { inspect } = coverage;
const walked = { walks: 0, steps: 0, seconds: 0 };
const server = new SocketServer();

beforeAll(() => server.listen());
afterAll(async () => {
  await server.close();
  const { walks, steps, seconds } = walked;
  console.log(`${coverageText(coverage.report())}\n${walks} walks, ${steps} steps, ${seconds.toFixed(1)} seconds`);
});

test.each(passing)(
  'a client keeps its promise over real sockets: $scope, $due, ticket $hasTicket, patient $isPatient',
  async (setup) => {
    const startedMs = performance.now();
    const walks = clientWalks(setup);
    for (const walk of walks) await takeClient(walk, { setup, place: server.place(), inspect });
    walked.walks += walks.length;
    walked.steps += walks.reduce((steps, walk) => steps + walk.length, 0);
    walked.seconds += (performance.now() - startedMs) / 1000;
  },
  60_000,
);

test('no transition that the client chart declares was left out', () => {
  expectClientCovered(coverage.report(), 'level (c), the client over real sockets');
});
