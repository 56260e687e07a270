// Levels (a) and (b): one set of walks through the life of a session, taken first by the charts that run in production, alone,
// then by a whole runtime over the in-memory transport, in simulated time. Every case in every state, held against the
// protocol's own word.
import { afterAll, describe, expect, test } from 'vitest';
import { clientMachine, jobMachine, sessionMachine } from '../../machines/index.ts';
import {
  ChartDriver,
  type ChartView,
  drive,
  lifecyclePaths,
  policies,
  type SessionStep,
  sessionWalks,
  WireDriver,
  walkChart,
} from '../../src/conformance/index.ts';
import { expectCovered, without } from './covered.ts';
import { jobFaults } from './job-walks.ts';
import { Level } from './level.ts';
import { memoryStage } from './memory-stage.ts';
import { clientCases, clientExpected, clientInputs, jobCases, jobInputs, stateOf } from './small-charts.ts';

const charts = new Level('level (a), the charts alone', [sessionMachine, jobMachine, clientMachine]);
const runtime = new Level('level (b), a runtime in memory', [sessionMachine, jobMachine]);
const { inspect } = charts.coverage;
// A runtime can be told no fact that is none.
const ofRuntime = without('facts');
const made = new Map<(typeof policies)[number], readonly (readonly SessionStep[])[]>();

afterAll(() => console.log(`${charts.text}\n${runtime.text}`));

for (const planned of policies) {
  const { policy, scope } = planned;
  describe(`every case in every state of a session, ${scope} with ${Object.entries(policy).join(' ')}, goes as the protocol says`, () => {
    test('(a) by the session chart, its jobs running', async () => {
      const startedMs = performance.now();
      const { walks } = sessionWalks({ policy, scope });
      made.set(planned, walks);
      for (const walk of walks) await drive(new ChartDriver({ policy, inspect }), walk);
      charts.tally(startedMs, walks);
    }, 150_000);

    test('(b) by a runtime in memory', async () => {
      const startedMs = performance.now();
      const walks = (made.get(planned) ?? sessionWalks({ policy, scope }).walks).map(withoutFacts);
      for (const walk of walks) await drive(new WireDriver(memoryStage(policy, runtime.coverage.inspect)), walk);
      runtime.tally(startedMs, walks);
    }, 150_000);
  });
}

/** A late fact changes nothing: without it the walk leads where it did. */
function withoutFacts(walk: readonly SessionStep[]): SessionStep[] {
  const isFact = ({ data }: SessionStep) => data?.act.do === 'late fact';
  expect(walk.filter((step) => isFact(step) && step.from !== step.to)).toEqual([]);
  return walk.filter((step) => !isFact(step));
}

test('every case in every state of the job chart ends it at most once, and as §7 says', () => {
  for (const input of jobInputs) {
    const startedMs = performance.now();
    const { walks } = lifecyclePaths(jobMachine, { input, cases: jobCases });
    for (const walk of walks) expect(jobFaults(walk, input, inspect)).toEqual([]);
    charts.tally(startedMs, walks);
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
    charts.tally(startedMs, walks);
  }
});

test('(a) no transition that a chart declares was left out', () => {
  expectCovered(charts.coverage.report(), charts.name);
});

test('(b) no transition that a chart declares was left out', () => {
  expectCovered(runtime.coverage.report(), runtime.name, ofRuntime);
});
