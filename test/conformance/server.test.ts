// Level (c): the same walks, taken by a server process over real sockets, and over its stdin and stdout.
import { afterAll, describe, test } from 'vitest';
import { jobMachine, sessionMachine } from '../../machines/index.ts';
import {
  type Ability,
  type Act,
  drive,
  type Policy,
  policies,
  type SessionStep,
  sessionWalks,
  WireDriver,
} from '../../src/conformance/index.ts';
import { expectCovered, without } from './covered.ts';
import { Level } from './level.ts';
import { processStage, ServerProcess } from './process-stage.ts';

// A runtime can be told no fact that is none, and a real socket cannot be held between two frames.
const abilities = without('facts', 'holdReplay');
const level = new Level('level (c), a server process', [sessionMachine, jobMachine]);

afterAll(() => console.log(level.text));

async function take(
  server: ServerProcess,
  walk: readonly SessionStep[],
  how: { policy: Policy; first: 'ws' | 'stdio' },
) {
  const startedMs = performance.now();
  await drive(new WireDriver(await processStage(server, how)), walk);
  level.tally(startedMs, [walk]);
}

/**
 * A process takes its time to start: where it dies now and then, of all walks those with the fewest deaths are taken that show
 * each transition by which one comes back, and by which one leaves.
 */
function telling(walks: readonly (readonly SessionStep[])[]): (readonly SessionStep[])[] {
  const shown = new Set<string>();
  const deaths = (walk: readonly SessionStep[]) => walk.filter(({ data }) => data?.act.do === 'crash').length;
  return [...walks]
    .sort((a, b) => deaths(a) - deaths(b) || a.length - b.length)
    .filter((walk) => {
      const ends = walk.filter(({ data }) => data && telltale.has(data.act.do));
      const ways = ends.flatMap(({ data, transitions }) =>
        transitions.map((id) => `${JSON.stringify(data?.act)} ${id}`),
      );
      const isNews = walk.length < 50 && ways.some((way) => !shown.has(way));
      if (isNews) for (const way of ways) shown.add(way);
      return isNews;
    });
}

const telltale: ReadonlySet<Act['do']> = new Set(['crash', 'bye', 'window over']);

describe('every case in every state of a session goes, at a server process, as the protocol says', () => {
  for (const { policy, scope } of policies) {
    test(`over WebSocket, ${scope} with ${Object.entries(policy).join(' ')}`, async () => {
      const server = new ServerProcess();
      const { walks } = sessionWalks({ policy, scope, abilities });
      for (const walk of policy.onShutdown === 'keep' ? telling(walks) : walks)
        await take(server, walk, { policy, first: 'ws' });
      for (const report of await server.reports()) level.coverage.merge(report);
      await server.end();
    }, 150_000);
  }

  test('over stdin and stdout, for the connection a process has of itself', async () => {
    const policy: Policy = { onBye: 'cancel', onExpire: 'keep' };
    const { walks } = sessionWalks({ policy, abilities: new Set<Ability>(['time', 'puppets', 'secondPrincipal']) });
    // A process has one stdin: each walk has a process of its own.
    const chosen = [...walks].sort((a, b) => a.length - b.length).filter((_, index) => index % 9 === 0);
    for (const walk of chosen) {
      const server = new ServerProcess();
      await take(server, walk, { policy, first: 'stdio' });
      for (const report of await server.reports()) level.coverage.merge(report);
      await server.end();
    }
  }, 150_000);
});

test('no transition that a chart declares was left out', () => {
  expectCovered(level.coverage.report(), level.name, abilities);
});
