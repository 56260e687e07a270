import { type AnyStateMachine, createActor, type InputFrom, type InspectionEvent } from 'xstate';
import { type ChartView, chartView, stoppedClock, tell } from './chart-moment.ts';
import type { Step } from './paths.ts';

export interface ChartWalkOptions<Machine extends AnyStateMachine> {
  input?: InputFrom<Machine>;
  inspect?: (event: InspectionEvent) => void;
  /** Called after each step with the actions it ran, by name and in order; what it throws ends the walk. */
  check?: (step: Step, seen: { moment: ChartView; effects: readonly string[] }) => void;
}

/**
 * Takes a live machine along a walk of `lifecyclePaths`, an `after` told as the event it is. Throws where the machine does
 * not go where the walk says, naming the steps that led there.
 */
export function walkChart<Machine extends AnyStateMachine>(
  machine: Machine,
  walk: readonly Step[],
  { input, inspect, check }: ChartWalkOptions<Machine> = {},
): void {
  let effects: string[] = [];
  const failures: unknown[] = [];
  const live: AnyStateMachine = machine;
  const actor = createActor(live, {
    input,
    clock: stoppedClock,
    inspect: (event) => {
      inspect?.(event);
      if (event.type === '@xstate.action') effects.push(event.action.type);
    },
  });
  actor.subscribe({ error: (error) => failures.push(error) });
  actor.start();
  for (const [index, step] of walk.entries()) {
    effects = [];
    for (const { event, to } of step.told) tell(to === undefined ? actor : actor.getSnapshot().children[to], event);
    const moment = chartView(actor.getSnapshot());
    const trail = () =>
      `after ${walk
        .slice(0, index + 1)
        .map(({ name }) => name)
        .join(', ')}`;
    if (failures.length > 0) throw new Error(`the machine failed ${trail()}`, { cause: failures[0] });
    const [went, expected] = [moment, step.after].map(({ value, children }) => JSON.stringify([value, children]));
    if (went !== expected) throw new Error(`expected ${expected}, the machine is in ${went} ${trail()}`);
    check?.(step, { moment, effects });
  }
  actor.stop();
}
