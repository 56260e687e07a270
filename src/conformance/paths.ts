import { adjacencyMapToArray, getAdjacencyMap } from '@xstate/graph';
import type { ActorLogic, AnyStateMachine, InputFrom, Snapshot } from 'xstate';
import { type ChartMoment, type ChartView, runChart, type Told } from './chart-moment.ts';
import { declaredTransitions } from './coverage.ts';
import { type Edge, tour } from './tour.ts';

/** One thing that can happen in some state: its name, and whatever the machine hears of it, in order; perhaps nothing. */
export interface Case<Memory = unknown, Data = unknown> {
  /** Names the case among those of its state. */
  name: string;
  told: readonly Told[];
  /** A machine from its beginning is told, and the one there was is no more. */
  anew?: boolean;
  /** What to remember from now on, JSON data; left out, memory stays as it is. */
  memory?: Memory;
  /** Whatever a driver needs in order to make it happen. */
  data?: Data;
}

/** Where a walk stands: what the machine itself says, and what its cases have made it remember. */
export interface Moment<Memory = unknown> extends ChartView {
  memory: Memory | undefined;
}

export interface PathOptions<Machine extends AnyStateMachine, Memory = unknown, Data = unknown> {
  /** What the machine is started with. */
  input?: InputFrom<Machine>;
  /** What can happen: the same everywhere, or as the moment has it. */
  cases: readonly Case<Memory, Data>[] | ((moment: Moment<Memory>) => readonly Case<Memory, Data>[]);
  /** What of the context tells two states apart, clamped to a few values, as JSON data. Default: nothing. */
  view?: (chart: ChartView) => unknown;
  /** Adds a case for each `after` of the states one is in. Default true; false where the cases tell of time themselves. */
  after?: boolean;
  /** What a step shows: each label is walked once. Default: every case in every state. Undefined: not needed. */
  cover?: (step: Step<Memory, Data>) => string | undefined;
  /** Covers every pair of transitions taken one after the other, instead of `cover`. */
  pairs?: boolean;
  /** Longest walk; a new one is begun above it. Default 250. */
  stepsMax?: number;
  /** Gives up, throwing a RangeError, above so many steps of the graph: the view is not clamped. Default 1,000,000. */
  edgesMax?: number;
}

/** One step of a walk: a case, and what the chart says becomes of it. */
export interface Step<Memory = unknown, Data = unknown> extends Case<Memory, Data>, Edge {
  before: Moment<Memory>;
  after: Moment<Memory>;
  /** Ids of the transitions it takes, those of children too, in order (`declaredTransitions`). */
  transitions: readonly string[];
}

/** Walks, each from the machine's beginning, and the size of the graph they cover. */
export interface LifecyclePaths<Memory = unknown, Data = unknown> {
  walks: readonly (readonly Step<Memory, Data>[])[];
  states: number;
  edges: number;
  /** Declared transitions that no step of the graph takes. */
  unreachable: readonly string[];
}

/**
 * Walks that take a machine through every case in every state, chained into few and long ones; the same each time. The
 * machine itself is run for it, so guards, `always`, children and refusals that change nothing all count; `after` is an
 * event as any other. Throws what the machine throws, with the case that made it.
 */
export function lifecyclePaths<Machine extends AnyStateMachine, Memory = unknown, Data = unknown>(
  machine: Machine,
  options: PathOptions<Machine, Memory, Data>,
): LifecyclePaths<Memory, Data> {
  const worlds = worldLogic(machine, options);
  const steps = stepsOf(worlds, options);
  const reached = new Set([...worlds.first.taken, ...steps.flatMap(({ transitions }) => transitions)]);
  return {
    walks: tour(steps, worlds.first.key, options.stepsMax ?? 250),
    states: new Set(steps.flatMap(({ from, to }) => [from, to])).size,
    edges: steps.length,
    unreachable: declaredTransitions(machine).flatMap(({ id }) => (reached.has(id) ? [] : [id])),
  };
}

/** A machine and its children at rest between two steps, as data. */
type World<Memory> = Snapshot<unknown> & {
  /** Its number, as text: the same for worlds that count as one. */
  key: string;
  chart: ChartMoment;
  moment: Moment<Memory>;
  /** The transitions of the step that led here. */
  taken: readonly string[];
  /** The last transition ever taken, where pairs count. */
  last: string;
};

/** Cases the machine cannot tell apart, and that are remembered alike: one way, walked under each of their names. */
interface Way<Memory, Data> {
  /** Its number among those of its state, as text. */
  type: string;
  told: readonly Told[];
  anew: boolean;
  memory: Memory | undefined;
  cases: Case<Memory, Data>[];
}

function stepsOf<Machine extends AnyStateMachine, Memory, Data>(
  { logic }: ReturnType<typeof worldLogic<Machine, Memory, Data>>,
  options: PathOptions<Machine, Memory, Data>,
): Step<Memory, Data>[] {
  const { pairs = false, edgesMax = 1_000_000, cover = everyCase } = options;
  const graph = getAdjacencyMap(logic, {
    input: undefined,
    serializeState: ({ key }) => key,
    serializeEvent: ({ type }) => type,
    events: (world) => waysOf(world, options),
    limit: edgesMax,
  });
  return adjacencyMapToArray(graph).flatMap(({ state: before, event: { cases }, nextState }) => {
    const { moment: after, key: to, taken: transitions } = nextState;
    return cases.map((one) => {
      const step = { ...one, from: before.key, to, label: undefined, before: before.moment, after, transitions };
      return { ...step, label: pairs ? pairOf(before.last, transitions) : cover(step) };
    });
  });
}

function waysOf<Machine extends AnyStateMachine, Memory, Data>(
  { moment, chart }: World<Memory>,
  { cases, after = true }: PathOptions<Machine, Memory, Data>,
): Way<Memory, Data>[] {
  const ways = new Map<string, Way<Memory, Data>>();
  const possible: Case<Memory, Data>[] = [...casesAt(cases, moment), ...(after ? chart.timers : [])];
  for (const one of possible) {
    const { told, memory = moment.memory, anew = false } = one;
    const heard = JSON.stringify([told, memory, anew]);
    const way = ways.get(heard);
    if (way) way.cases.push(one);
    else ways.set(heard, { type: String(ways.size), told, anew, memory, cases: [one] });
  }
  return [...ways.values()];
}

/** A list goes for as long as the machine runs; a function may also say what can happen after its end. */
function casesAt<Memory, Data>(cases: PathOptions<AnyStateMachine, Memory, Data>['cases'], moment: Moment<Memory>) {
  if (typeof cases === 'function') return cases(moment);
  return moment.status === 'active' ? cases : [];
}

function everyCase({ from, name }: { from: string; name: string }): string {
  return `${from} ${name}`;
}

function pairOf(last: string, taken: readonly string[]): string | undefined {
  return taken.length > 0 ? [last, ...taken].join(' > ') : undefined;
}

/** The machine as @xstate/graph walks it: a state is the machine with its children, an event is a case. */
function worldLogic<Machine extends AnyStateMachine, Memory, Data>(
  machine: Machine,
  options: PathOptions<Machine, Memory, Data>,
) {
  const { view = () => undefined, pairs = false, input } = options;
  const known = new Map<string, ChartMoment>();
  const numbers = new Map<string, string>();
  const world = (chart: ChartMoment, memory: Memory | undefined, lastBefore: string): World<Memory> => {
    const last = pairs ? (chart.taken.at(-1) ?? lastBefore) : '';
    const { taken } = chart;
    const text = JSON.stringify([...chart.key, memory, last]);
    const key = numbers.get(text) ?? String(numbers.size);
    numbers.set(text, key);
    return {
      status: 'active',
      output: undefined,
      error: undefined,
      key,
      chart,
      moment: { ...chart.moment, memory },
      taken,
      last,
    };
  };
  const first = world(runChart(machine, { input, told: [], view }), undefined, '');
  const logic: ActorLogic<World<Memory>, Way<Memory, Data>, undefined> = {
    getInitialSnapshot: () => first,
    getPersistedSnapshot: (snapshot) => snapshot,
    transition(before, { told, anew, memory, cases }) {
      // Worlds that differ in memory alone share what the machine makes of a case.
      const asked = JSON.stringify([anew ? null : before.chart.key, told]);
      let chart = known.get(asked);
      if (!chart) {
        try {
          chart = runChart(machine, { ...(anew ? { input } : { from: before.chart.persisted }), told, view });
        } catch (error) {
          throw new Error(`case "${cases[0]?.name}" in ${JSON.stringify(before.chart.key)} failed`, { cause: error });
        }
        known.set(asked, chart);
      }
      return world(chart, memory, before.last);
    },
  };
  return { logic, first };
}
