import type { InspectionEvent } from 'xstate';
import { type JobInput, jobMachine } from '../../machines/index.ts';
import { type Step, walkChart } from '../../src/conformance/index.ts';
import { jobExpected, stateOf } from './small-charts.ts';

/** Takes the job chart along a walk; what went otherwise than §7 says, in words. */
export function jobFaults(
  walk: readonly Step[],
  input: JobInput,
  inspect?: (event: InspectionEvent) => void,
): string[] {
  const faults: string[] = [];
  walkChart(jobMachine, walk, {
    input,
    ...(inspect && { inspect }),
    check: (step, { moment, effects }) => {
      const { state, effects: wanted = {} } = jobExpected(stateOf(step.before), step, input.credentials);
      if (stateOf(moment) !== state) faults.push(`${step.name}: expected ${state}, saw ${stateOf(moment)}`);
      for (const [effect, times] of Object.entries(wanted)) {
        const seen = effects.filter((name) => name === effect).length;
        if (seen !== times) faults.push(`${step.name}: ${effect} ${seen} times, and not ${times}`);
      }
    },
  });
  return faults;
}
