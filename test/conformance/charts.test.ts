// Level (a): the charts that run in production, alone. Every case in every state, held against the protocol's own word.
import { afterAll, describe, expect, test } from 'vitest';
import { clientMachine, jobMachine, sessionMachine } from '../../machines/index.ts';
import {
  ChartDriver,
  type ChartView,
  chartCoverage,
  coverageText,
  drive,
  lifecyclePaths,
  policies,
  sessionWalks,
  walkChart,
} from '../../src/conformance/index.ts';
import { expectCovered } from './covered.ts';
import { jobFaults } from './job-walks.ts';
import { clientCases, clientExpected, clientInputs, jobCases, jobInputs, stateOf } from './small-charts.ts';

const coverage = chartCoverage([sessionMachine, jobMachine, clientMachine]);
const { inspect } = coverage;
const walked = { walks: 0, steps: 0, seconds: 0 };

afterAll(() => {
  const { walks, steps, seconds } = walked;
  console.log(`${coverageText(coverage.report())}\n${walks} walks, ${steps} steps, ${seconds.toFixed(1)} seconds`);
});

function tally(startedMs: number, walks: readonly (readonly unknown[])[]): void {
  walked.walks += walks.length;
  walked.steps += walks.reduce((steps, walk) => steps + walk.length, 0);
  walked.seconds += (performance.now() - startedMs) / 1000;
}

describe('every case in every state of the session chart, its jobs running, goes as the protocol says', () => {
  for (const { policy, scope } of policies) {
    test(`${scope} with ${Object.entries(policy).join(' ')}`, async () => {
      const startedMs = performance.now();
      const { walks } = sessionWalks({ policy, scope });
      for (const walk of walks) await drive(new ChartDriver({ policy, inspect }), walk);
      tally(startedMs, walks);
    }, 150_000);
  }
});

test('every case in every state of the job chart ends it at most once, and as §7 says', () => {
  for (const input of jobInputs) {
    const startedMs = performance.now();
    const { walks } = lifecyclePaths(jobMachine, { input, cases: jobCases });
    for (const walk of walks) expect(jobFaults(walk, input, inspect)).toEqual([]);
    tally(startedMs, walks);
  }
});

test('every case in every state of the client chart brings it back to its session, or says that it is lost', () => {
  for (const input of clientInputs) {
    const startedMs = performance.now();
    const view = ({ context: { sessionId, patienceMs, losses } }: ChartView) => [
      sessionId,
      patienceMs > 0,
      Math.min(losses, 2),
    ];
    const { walks } = lifecyclePaths(clientMachine, { input, cases: clientCases, view });
    for (const walk of walks) {
      walkChart(clientMachine, walk, {
        input,
        inspect,
        check: ({ before, ...step }, { moment, effects }) => {
          const { sessionId, patienceMs } = before.context;
          const at = { state: stateOf(before), sessionId, isPatient: patienceMs > 0 };
          const expected = clientExpected(at, step);
          if (!expected) return;
          const where = `${JSON.stringify(at)}: ${step.name}`;
          expect(stateOf(moment), where).toBe(expected.state);
          for (const [effect, times] of Object.entries(expected.effects ?? {})) {
            expect(effects.filter((name) => name === effect).length, `${where}: ${effect}`).toBe(times);
          }
          const { sessionId: now } = moment.context;
          expect(sessionId === null || now === sessionId, `${where}: it left its session`).toBe(true);
        },
      });
    }
    tally(startedMs, walks);
  }
});

test('no transition that a chart declares was left out', () => {
  expectCovered(coverage.report(), 'level (a), the charts alone');
});
