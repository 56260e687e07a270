import type { AnyStateMachine, AnyStateNode } from 'xstate';

const drawBy = { mermaid };

/** What a drawing can be written in. `mermaid`: a `stateDiagram-v2`, which GitHub renders. */
export type DiagramFormat = keyof typeof drawBy;

/**
 * A drawing of a machine, made from the chart that runs: the same chart gives the same text. It shows what leads from state to
 * state; what is answered without leaving a state is not drawn. A transition that states inherit from the one around them is
 * drawn where it can happen: from those that do not answer its event themselves.
 */
export function diagram(machine: AnyStateMachine, format: DiagramFormat = 'mermaid'): string {
  return drawBy[format](machine.root);
}

/** One branch of a state's answer to an event; `among` are all of them, in the order in which they are tried. */
interface Branch {
  event: string;
  guard: string | undefined;
  target: AnyStateNode | undefined;
  among: readonly Branch[];
}

/** A branch with both of its ends. */
interface Step {
  branch: Branch;
  from: AnyStateNode;
  into: AnyStateNode;
}

/** All that leads from one state, or from inside it, to another beside it, or to inside that one. */
interface Arrow {
  source: AnyStateNode;
  target: AnyStateNode;
  steps: Step[];
}

function mermaid(root: AnyStateNode): string {
  const nameOf = namesIn(root);
  const arrows = arrowsIn(root);
  const lines = ['stateDiagram-v2'];
  const name = (node: AnyStateNode) => nameOf.get(node) ?? node.key;

  function drawInside(parent: AnyStateNode, indent: string): void {
    const children = childrenOf(parent);
    for (const first of initialOf(parent)) lines.push(`${indent}[*] --> ${name(first)}`);
    for (const [index, child] of children.entries()) {
      if (parent.type === 'parallel' && index > 0) lines.push(`${indent}--`);
      drawState(child, indent);
    }
    for (const arrow of arrows.filter(({ source }) => source.parent === parent)) {
      lines.push(`${indent}${name(arrow.source)} --> ${name(arrow.target)}: ${label(arrow)}`);
    }
    for (const child of children) if (child.type === 'final') lines.push(`${indent}${name(child)} --> [*]`);
  }

  function drawState(node: AnyStateNode, indent: string): void {
    const title = node.type === 'history' ? 'H' : node.key;
    const isPlain = title === name(node);
    const declared = isPlain ? title : `state "${escaped(title)}" as ${name(node)}`;
    if (childrenOf(node).length === 0) {
      lines.push(`${indent}${declared}`);
      return;
    }
    lines.push(`${indent}${isPlain ? 'state ' : ''}${declared} {`);
    drawInside(node, `${indent}  `);
    lines.push(`${indent}}`);
  }

  drawInside(root, '  ');
  return `${lines.join('\n')}\n`;
}

/** What is written at an arrow: a line an event. */
function label({ source, target, steps }: Arrow): string {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const key = `${step.from.id} ${step.branch.event} ${step.into.id}`;
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  const lines = [...groups.values()].map((group) => {
    const [{ from, into } = { from: source, into: target }] = group;
    const text = condensed(group.map(({ branch }) => branch));
    return `${from === source ? '' : `${from.key}: `}${text}${into === target ? '' : ` → ${into.key}`}`;
  });
  return lines.map(escaped).join('<br/>');
}

/** The branches of one event to one target, as one line: without a guard where the other branches change nothing. */
function condensed(branches: readonly Branch[]): string {
  const [{ event, among } = { event: '', among: [] }] = branches;
  const guards = branches.flatMap(({ guard }) => guard ?? []);
  const isElse = guards.length < branches.length;
  const leadsElsewhere = among.some((other) => other.target !== undefined && !branches.includes(other));
  if (isElse && !leadsElsewhere) return event === '' ? 'always' : event;
  return `${event} [${[...guards, ...(isElse ? ['else'] : [])].join(' or ')}]`.trim();
}

function arrowsIn(root: AnyStateNode): Arrow[] {
  const nodes = withDescendants(root);
  const arrows = new Map<string, Arrow>();
  for (const node of nodes) {
    for (const branch of branchesOf(node)) {
      for (const [from, into] of branch.target === undefined ? [] : endsOf(node, branch.target, branch.event)) {
        const [source, target] = besideEachOther(from, into);
        const key = `${source.id} ${target.id}`;
        const arrow = arrows.get(key) ?? { source, target, steps: [] };
        arrow.steps.push({ branch, from, into });
        arrows.set(key, arrow);
      }
    }
  }
  return [...arrows.values()].sort((one, other) => nodes.indexOf(one.source) - nodes.indexOf(other.source));
}

/**
 * Where a transition is drawn. Mermaid draws none between a state and one inside it: what leads inside starts at the states
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

/** The states to join, side by side: where an arrow crosses a state's border, Mermaid puts labels over one another. */
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

function branchesOf(node: AnyStateNode): Branch[] {
  const always: [string, NonNullable<typeof node.always>][] = node.always ? [['', node.always]] : [];
  return [...node.transitions, ...always].flatMap(([descriptor, candidates]) => {
    const among: Branch[] = [];
    for (const candidate of candidates) {
      const event = eventName(descriptor, node);
      const guard = candidate.guard && guardName(candidate.guard);
      for (const target of candidate.target ?? [undefined]) among.push({ event, guard, target, among });
    }
    return among;
  });
}

const anythingElse = 'anything else';

function eventName(descriptor: string, node: AnyStateNode): string {
  const after = 'xstate.after.';
  if (descriptor === '*') return anythingElse;
  if (descriptor.startsWith('xstate.done.state.')) return 'done';
  if (!descriptor.startsWith(after)) return descriptor.replace(/^xstate\.(done|error)\.actor\./, '$1 ');
  const delay = descriptor.slice(after.length, -node.id.length - 1);
  return `after ${/^\d+$/.test(delay) ? `${delay} ms` : delay}`;
}

/** A guard is named by a string, by an object's type, or by its function. */
function guardName(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type);
  return typeof guard === 'function' && guard.name !== '' ? guard.name : 'inline';
}

/** Names for Mermaid, each once in the drawing: the key where it can be, else the path to it. */
function namesIn(root: AnyStateNode): Map<AnyStateNode, string> {
  const nodes = withDescendants(root).slice(1);
  const names = nodes.map((node): [AnyStateNode, string] => {
    const isPlain = /^[A-Za-z]\w*$/.test(node.key) && !reserved.has(node.key.toLowerCase());
    const isOnce = nodes.filter(({ key }) => key === node.key).length === 1;
    return [node, isPlain && isOnce ? node.key : `s${node.order}_${node.path.join('_').replace(/\W/g, '_')}`];
  });
  return new Map(names);
}

const reserved = new Set(
  'as choice class classdef default direction end fork hide join note scale state style'.split(' '),
);

/** A text in Mermaid: its own signs as entities. */
function escaped(text: string): string {
  return text.replace(/[:;#<>"%{}]/g, (sign) => `#${sign.codePointAt(0)};`);
}

function isInside(node: AnyStateNode, outer: AnyStateNode): boolean {
  for (let parent = node.parent; parent !== undefined; parent = parent.parent) if (parent === outer) return true;
  return false;
}

function initialOf(node: AnyStateNode): readonly AnyStateNode[] {
  return node.type === 'compound' ? (node.initial.target ?? []) : [];
}

function childrenOf(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states);
}

function withDescendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...childrenOf(node).flatMap(withDescendants)];
}
