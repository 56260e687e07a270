import type { AnyStateNode } from 'xstate';
import { type Arrow, arrowsBeside, type Branch, type Step } from './arrows.ts';
import type { Painting } from './painting.ts';
import { childrenOf, initialOf, withDescendants } from './tree.ts';

/** A `stateDiagram-v2`. Mermaid colours no arrow of it: an event that was never taken has a cross before it. */
export function mermaid(root: AnyStateNode, painting: Painting): string {
  const nameOf = namesIn(root);
  const arrows = arrowsBeside(root);
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
      lines.push(`${indent}${name(arrow.source)} --> ${name(arrow.target)}: ${label(arrow, painting)}`);
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
function label({ source, target, steps }: Arrow, painting: Painting): string {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const key = `${step.from.id} ${step.branch.event} ${step.into.id}`;
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  const lines = [...groups.values()].map((group) => {
    const [{ from, into } = { from: source, into: target }] = group;
    const text = condensed(group.map(({ branch }) => branch));
    const isNever = painting.wear(group.map(({ branch }) => branch.declared)) === 'never';
    return `${isNever ? '✗ ' : ''}${from === source ? '' : `${from.key}: `}${text}${into === target ? '' : ` → ${into.key}`}`;
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
