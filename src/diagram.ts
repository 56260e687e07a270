import type { AnyStateMachine, AnyStateNode } from 'xstate';

const drawBy = { mermaid };

/** What a drawing can be written in. `mermaid`: a `stateDiagram-v2`, which GitHub renders. */
export type DiagramFormat = keyof typeof drawBy;

export interface DiagramOptions {
  /** `changes` (the default): what leads from state to state. `everything`: also actions, and what is answered in a state. */
  detail?: 'changes' | 'everything';
}

/**
 * A drawing of a machine, made from the chart that runs. The same chart gives the same text. A transition that a state takes
 * over from the states around it is drawn where it can happen: from the states that do not answer its event themselves.
 */
export function diagram(
  machine: AnyStateMachine,
  format: DiagramFormat = 'mermaid',
  options: DiagramOptions = {},
): string {
  return drawBy[format](machine.root, options.detail ?? 'changes');
}

/** One branch of the answers a state has to an event; `among` are all of them, in the order in which they are tried. */
interface Branch {
  event: string;
  guard: string | undefined;
  actions: string[];
  target: AnyStateNode | undefined;
  among: Branch[];
}

/** A branch on an arrow between the states around its ends: `from` and `into` are the ends, where they lie deeper. */
interface Step {
  branch: Branch;
  from: AnyStateNode | undefined;
  into: AnyStateNode | undefined;
}

/** All that leads from one state to another beside it. */
interface Arrow {
  source: AnyStateNode;
  target: AnyStateNode;
  steps: Step[];
}

type Detail = 'changes' | 'everything';

function mermaid(root: AnyStateNode, detail: Detail): string {
  const nameOf = namesIn(root);
  const arrows = arrowsIn(root);
  const lines = ['stateDiagram-v2'];
  const name = (node: AnyStateNode) => nameOf.get(node) ?? node.key;

  function drawInside(parent: AnyStateNode, indent: string): void {
    const inside = childrenOf(parent);
    if (parent.type === 'compound')
      for (const first of initialOf(parent)) lines.push(`${indent}[*] --> ${name(first)}`);
    for (const [index, child] of inside.entries()) {
      if (parent.type === 'parallel' && index > 0) lines.push(`${indent}--`);
      drawState(child, indent);
    }
    for (const { source, target, steps } of arrows.filter((arrow) => arrow.source.parent === parent)) {
      lines.push(`${indent}${name(source)} --> ${name(target)}: ${label(steps, detail)}`);
    }
    for (const child of inside) if (child.type === 'final') lines.push(`${indent}${name(child)} --> [*]`);
  }

  function drawState(node: AnyStateNode, indent: string): void {
    const title = node.type === 'history' ? 'H' : node.key;
    const alias = name(node) === title ? name(node) : `"${escaped(title)}" as ${name(node)}`;
    if (childrenOf(node).length > 0) {
      lines.push(`${indent}state ${alias} {`);
      drawInside(node, `${indent}  `);
      lines.push(`${indent}}`);
    } else {
      lines.push(`${indent}${alias === name(node) ? alias : `state ${alias}`}`);
    }
    const notes = detail === 'everything' ? answersOf(node) : [];
    if (notes.length === 0) return;
    lines.push(
      `${indent}note right of ${name(node)}`,
      ...notes.map((note) => `${indent}  ${note}`),
      `${indent}end note`,
    );
  }

  const everywhere = detail === 'everything' ? answersOf(root) : [];
  if (everywhere.length > 0) lines.push('  state "in every state" as in_every_state');
  for (const answer of everywhere) lines.push(`  in_every_state: ${answer}`);
  drawInside(root, '  ');
  return `${lines.join('\n')}\n`;
}

/** What is written at an arrow: a line an event, and every branch a line where all is told. */
function label(steps: readonly Step[], detail: Detail): string {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const { branch, from, into } = step;
    const key = detail === 'everything' ? String(groups.size) : `${from?.id} ${branch.event} ${into?.id}`;
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  return [...groups.values()].map((group) => line(group, detail)).join('<br/>');
}

function line(group: readonly Step[], detail: Detail): string {
  const branches = group.map(({ branch }) => branch);
  const [{ from, into } = { from: undefined, into: undefined }] = group;
  const text = detail === 'everything' ? branches.map(told).join('') : condensed(branches);
  return `${from ? escaped(`${from.key}: `) : ''}${text}${into ? escaped(` → ${into.key}`) : ''}`;
}

/** `event [guard] / actions`. */
function told({ event, guard, actions, among }: Branch): string {
  const condition = guard ?? (among.length > 1 ? 'else' : undefined);
  const done = actions.length > 0 ? ` / ${escaped(actions.join(', '))}` : '';
  return `${conditional(event, condition === undefined ? [] : [condition])}${done}`;
}

/** The branches of one event to one target, as one line: no guard where they are all there are, or the others change nothing. */
function condensed(branches: readonly Branch[]): string {
  const [{ event, among } = { event: '', among: [] }] = branches;
  const guards = branches.flatMap(({ guard }) => guard ?? []);
  if (guards.length === branches.length) return conditional(event, guards);
  const leadsElsewhere = among.some((other) => other.target !== undefined && !branches.includes(other));
  return conditional(event, leadsElsewhere ? [...guards, 'else'] : []);
}

function conditional(event: string, conditions: readonly string[]): string {
  if (conditions.length === 0) return escaped(event === '' ? 'always' : event);
  return escaped(`${event} [${conditions.join(' or ')}]`.trim());
}

/** What a state does without leading elsewhere. */
function answersOf(node: AnyStateNode): string[] {
  const { entry, exit } = node.config;
  const entered = doneAt('entry', entry);
  const left = doneAt('exit', exit);
  const invoked = node.invoke.map(({ src }) => `invoke / ${escaped(typeName(src))}`);
  return [
    ...entry,
    ...exit,
    ...invoked,
    ...branchesOf(node)
      .filter(({ target }) => target === undefined)
      .map(told),
  ];
}

function doneAt(moment: string, actions: unknown): string[] {
  const names = [actions ?? []].flat().map(typeName);
  return names.length > 0 ? [`${moment} / ${escaped(names.join(', '))}`] : [];
}

function arrowsIn(root: AnyStateNode): Arrow[] {
  const arrows = new Map<string, Arrow>();
  const nodes = withDescendants(root);
  for (const node of nodes) {
    for (const branch of branchesOf(node)) {
      if (branch.target === undefined) continue;
      for (const [from, into] of endsOf(node, branch.target, branch.event)) addStep(arrows, { branch, from, into });
    }
  }
  return [...arrows.values()].sort((one, other) => nodes.indexOf(one.source) - nodes.indexOf(other.source));
}

/** Arrows join states that lie side by side: across the border of a state, Mermaid puts labels over one another. */
function addStep(
  arrows: Map<string, Arrow>,
  { branch, from, into }: Step & { from: AnyStateNode; into: AnyStateNode },
): void {
  let source = from;
  while (source.parent !== undefined && !isInside(into, source.parent)) source = source.parent;
  let target = into;
  while (target.parent !== undefined && target.parent !== source.parent) target = target.parent;
  const key = `${source.id} ${target.id}`;
  const arrow = arrows.get(key) ?? { source, target, steps: [] };
  arrow.steps.push({ branch, from: source === from ? undefined : from, into: target === into ? undefined : into });
  arrows.set(key, arrow);
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

/** A state answers an event when it has a branch for it that no guard can refuse. */
function isAnswered(node: AnyStateNode, event: string): boolean {
  return branchesOf(node).some((branch) => branch.guard === undefined && matches(branch.event, event));
}

function matches(heard: string, event: string): boolean {
  if (heard === anythingElse) return true;
  return heard === event || (heard.endsWith('.*') && event.startsWith(heard.slice(0, -1)));
}

function branchesOf(node: AnyStateNode): Branch[] {
  const always: [string, NonNullable<typeof node.always>][] = node.always ? [['', node.always]] : [];
  return [...node.transitions, ...always].flatMap(([descriptor, candidates]) => {
    const among: Branch[] = [];
    for (const { guard, actions, target } of candidates) {
      const branch = {
        event: eventName(descriptor, node),
        guard: guard && typeName(guard),
        actions: actions.map(typeName),
        among,
      };
      for (const end of target ?? [undefined]) among.push({ ...branch, target: end });
    }
    return among;
  });
}

const anythingElse = 'anything else';

function eventName(descriptor: string, node: AnyStateNode): string {
  if (descriptor === '*') return anythingElse;
  const after = 'xstate.after.';
  if (descriptor.startsWith(after)) {
    const delay = descriptor.slice(after.length, -node.id.length - 1);
    return `after ${/^\d+$/.test(delay) ? `${delay} ms` : delay}`;
  }
  if (descriptor.startsWith('xstate.done.state.')) return 'done';
  return descriptor.replace(/^xstate\.(done|error)\.actor\./, '$1 ');
}

/** The name of an action, a guard or an actor: a string, an object with a type, or a function. */
function typeName(named: unknown): string {
  if (typeof named === 'string') return named;
  if (typeof named === 'object' && named !== null && 'type' in named) return String(named.type);
  return typeof named === 'function' && named.name !== '' ? named.name : 'inline';
}

/** Names for Mermaid, each once in the drawing: the key where it can be, else the path to it. */
function namesIn(root: AnyStateNode): Map<AnyStateNode, string> {
  const nodes = withDescendants(root).slice(1);
  return new Map(
    nodes.map((node) => {
      const isPlain = /^[A-Za-z]\w*$/.test(node.key) && !reserved.has(node.key.toLowerCase());
      const isOnce = nodes.filter(({ key }) => key === node.key).length === 1;
      return [node, isPlain && isOnce ? node.key : `s_${node.path.join('_').replace(/\W/g, '_')}`];
    }),
  );
}

const reserved = new Set([
  'as',
  'choice',
  'class',
  'classdef',
  'default',
  'direction',
  'end',
  'fork',
  'hide',
  'join',
  'note',
  'scale',
  'state',
  'style',
]);

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
