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

test.each([[['diagram']], [['diagram', 'runtime']], [['diagram', 'job', '--format', 'svg']]])(
  'a diagram that cannot be drawn is bad usage: %s',
  async (args) => {
    expect((await ran(args)).code).toBe(2);
  },
);
