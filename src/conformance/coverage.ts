import type { AnyStateMachine, AnyTransitionDefinition, InspectionEvent } from 'xstate';

/** One transition as a chart declares it: each guarded branch is one of its own. */
export interface DeclaredTransition {
  /** Stable as long as the chart stays as it is: `session.attached | session.bye[0] → session.closed`. */
  id: string;
  chart: string;
  source: string;
  /** The event, as declared: `*` for the catch-all, empty for `always`. */
  event: string;
  /** Which of the branches of that event, in the order of the chart. */
  branch: number;
  /** Ids of the states it leads to; empty where it stays. */
  target: readonly string[];
}

/** What was taken of one chart. */
export interface ChartCoverage {
  chart: string;
  transitions: { declared: number; taken: number; missing: readonly string[] };
  states: { declared: number; entered: number; missing: readonly string[] };
  /** Distinct pairs of transitions that one actor took one after the other. */
  pairs: number;
  /** How often each declared transition was taken, by id. */
  counts: Readonly<Record<string, number>>;
}

/** A report that can be printed, stored as JSON, and merged with that of another process. */
export interface CoverageReport {
  charts: readonly ChartCoverage[];
}

/** Every transition a chart declares, `after` and `always` among them, in the order of the chart. */
export function declaredTransitions(machine: AnyStateMachine): DeclaredTransition[] {
  return stateNodes(machine).flatMap((node) =>
    [...node.transitions.values(), node.always ?? []].flatMap((branches) => branches.map(describe)),
  );
}

/** The id of a transition that was taken, equal to that of its declaration, also when the machine was `provide`d anew. */
export function transitionId(taken: AnyTransitionDefinition): string {
  return describe(taken).id;
}

/** The ids of the declared transitions among those an inspection event brings; the initial one is not declared. */
export function takenIn(transitions: readonly AnyTransitionDefinition[]): string[] {
  return transitions.flatMap((taken) => {
    const known = takenIds.get(taken);
    if (known) return known;
    const ids = branchOf(taken) >= 0 ? [transitionId(taken)] : [];
    takenIds.set(taken, ids);
    return ids;
  });
}

/** Transitions are taken often, and their ids are long to write. */
const takenIds = new WeakMap<AnyTransitionDefinition, readonly string[]>();

/**
 * Measures which transitions of the given charts are taken by whatever actors run them: hand `inspect` to
 * `createActor`, or to `createRuntime`. Charts are told apart by the id of their root.
 */
export function chartCoverage(machines: readonly AnyStateMachine[]) {
  const charts = new Map(machines.map((machine) => [machine.id, new ChartTally(machine)]));
  return {
    inspect(event: InspectionEvent): void {
      if (event.type !== '@xstate.microstep') return;
      const chart = charts.get(event._transitions[0]?.source.machine.id ?? '');
      chart?.count(event.actorRef, takenIn(event._transitions));
    },
    report: (): CoverageReport => ({ charts: [...charts.values()].map((chart) => chart.report()) }),
    /** Adds what another process measured on the same charts. Its pairs are taken for ours where ours are fewer. */
    merge(report: CoverageReport): void {
      for (const measured of report.charts) charts.get(measured.chart)?.merge(measured);
    },
  };
}

/** A table a person reads, and the names of what was not taken. */
export function coverageText({ charts }: CoverageReport): string {
  const rows = charts.map(({ chart, transitions, states, pairs }) =>
    [
      chart.padEnd(10),
      `transitions ${transitions.taken} of ${transitions.declared}`.padEnd(24),
      `states ${states.entered} of ${states.declared}`.padEnd(18),
      `pairs ${pairs}`,
    ].join('  '),
  );
  const missing = charts.flatMap(({ transitions, states }) => [
    ...transitions.missing.map((id) => `  never taken    ${id}`),
    ...states.missing.map((id) => `  never entered  ${id}`),
  ]);
  return [...rows, ...missing].join('\n');
}

class ChartTally {
  readonly #machine: AnyStateMachine;
  readonly #counts: Map<string, number>;
  readonly #pairs = new Set<string>();
  readonly #last = new WeakMap<object, string>();
  #pairsElsewhere = 0;

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
    this.#counts = new Map(declaredTransitions(machine).map(({ id }) => [id, 0]));
  }

  count(actor: object, taken: readonly string[]): void {
    for (const id of taken) {
      this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
      const last = this.#last.get(actor);
      if (last !== undefined) this.#pairs.add(`${last} > ${id}`);
      this.#last.set(actor, id);
    }
  }

  merge({ counts, pairs }: ChartCoverage): void {
    for (const [id, count] of Object.entries(counts)) this.#counts.set(id, (this.#counts.get(id) ?? 0) + count);
    this.#pairsElsewhere = Math.max(this.#pairsElsewhere, pairs);
  }

  report(): ChartCoverage {
    const counts = Object.fromEntries(this.#counts);
    const missing = Object.keys(counts).filter((id) => counts[id] === 0);
    const states = stateNodes(this.#machine).filter(({ type }) => type !== 'history');
    const entered = this.#entered();
    return {
      chart: this.#machine.id,
      transitions: { declared: this.#counts.size, taken: this.#counts.size - missing.length, missing },
      states: {
        declared: states.length,
        entered: states.filter(({ id }) => entered.has(id)).length,
        missing: states.filter(({ id }) => !entered.has(id)).map(({ id }) => id),
      },
      pairs: Math.max(this.#pairs.size, this.#pairsElsewhere),
      counts,
    };
  }

  /** The initial states, and those a taken transition led to or came from, with all they are part of. */
  #entered(): Set<string> {
    const entered = new Set<string>();
    const enter = (node: AnyStateMachine['root']): void => {
      for (let up: typeof node | undefined = node; up; up = up.parent) entered.add(up.id);
      for (const inner of node.type === 'parallel' ? Object.values(node.states) : (node.initial?.target ?? []))
        enter(inner);
    };
    enter(this.#machine.root);
    for (const node of stateNodes(this.#machine)) {
      for (const definition of [...node.transitions.values(), node.always ?? []].flat()) {
        if ((this.#counts.get(transitionId(definition)) ?? 0) > 0)
          for (const target of definition.target ?? []) enter(target);
      }
    }
    return entered;
  }
}

function stateNodes({ root }: AnyStateMachine): AnyStateMachine['root'][] {
  const nodes = [root];
  for (const node of nodes) nodes.push(...Object.values(node.states));
  return nodes;
}

function describe(definition: AnyTransitionDefinition): DeclaredTransition {
  const { source, eventType: event, target = [] } = definition;
  const branch = branchOf(definition);
  const targets = target.map((node) => node.id);
  const label = event === '' ? 'always' : event;
  const leads = targets.length > 0 ? `→ ${targets.join(', ')}` : 'stays';
  const id = `${source.id} | ${label}[${branch}] ${leads}`;
  return { id, chart: source.machine.id, source: source.id, event, branch, target: targets };
}

function branchOf(definition: AnyTransitionDefinition): number {
  const { source, eventType } = definition;
  return (eventType === '' ? source.always : source.transitions.get(eventType))?.indexOf(definition) ?? -1;
}
