import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { anythingElse, eventName, nameOf } from './names.ts';
import { childrenOf, initialOf, isInside, withDescendants } from './tree.ts';

/** One branch of a state's answer to an event; `among` are all of them, in the order in which they are tried. */
export interface Branch {
  event: string;
  guard: string | undefined;
  target: AnyStateNode | undefined;
  among: readonly Branch[];
  declared: AnyTransitionDefinition;
}

/** A branch with both of its ends. */
export interface Step {
  branch: Branch;
  from: AnyStateNode;
  into: AnyStateNode;
}

/** All steps that are drawn as one arrow. */
export interface Arrow {
  source: AnyStateNode;
  target: AnyStateNode;
  steps: Step[];
}

/** An arrow from each state to each that it leads to. */
export function directArrows(root: AnyStateNode): Arrow[] {
  return arrowsIn(root, ({ from, into }) => [from, into]);
}

/**
 * The arrows of a drawing in which none may cross a state's border: Mermaid puts labels over one another there. An arrow then
 * has all that leads from one state, or from inside it, to another beside it, or to inside that one.
 */
export function arrowsBeside(root: AnyStateNode): Arrow[] {
  return arrowsIn(root, ({ from, into }) => besideEachOther(from, into));
}

function arrowsIn(root: AnyStateNode, endsAt: (step: Step) => [AnyStateNode, AnyStateNode]): Arrow[] {
  const nodes = withDescendants(root);
  const arrows = new Map<string, Arrow>();
  for (const step of nodes.flatMap(stepsOf)) {
    const [source, target] = endsAt(step);
    const key = `${source.id} ${target.id}`;
    const arrow = arrows.get(key) ?? { source, target, steps: [] };
    arrow.steps.push(step);
    arrows.set(key, arrow);
  }
  return [...arrows.values()].sort((one, other) => nodes.indexOf(one.source) - nodes.indexOf(other.source));
}

/** All that a state declares and that leads somewhere: none where the states inside it, which hear it first, answer it. */
export function stepsOf(node: AnyStateNode): Step[] {
  return branchesOf(node).flatMap((branch) => {
    const ends = branch.target === undefined ? [] : endsOf(node, branch.target, branch.event);
    return ends.map(([from, into]) => ({ branch, from, into }));
  });
}

/**
 * Where a transition is drawn. There is no arrow between a state and one inside it: what leads inside starts at the states
 * next to the target, what leads outside ends at the state that is entered there.
 */
function endsOf(source: AnyStateNode, target: AnyStateNode, event: string): [AnyStateNode, AnyStateNode][] {
  if (isInside(target, source)) {
    const heirs = childrenOf(source).filter((child) => child.type !== 'final' && !isAnswered(child, event));
    return heirs.flatMap((child) => endsOf(child, target, event));
  }
  let entered = target;
  while (isInside(source, entered)) {
    const [first] = initialOf(entered);
    if (first === undefined) break;
    entered = first;
  }
  return [[source, entered]];
}

/** The states to join, side by side. */
function besideEachOther(from: AnyStateNode, into: AnyStateNode): [AnyStateNode, AnyStateNode] {
  let source = from;
  while (source.parent !== undefined && !isInside(into, source.parent)) source = source.parent;
  let target = into;
  while (target.parent !== undefined && target.parent !== source.parent) target = target.parent;
  return [source, target];
}

/** A state answers an event when it has a branch for it that no guard can refuse. */
function isAnswered(node: AnyStateNode, event: string): boolean {
  return branchesOf(node).some((branch) => branch.guard === undefined && isHeardBy(branch.event, event));
}

function isHeardBy(descriptor: string, event: string): boolean {
  if (descriptor === anythingElse || descriptor === event) return true;
  return descriptor.endsWith('.*') && event.startsWith(descriptor.slice(0, -1));
}

/** All branches of all events that a state answers, in the order of the chart. */
export function branchesOf(node: AnyStateNode): Branch[] {
  const always: [string, NonNullable<typeof node.always>][] = node.always ? [['', node.always]] : [];
  return [...node.transitions, ...always].flatMap(([descriptor, candidates]) => {
    const among: Branch[] = [];
    for (const candidate of candidates) {
      const event = eventName(descriptor, node);
      const guard = candidate.guard && nameOf(candidate.guard);
      for (const target of candidate.target ?? [undefined])
        among.push({ event, guard, target, among, declared: candidate });
    }
    return among;
  });
}
