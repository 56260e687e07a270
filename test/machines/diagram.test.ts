import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { clientMachine } from '../../machines/client.ts';
import { jobMachine } from '../../machines/job.ts';
import { sessionMachine } from '../../machines/session.ts';
import { declaredTransitions } from '../../src/conformance/index.ts';
import type { ChartJson } from '../../src/diagram/json.ts';
import { diagram } from '../../src/diagram.ts';

const charts = { session: sessionMachine, job: jobMachine, client: clientMachine };
const redraw = 'a drawing is older than its chart: npm run diagrams';

/** A file of the repository. */
function path(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

test.each(Object.entries(charts))('docs/diagrams/%s.mmd is the chart that runs', async (name, chart) => {
  await expect(diagram(chart), redraw).toMatchFileSnapshot(path(`docs/diagrams/${name}.mmd`));
});

test('a chart drawn in README.md is the chart that runs', async () => {
  const readme = readFileSync(path('README.md'), 'utf8');
  const drawn = Object.entries(charts).reduce((text, [name, chart]) => {
    const [begin, end] = [`<!-- diagram:${name} -->`, `<!-- /diagram:${name} -->`];
    const between = new RegExp(`(?<=${begin}\\n)[\\s\\S]*?(?=${end})`);
    return text.replace(between, () => `\`\`\`mermaid\n${diagram(chart)}\`\`\`\n`);
  }, readme);
  expect(drawn).toContain('<!-- diagram:session -->\n```mermaid\nstateDiagram-v2\n');
  await expect(drawn, redraw).toMatchFileSnapshot(path('README.md'));
});

test('a state in a state is drawn inside it, with its own beginning and its own end', () => {
  const chart = createMachine({
    initial: 'outer',
    states: {
      outer: { initial: 'one', onDone: 'over', states: { one: { on: { go: 'two' } }, two: { type: 'final' } } },
      over: {},
    },
  });
  expect(diagram(chart)).toBe(`stateDiagram-v2
  [*] --> outer
  state outer {
    [*] --> one
    one
    two
    one --> two: go
    two --> [*]
  }
  over
  outer --> over: done
`);
});

test('what leads between the same two states is one arrow, an event a line', () => {
  const chart = createMachine({
    initial: 'up',
    states: {
      up: { on: { drop: 'down', 'a.*': 'down', '*': 'down' }, after: { 50: 'down', patienceMs: 'down' } },
      down: { always: { guard: 'isBetter', target: 'up' } },
    },
  });
  expect(diagram(chart)).toContain(
    '  up --> down: drop<br/>a.*<br/>anything else<br/>after 50 ms<br/>after patienceMs\n',
  );
  expect(diagram(chart)).toContain('  down --> up: [isBetter]\n');
});

test('the branches of an event say when each is taken; one that changes nothing is not drawn', () => {
  const chart = createMachine({
    initial: 'asking',
    states: {
      asking: {
        on: {
          all: [{ guard: 'isOne', target: 'here' }, { target: 'here' }],
          some: [{ guard: 'isOne', target: 'here' }, { guard: { type: 'isTwo' }, target: 'here' }, { target: 'there' }],
          most: [{ guard: 'isOne', actions: 'refuse' }, { target: 'there' }],
          none: { actions: 'refuse' },
        },
      },
      here: {},
      there: {},
    },
  });
  expect(diagram(chart)).toContain(
    '  asking --> here: all<br/>some [isOne or isTwo]\n  asking --> there: some [else]<br/>most\n',
  );
  expect(diagram(chart)).not.toContain('none');
});

test('an answer that states inherit is drawn from those that have none of their own', () => {
  const chart = createMachine({
    initial: 'a',
    on: { reset: '.a' },
    states: { a: { on: { next: 'b' } }, b: { on: { next: 'c' } }, c: { on: { reset: {} } }, d: { type: 'final' } },
  });
  expect(diagram(chart)).toContain(
    '  a --> a: reset\n  a --> b: next\n  b --> a: reset\n  b --> c: next\n  d --> [*]\n',
  );
});

test('an arrow into or out of the inside of a state ends at its border, and says where it comes from and leads', () => {
  const chart = createMachine({
    id: 'm',
    initial: 'left',
    states: {
      left: { initial: 'a', states: { a: { on: { cross: '#m.right.b', up: '#m.left' } } } },
      right: { initial: 'a', states: { a: {}, b: {} } },
    },
  });
  expect(diagram(chart)).toContain('  left --> right: a#58; cross → b\n');
  expect(diagram(chart)).toContain('a: up\n');
});

test('a name that Mermaid would misread, or that is there twice, is drawn under its own words all the same', () => {
  const chart = createMachine({
    initial: 'end',
    states: {
      end: { on: { 'a:b;c#': 'two words' } },
      'two words': { initial: 'x', states: { x: {} } },
      more: { initial: 'x', states: { x: {} } },
    },
  });
  const text = diagram(chart);
  expect(text).toContain('  state "end" as s1_end\n');
  expect(text).toContain('a#58;b#59;c#35;');
  expect(text.match(/state "x" as \w+_x/g)).toHaveLength(2);
});

test.each(Object.values(charts))(
  'as JSON a chart is its states inside one another, and every transition by its id',
  (chart) => {
    const drawn: ChartJson = JSON.parse(diagram(chart, 'json'));
    const all = (state: ChartJson): ChartJson[] => [state, ...state.states.flatMap(all)];
    const ids = all(drawn).flatMap(({ transitions }) => transitions.map(({ id }) => id));
    expect(ids.sort()).toEqual(
      declaredTransitions(chart)
        .map(({ id }) => id)
        .sort(),
    );
    expect(drawn).toMatchObject({ id: chart.id, type: 'compound' });
  },
);

test('as JSON a state has its actions, and a transition its guard, its actions, its delay and where it leads', () => {
  const chart = createMachine({
    id: 'm',
    initial: 'a',
    states: {
      a: {
        entry: 'begin',
        exit: { type: 'end' },
        on: { go: { guard: 'isReady', target: 'b', actions: ['one', { type: 'two' }] }, stay: { actions: 'three' } },
        after: { 50: 'b', patienceMs: 'b' },
      },
      b: { type: 'final' },
    },
  });
  const none = { entry: [], exit: [], transitions: [] };
  const after = { actions: [], targets: ['m.b'] };
  expect(JSON.parse(diagram(chart, 'json'))).toEqual({
    ...none,
    id: 'm',
    key: 'm',
    type: 'compound',
    initial: 'm.a',
    states: [
      {
        id: 'm.a',
        key: 'a',
        type: 'atomic',
        entry: ['begin'],
        exit: ['end'],
        transitions: [
          { id: 'm.a | go[0] → m.b', event: 'go', guard: 'isReady', actions: ['one', 'two'], targets: ['m.b'] },
          { id: 'm.a | stay[0] stays', event: 'stay', actions: ['three'], targets: [] },
          { ...after, id: 'm.a | xstate.after.50.m.a[0] → m.b', event: 'xstate.after.50.m.a', after: 50 },
          {
            ...after,
            id: 'm.a | xstate.after.patienceMs.m.a[0] → m.b',
            event: 'xstate.after.patienceMs.m.a',
            after: 'patienceMs',
          },
        ],
        states: [],
      },
      { ...none, id: 'm.b', key: 'b', type: 'final', states: [] },
    ],
  });
});
