// Every pair of transitions of a session, one after the other: longer than all the rest, and so only when asked for
// (`npm run pairs`), at levels (a) and (b).
import { afterAll, describe, test } from 'vitest';
import { jobMachine, sessionMachine } from '../../machines/index.ts';
import {
  ChartDriver,
  chartCoverage,
  coverageText,
  drive,
  policies,
  sessionWalks,
  WireDriver,
} from '../../src/conformance/index.ts';
import { everyAbility } from '../../src/conformance/model.ts';
import { expectCovered, without } from './covered.ts';
import { memoryStage } from './memory-stage.ts';

const limitMs = 900_000;
const levels = [
  {
    level: 'level (a), the charts alone',
    abilities: everyAbility,
    coverage: chartCoverage([sessionMachine, jobMachine]),
  },
  {
    level: 'level (b), a runtime in memory',
    abilities: without('facts'),
    coverage: chartCoverage([sessionMachine, jobMachine]),
  },
];

describe.skipIf(!process.env.PAIRS)('every pair of transitions, one after the other', () => {
  describe.each(levels)('$level', ({ level, abilities, coverage }) => {
    const walked = { walks: 0, steps: 0, seconds: 0 };
    afterAll(() => {
      const { walks, steps, seconds } = walked;
      const figures = `${walks} walks, ${steps} steps, ${seconds.toFixed(1)} seconds`;
      console.info(`${level}\n${coverageText(coverage.report())}\n${figures}`);
    });

    test.each(policies)(
      'goes as the protocol says, with $policy',
      async ({ policy }) => {
        const startedMs = performance.now();
        const { inspect } = coverage;
        const { walks } = sessionWalks({ policy, abilities, pairs: true });
        for (const walk of walks) {
          const isChart = abilities === everyAbility;
          await drive(
            isChart ? new ChartDriver({ policy, inspect }) : new WireDriver(memoryStage(policy, inspect)),
            walk,
          );
        }
        walked.walks += walks.length;
        walked.steps += walks.reduce((steps, walk) => steps + walk.length, 0);
        walked.seconds += (performance.now() - startedMs) / 1000;
      },
      limitMs,
    );

    test('no transition that a chart declares was left out', () => {
      expectCovered(coverage.report(), level, abilities);
    });
  });
});
