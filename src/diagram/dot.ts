import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { transitionId } from '../conformance/coverage.ts';
import { type Arrow, type Branch, branchesOf, directArrows, stepsOf } from './arrows.ts';
import { actionNames, anythingElse } from './names.ts';
import type { Painting, Wear } from './painting.ts';
import { childrenOf, initialOf, isInside, withDescendants } from './tree.ts';

/** Graphviz has the widths of its letters built in, and needs no font to lay a drawing out. */
const font = 'Arial';
const ink = '#1f2328';
const faint = '#6e7781';
const colourOf: Readonly<Record<Wear, string>> = { taken: '#1a7f37', never: '#cf222e', unknown: '#424a53' };
/** A state's ground, by how deep it lies. */
const grounds = ['#ffffff', '#f6f8fa', '#eaeef2', '#dde3e9'];

/** A chart in Graphviz's language: compound states are clusters, and an arrow from or to one ends at its border. */
export function dot(root: AnyStateNode, painting: Painting): string {
  const lines = [
    `digraph ${quoted(root.id)} {`,
    `  graph [compound=true, newrank=true, bgcolor=white, pad=0.2, nodesep=0.45, ranksep=0.55, fontname="${font}"];`,
    `  node [fontname="${font}", fontsize=13, fontcolor="${ink}", color="${faint}"];`,
    `  edge [fontname="${font}", fontsize=11, color="${colourOf.unknown}", arrowsize=0.7];`,
    ...legend(root, painting),
    ...drawn(root, painting, '  '),
    ...directArrows(root).map((arrow) => edge(arrow, painting)),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** One state: a box, or a cluster with the states inside it and the dot that says where it begins. */
function drawn(node: AnyStateNode, painting: Painting, indent: string): string[] {
  const children = childrenOf(node);
  const label = `<${titled(node, painting)}>`;
  const ground = grounds[Math.min(node.path.length, grounds.length - 1)];
  if (children.length === 0) {
    const border = node.type === 'final' ? ', peripheries=2' : '';
    return [
      `${indent}${quoted(node.id)} [shape=box, style="rounded,filled", fillcolor=white${border}, label=${label}];`,
    ];
  }
  const style = node.parent?.type === 'parallel' ? 'rounded,filled,dashed' : 'rounded,filled';
  const dotId = quoted(`${node.id} begins`);
  const begins = initialOf(node).flatMap((first) => [
    `${indent}  ${dotId} [shape=circle, style=filled, fillcolor="${ink}", width=0.13, label=""];`,
    `${indent}  ${dotId} -> ${quoted(leafOf(first).id)} [${head(first)}];`,
  ]);
  return [
    `${indent}subgraph ${quoted(`cluster_${node.id}`)} {`,
    `${indent}  graph [style="${style}", fillcolor="${ground}", color="${faint}", margin=16, labelloc=t, labeljust=l, label=${label}];`,
    ...children.flatMap((child) => drawn(child, painting, `${indent}  `)),
    ...begins,
    `${indent}}`,
  ];
}

/** A state's name, what it does on its borders, and what it answers with no arrow: most of that without being left. */
function titled(node: AnyStateNode, painting: Painting): string {
  const rows: string[] = [];
  for (const border of ['entry', 'exit'] as const) {
    const actions = actionNames(node[border]);
    if (actions.length > 0) rows.push(small(`${border} / ${actions.join(', ')}`, faint));
  }
  const arrows = new Set(stepsOf(node).map(({ branch }) => branch.declared));
  for (const branch of branchesOf(node).filter(({ declared }) => !arrows.has(declared))) {
    const leads = branch.target === undefined ? '' : ` → ${branch.target.key}`;
    rows.push(`${line(branch, painting)}${small(`${leads}${effects(branch.declared)}`, faint)}`);
  }
  const title = `<b>${markup(node.type === 'history' ? 'H' : node.key)}</b>`;
  const aligned = childrenOf(node).length === 0 ? 'center' : 'left';
  return table([`<tr><td align="${aligned}">${title}</td></tr>`, ...rows.map(row)]);
}

function edge(arrow: Arrow, painting: Painting): string {
  const { source, target, steps } = arrow;
  const branches = steps.map(({ branch }) => branch);
  const transitions = branches.map(({ declared }) => declared);
  const rows = branches.map((branch) => row(line(branch, painting)));
  const told = quoted(transitions.map((transition) => tooltip(transition, painting)).join('\n'));
  const tail =
    childrenOf(source).length > 0 && !isWithin(target, source) ? `, ltail=${quoted(`cluster_${source.id}`)}` : '';
  const wear = painting.wear(transitions);
  const attributes = [
    `color="${colourOf[wear]}"${wear === 'never' ? ', style=dashed' : ''}`,
    `tooltip=${told}`,
    `labeltooltip=${told}`,
    `label=<${table(rows, ' style="rounded" bgcolor="#ffffffcc"')}>`,
  ].join(', ');
  const leads = isWithin(source, target) ? '' : `, ${head(target)}`;
  return `  ${quoted(leafOf(source).id)} -> ${quoted(leafOf(target).id)} [${attributes}${tail}${leads}];`;
}

/** `event [guard]`, in the colour of whether it was taken. */
function line({ event, guard, among, declared }: Branch, painting: Painting): string {
  const isOneOfMany = among.some((other) => other.declared !== declared);
  const condition = guard ?? (isOneOfMany ? 'else' : undefined);
  const when = [event, ...(condition === undefined ? [] : [`[${condition}]`])].join(' ').trim() || 'always';
  const text = `${markup(when)}${painting.times(declared)}`;
  const style = event === anythingElse ? `<i>${text}</i>` : text;
  return `<font point-size="11" color="${colourOf[painting.wear([declared])]}">${style}</font>`;
}

/** ` / actions`, or nothing. */
function effects(transition: AnyTransitionDefinition): string {
  const actions = actionNames(transition.actions);
  return actions.length === 0 ? '' : ` / ${actions.join(', ')}`;
}

function tooltip(transition: AnyTransitionDefinition, painting: Painting): string {
  return `${transitionId(transition)}${effects(transition)}${painting.times(transition)}`;
}

function legend(root: AnyStateNode, painting: Painting): string[] {
  if (!painting.isMeasured) return [];
  const transitions = withDescendants(root).flatMap((node) => [...node.transitions.values(), node.always ?? []].flat());
  const taken = transitions.filter((transition) => painting.count(transition) !== 0).length;
  const never = transitions.length - taken;
  const said = [
    small(`${taken} of ${transitions.length} transitions taken`, colourOf.taken),
    ...(never > 0 ? [small(`   ${never} never taken`, colourOf.never)] : []),
  ];
  return [`  graph [labelloc=b, labeljust=r, label=<${said.join('')}>];`];
}

/** Where an arrow to a state is anchored: Graphviz joins boxes alone, and cuts the arrow off at a cluster's border. */
function leafOf(node: AnyStateNode): AnyStateNode {
  const [first = childrenOf(node)[0]] = initialOf(node);
  return first === undefined ? node : leafOf(first);
}

function head(target: AnyStateNode): string {
  return childrenOf(target).length > 0 ? `lhead=${quoted(`cluster_${target.id}`)}` : '';
}

function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  return node === outer || isInside(node, outer);
}

function row(content: string): string {
  return `<tr><td align="left">${content}</td></tr>`;
}

function table(rows: readonly string[], style = ''): string {
  return `<table border="0"${style} cellborder="0" cellspacing="0" cellpadding="1">${rows.join('')}</table>`;
}

function small(text: string, colour: string): string {
  return text === '' ? '' : `<font point-size="10" color="${colour}">${markup(text)}</font>`;
}

function markup(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`);
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
