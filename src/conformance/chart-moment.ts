import {
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type MachineContext,
  type Snapshot,
  type StateValue,
} from 'xstate';
import { takenIn } from './coverage.ts';

/** What one actor is told: the machine itself, or one of its children by id. */
export interface Told {
  event: AnyEventObject;
  to?: string;
}

/** What a machine says of itself between two events. */
export interface ChartView {
  value: StateValue;
  context: MachineContext;
  /** The state values of its children, by id. */
  children: Readonly<Record<string, unknown>>;
  /** Their contexts, by id. */
  childContexts: Readonly<Record<string, MachineContext>>;
  status: 'active' | 'done';
}

/** A machine with its children at rest, as data from which it can be brought back. */
export interface ChartMoment {
  /** Equal for moments that count as one. */
  key: readonly unknown[];
  moment: ChartView;
  persisted: Snapshot<unknown>;
  /** Ids of the declared transitions taken to come here, in order. */
  taken: readonly string[];
  /** What time alone can bring: the `after`s of its states. */
  timers: readonly { name: string; told: readonly Told[] }[];
}

export interface ChartRun {
  /** Where to begin: at a moment, or, where that is left out, at the machine's beginning. */
  from?: Snapshot<unknown>;
  input?: unknown;
  told: readonly Told[];
  view: (moment: ChartView) => unknown;
}

/** Time does not pass here: an `after` is told as an event. */
export const stoppedClock = { setTimeout: () => undefined, clearTimeout: () => {} };

/** Brings a machine and its children to life at a moment, tells it what happens, and puts it to rest again. */
export function runChart(machine: AnyStateMachine, { from, input, told, view }: ChartRun): ChartMoment {
  const taken: string[] = [];
  const failures: unknown[] = [];
  const actor = createActor(machine, {
    ...(from ? { snapshot: from } : { input }),
    clock: stoppedClock,
    inspect: (event) => {
      if (event.type === '@xstate.microstep') taken.push(...takenIn(event._transitions));
    },
  });
  actor.subscribe({ error: (error) => failures.push(error) });
  actor.start();
  for (const { event, to } of told) tell(to === undefined ? actor : actor.getSnapshot().children[to], event);
  const snapshot = actor.getSnapshot();
  const moment = chartView(snapshot);
  const { value, children } = moment;
  const rest = {
    key: [value, children, view(moment)],
    moment,
    persisted: actor.getPersistedSnapshot(),
    taken,
    timers: timersOf(snapshot),
  };
  actor.stop();
  if (failures.length > 0) throw failures[0];
  return rest;
}

/** What a live machine says of itself now. */
export function chartView(snapshot: AnyMachineSnapshot): ChartView {
  const actors: [string, AnyActorRef | undefined][] = Object.entries(snapshot.children);
  const children = actors.map(([id, child]) => [id, child?.getSnapshot().value]);
  const contexts = actors.map(([id, child]) => [id, child?.getSnapshot().context]);
  const { value, context, status } = snapshot;
  return {
    value,
    context,
    children: Object.fromEntries(children),
    childContexts: Object.fromEntries(contexts),
    status: status === 'active' ? 'active' : 'done',
  };
}

/** Tells an actor what happened; throws where it cannot hear it. */
export function tell(actor: AnyActorRef | undefined, event: AnyEventObject): void {
  if (!actor) throw new Error(`${event.type} is for a child that is not there`);
  if (actor.getSnapshot().status !== 'active') throw new Error(`${event.type} is for an actor that has ended`);
  actor.send(event);
}

function timersOf({ _nodes, status }: AnyMachineSnapshot) {
  if (status !== 'active') return [];
  const types = new Set(_nodes.flatMap(({ after }) => after.map(({ eventType }) => String(eventType))));
  return [...types].map((type) => ({ name: type.replace(/^xstate\.after\./, 'after '), told: [{ event: { type } }] }));
}
