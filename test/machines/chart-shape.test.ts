import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, type AnyStateNode, StateMachine } from 'xstate';
import * as exported from '../../machines/index.ts';

// The charts can be pasted into Stately, drawn, and walked for paths only as long as they are data: these rules keep them so.

const charts = Object.entries(exported).filter(
  (entry): entry is [string, AnyStateMachine] => entry[1] instanceof StateMachine,
);

test('the session, job and client charts are exported', () => {
  expect(charts.map(([, chart]) => chart.id).sort()).toEqual(['client', 'job', 'session']);
});

describe.each(charts)('%s', (_name, chart) => {
  const { actions, guards, delays, actors } = chart.implementations;

  test('says what to do, when and how long by name, never by an inline function', () => {
    const found = functionsIn(chart.config, chart.id).filter((path) => !/^\w+\.(context|output)$/.test(path));
    expect(found).toEqual([]);
  });

  test('names only actions, guards, delays and actors that its setup has', () => {
    const used = usedBy(chart);
    expect([...used.actions].filter((name) => !(name in actions))).toEqual([]);
    expect([...used.guards].filter((name) => !(name in guards))).toEqual([]);
    expect([...used.delays].filter((name) => !(name in delays))).toEqual([]);
    expect([...used.actors].filter((name) => !(name in actors))).toEqual([]);
  });

  test('has a setup without guards, delays and actors that no chart names', () => {
    const used = usedBy(chart);
    expect(Object.keys(guards).filter((name) => !used.guards.has(name))).toEqual([]);
    expect(Object.keys(delays).filter((name) => !used.delays.has(name))).toEqual([]);
    const spawned = chart.id === 'session' ? ['job'] : [];
    expect(Object.keys(actors).filter((name) => !used.actors.has(name) && !spawned.includes(name))).toEqual([]);
  });

  test('has a setup without actions that no chart names', () => {
    const used = usedBy(chart);
    expect(Object.keys(actions).filter((name) => !used.actions.has(name))).toEqual([]);
  });

  test('answers every event in every state, if only by a wildcard', () => {
    const silent = nodesOf(chart).filter((node) => node.type !== 'final' && !hearsAnything(node));
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  test('is one literal: no spread, no computed key, no variable in it', () => {
    const text = readFileSync(new URL(`../../machines/${chart.id}.ts`, import.meta.url), 'utf8');
    const literal = text.slice(text.indexOf('createMachine({'));
    expect(literal.trimEnd().endsWith('});')).toBe(true);
    const body = literal.replace(/^ {2}(context|output): .*$/gm, '');
    expect(body.match(/\.\.\.|^\s*\[|\$\{|=>/gm)).toBeNull();
    expect(body.match(/:\s*(?!true\b|false\b|null\b)[A-Za-z_]\w*/g)).toBeNull();
    expect(text.match(/^(import|export|const|let|function|class|type|interface)\b.*/gm)).toHaveLength(2);
  });
});

/** Where in a chart's configuration functions stand. */
function functionsIn(value: unknown, path: string): string[] {
  if (typeof value === 'function') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => functionsIn(inner, `${path}.${key}`));
}

function usedBy(chart: AnyStateMachine): Record<'actions' | 'guards' | 'delays' | 'actors', Set<string>> {
  const used = {
    actions: new Set<string>(),
    guards: new Set<string>(),
    delays: new Set<string>(),
    actors: new Set<string>(),
  };
  for (const node of nodesOf(chart)) {
    const transitions = [...node.transitions.values(), node.always ?? []].flat();
    for (const { actions, guard } of transitions) {
      for (const action of actions) used.actions.add(nameOf(action));
      if (guard !== undefined) used.guards.add(nameOf(guard));
    }
    for (const action of [node.config.entry ?? [], node.config.exit ?? []].flat()) used.actions.add(nameOf(action));
    for (const delay of Object.keys(node.config.after ?? {})) used.delays.add(delay);
    for (const { src } of node.invoke) used.actors.add(nameOf(src));
  }
  return used;
}

/** The name in `'name'` or in `{ type: 'name' }`. */
function nameOf(named: unknown): string {
  if (typeof named === 'object' && named !== null && 'type' in named) return String(named.type);
  return String(named);
}

function nodesOf(chart: AnyStateMachine): AnyStateNode[] {
  const withInner = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(withInner)];
  return withInner(chart.root);
}

function hearsAnything(node: AnyStateNode): boolean {
  const answers = node.transitions.get('*') ?? [];
  if (answers.some(({ guard }) => guard === undefined)) return true;
  return node.parent !== undefined && hearsAnything(node.parent);
}
