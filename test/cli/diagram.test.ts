import { expect, test } from 'vitest';
import { ran } from './support.ts';

test.each([
  ['session', 'detached'],
  ['job', 'timed_out'],
  ['client', 'waiting'],
])('diagram %s draws that chart in Mermaid', async (machine, state) => {
  const { code, stdout } = await ran(['diagram', machine]);
  expect(stdout).toMatch(/^stateDiagram-v2\n/);
  expect(stdout).toContain(state);
  expect(code).toBe(0);
  expect(await ran(['diagram', machine, '--format', 'mermaid'])).toMatchObject({ code: 0, stdout });
});

test.each([[['diagram']], [['diagram', 'runtime']], [['diagram', 'job', '--format', 'png']]])(
  'a diagram that cannot be drawn is bad usage: %s',
  async (args) => {
    expect((await ran(args)).code).toBe(2);
  },
);

test.each(['session', 'job', 'client'])('diagram %s is JSON for a program, and SVG for a page', async (machine) => {
  const json = await ran(['diagram', machine, '--format', 'json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ id: machine, type: 'compound' });
  const svg = await ran(['diagram', machine, '--format', 'svg']);
  expect(svg).toMatchObject({ code: 0, stderr: '' });
  expect(svg.stdout).toMatch(/<svg [\s\S]*<\/svg>\n$/);
});

test('without the package that draws SVG it is said which one to install, and all else works', async () => {
  const missing = {
    NODE_OPTIONS: `--import=${module(`import { register } from 'node:module'; register('${module(hook)}');`)}`,
  };
  const svg = await ran(['diagram', 'job', '--format', 'svg'], missing);
  expect(svg).toMatchObject({ code: 2, stdout: '' });
  expect(svg.stderr).toContain('npm install @hpcc-js/wasm-graphviz');
  expect((await ran(['diagram', 'job'], missing)).code).toBe(0);
});

/** Finds every package but that one. */
const hook = `export async function resolve(name, context, next) {
  if (name === '@hpcc-js/wasm-graphviz') throw Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(name, context);
}`;

function module(source: string): string {
  return `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`;
}
