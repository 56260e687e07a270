// Level (b): the same walks, taken by a whole runtime over the in-memory transport, in simulated time.
import { afterAll, describe, test } from 'vitest';
import { jobMachine, sessionMachine } from '../../machines/index.ts';
import { chartCoverage, coverageText, drive, policies, sessionWalks, WireDriver } from '../../src/conformance/index.ts';
import { expectCovered, without } from './covered.ts';
import { memoryStage } from './memory-stage.ts';

// A runtime can be told no fact that is none.
const abilities = without('facts');
const coverage = chartCoverage([sessionMachine, jobMachine]);
const walked = { walks: 0, steps: 0, seconds: 0 };

afterAll(() => {
  const { walks, steps, seconds } = walked;
  console.log(`${coverageText(coverage.report())}\n${walks} walks, ${steps} steps, ${seconds.toFixed(1)} seconds`);
});

describe('every case in every state of a session goes, at the runtime, as the protocol says', () => {
  for (const { policy, scope } of policies) {
    test(`${scope} with ${Object.entries(policy).join(' ')}`, async () => {
      const startedMs = performance.now();
      const { walks } = sessionWalks({ policy, scope, abilities });
      for (const walk of walks) await drive(new WireDriver(memoryStage(policy, coverage.inspect)), walk);
      walked.walks += walks.length;
      walked.steps += walks.reduce((steps, walk) => steps + walk.length, 0);
      walked.seconds += (performance.now() - startedMs) / 1000;
    }, 150_000);
  }
});

test('no transition that a chart declares was left out', () => {
  expectCovered(coverage.report(), 'level (b), a runtime in memory', abilities);
});
