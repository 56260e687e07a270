// Level (c) of the client chart: the real client over real sockets, to a WebSocket server that does what the walk says. Time passes
// by itself, and is short.
import { afterAll, beforeAll, test } from 'vitest';
import { clientMachine } from '../../machines/index.ts';
import { SocketServer } from './client/socket-place.ts';
import { clientWalks, passing, takeClient } from './client/walks.ts';
import { expectClientCovered } from './covered.ts';
import { Level } from './level.ts';

const level = new Level('level (c), the client over real sockets', [clientMachine]);
const { inspect } = level.coverage;
const server = new SocketServer();

beforeAll(() => server.listen());
afterAll(async () => {
  await server.close();
  console.log(level.text);
});

test.each(passing)(
  'a client keeps its promise over real sockets: $scope, $due, ticket $hasTicket, patient $isPatient',
  async (setup) => {
    const startedMs = performance.now();
    const walks = clientWalks(setup);
    for (const walk of walks) await takeClient(walk, { setup, place: server.place(), inspect });
    level.tally(startedMs, walks);
  },
  60_000,
);

test('no transition that the client chart declares was left out', () => {
  expectClientCovered(level.coverage.report(), level.name);
});
