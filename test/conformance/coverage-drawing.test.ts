// The charts as pictures, coloured by what the generated walks took of them at level (a).
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { clientMachine, jobMachine, sessionMachine } from '../../machines/index.ts';
import type { ChartJson } from '../../src/diagram/json.ts';
import { diagram, drawSvg } from '../../src/diagram.ts';
import { walkedCharts } from './chart-coverage.ts';

const redraw = 'a picture is older than its chart or its coverage: npm run diagrams';
const walked = await walkedCharts();

test.each([sessionMachine, jobMachine, clientMachine].map((chart) => [chart.id, chart] as const))(
  'docs/diagrams/%s.svg is the chart that runs, coloured by what the walks took of it',
  async (name, chart) => {
    const coverage = walked.get(name);
    if (!coverage) throw new Error(`nothing was measured of ${name}`);
    const file = fileURLToPath(new URL(`../../docs/diagrams/${name}.svg`, import.meta.url));
    await expect(await drawSvg(chart, { coverage, showsCounts: false }), redraw).toMatchFileSnapshot(file);
  },
);

const chart = createMachine({
  id: 'light',
  initial: 'green',
  on: { reset: '.green', '*': { actions: 'ignore' } },
  states: {
    green: { on: { reset: {}, next: [{ guard: 'isNight', target: 'dark' }, { target: 'red' }] } },
    red: { on: { reset: {} }, after: { waitMs: 'green' } },
    dark: { type: 'final' },
  },
});
const counts = {
  'light | reset[0] → light.green': 0,
  'light | *[0] stays': 2,
  'light.green | next[0] → light.dark': 0,
  'light.green | next[1] → light.red': 12,
};
const [taken, never] = ['#1a7f37', '#cf222e'];

test('what was taken is green and says how often, and what never was is red, also where it leads nowhere', async () => {
  const svg = await drawSvg(chart, { coverage: { counts } });
  expect(arrow(svg, 'green', 'red')).toContain(taken);
  expect(arrow(svg, 'green', 'red')).toContain('next [else] ×12');
  expect(arrow(svg, 'green', 'dark')).toContain(never);
  expect(arrow(svg, 'green', 'dark')).not.toContain(taken);
  expect(lineOf(svg, 'anything else ×2')).toContain(taken);
  expect(lineOf(svg, 'reset ×0')).toContain(never);
  expect(svg).toContain('2 of 7 transitions taken');
  expect(await drawSvg(chart, { coverage: { counts } })).toBe(svg);
});

test('a picture without coverage is one ink, and one without counts says only whether', async () => {
  const plain = await drawSvg(chart);
  expect(plain).not.toMatch(new RegExp(`${taken}|${never}|×`));
  const whether = await drawSvg(chart, { coverage: { counts }, showsCounts: false });
  expect(whether).toContain(never);
  expect(whether).not.toContain('×');
});

test('Mermaid has a cross before what was never taken, and JSON has how often each was', () => {
  expect(diagram(chart, 'mermaid', { coverage: { counts } })).toContain('  green --> dark: ✗ next [isNight]\n');
  const drawn: ChartJson = JSON.parse(diagram(chart, 'json', { coverage: { counts } }));
  const [green] = drawn.states;
  expect(green?.transitions.map(({ id, taken: times }) => [id, times])).toEqual([
    ['light.green | reset[0] stays', 0],
    ['light.green | next[0] → light.dark', 0],
    ['light.green | next[1] → light.red', 12],
  ]);
});

/** The arrow between two states, as SVG. */
function arrow(svg: string, from: string, to: string): string {
  const title = `<title>light.${from}&#45;&gt;light.${to}</title>`;
  return /^[\s\S]*?(?=<g id="(node|edge|clust)\d+")/.exec(`${svg.split(title)[1]}<g id="edge0"`)?.[0] ?? '';
}

/** The element that writes a text, as SVG. */
function lineOf(svg: string, text: string): string {
  return svg.split('\n').find((element) => element.includes(`>${text}<`)) ?? '';
}
