import type { AnyStateNode } from 'xstate';
import { transitionId } from '../conformance/coverage.ts';
import { actionNames, delayName, nameOf } from './names.ts';
import type { Painting } from './painting.ts';
import { childrenOf, initialOf } from './tree.ts';

/** A state, and with it the whole of a chart: its root is one. */
export interface ChartJson {
  /** Its own key after those of the states around it: `session.attached.live`. */
  id: string;
  key: string;
  type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** The id of the state that a compound state begins in. */
  initial?: string;
  /** Names of actions, in the order in which they run. */
  entry: string[];
  exit: string[];
  /** Those declared at this state, in the order in which they are tried. */
  transitions: TransitionJson[];
  states: ChartJson[];
}

/** One branch of a state's answer to an event. */
export interface TransitionJson {
  /** Stable as long as the chart stays as it is; coverage reports use the same. */
  id: string;
  /** As declared: `*` for the catch-all, empty for `always`. */
  event: string;
  /** A delay by its name, or in milliseconds. Only `after` transitions have it. */
  after?: string | number;
  /** Without one the branch is always taken when it is reached. */
  guard?: string;
  actions: string[];
  /** Ids of states; empty where it stays. */
  targets: string[];
  /** How often it was taken. Only a chart with coverage has it. */
  taken?: number;
}

/** A `ChartJson`, as text. */
export function json(root: AnyStateNode, painting: Painting): string {
  return `${JSON.stringify(stateJson(root, painting), undefined, 2)}\n`;
}

function stateJson(node: AnyStateNode, painting: Painting): ChartJson {
  const [initial] = initialOf(node);
  return {
    id: node.id,
    key: node.key,
    type: node.type,
    ...(initial && { initial: initial.id }),
    entry: actionNames(node.entry),
    exit: actionNames(node.exit),
    transitions: transitionsJson(node, painting),
    states: childrenOf(node).map((child) => stateJson(child, painting)),
  };
}

function transitionsJson(node: AnyStateNode, painting: Painting): TransitionJson[] {
  return [...node.transitions.values(), node.always ?? []].flat().map((declared) => {
    const { eventType: event, guard, actions, target = [] } = declared;
    const delay = delayName(event, node);
    const taken = painting.count(declared);
    return {
      id: transitionId(declared),
      event,
      ...(delay !== undefined && { after: /^\d+$/.test(delay) ? Number(delay) : delay }),
      ...(guard !== undefined && { guard: nameOf(guard) }),
      actions: actionNames(actions),
      targets: target.map(({ id }) => id),
      ...(taken !== undefined && { taken }),
    };
  });
}
