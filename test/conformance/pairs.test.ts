// Every pair of transitions of a session, one after the other: longer than all the rest, and so only when asked for
// (`npm run pairs`), at levels (a) and (b).
import { afterAll, describe, test } from 'vitest';
import { jobMachine, sessionMachine } from '../../machines/index.ts';
import { ChartDriver, drive, policies, sessionWalks, WireDriver } from '../../src/conformance/index.ts';
import { everyAbility } from '../../src/conformance/model.ts';
import { expectCovered, without } from './covered.ts';
import { Level } from './level.ts';
import { memoryStage } from './memory-stage.ts';

const limitMs = 900_000;
const charts = [sessionMachine, jobMachine];
const levels = [
  { level: new Level('level (a), the charts alone', charts), abilities: everyAbility },
  { level: new Level('level (b), a runtime in memory', charts), abilities: without('facts') },
];

describe.skipIf(!process.env.PAIRS)('every pair of transitions, one after the other', () => {
  describe.each(levels)('$level.name', ({ level, abilities }) => {
    const { inspect } = level.coverage;
    afterAll(() => console.info(level.text));

    test.each(policies)(
      'goes as the protocol says, with $policy',
      async ({ policy }) => {
        const startedMs = performance.now();
        const { walks } = sessionWalks({ policy, abilities, pairs: true });
        for (const walk of walks) {
          const isChart = abilities === everyAbility;
          await drive(
            isChart ? new ChartDriver({ policy, inspect }) : new WireDriver(memoryStage(policy, inspect)),
            walk,
          );
        }
        level.tally(startedMs, walks);
      },
      limitMs,
    );

    test('no transition that a chart declares was left out', () => {
      expectCovered(level.coverage.report(), level.name, abilities);
    });
  });
});
