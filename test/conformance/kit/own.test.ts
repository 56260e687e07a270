import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { demoAgents } from '../../../src/cli/demo-agents.ts';
import {
  allRequirementIds,
  documentText,
  junitText,
  runConformance,
  summaryText,
} from '../../../src/conformance/kit/index.ts';
import { defineAgent } from '../../../src/index.ts';
import { requirementsText } from '../../support/requirements.ts';
import { tokens } from '../../support/runtime.ts';
import { socketRuntime } from '../../support/socket.ts';

test('our own server passes completely, nothing skipped, and docs/CONFORMANCE.md says so', async () => {
  // A window and an interval short enough to be waited for.
  const { url } = await socketRuntime({
    agents: demoAgents,
    resumeWindowSec: 4,
    heartbeatSec: 2,
    handshakeTimeoutSec: 2,
  });
  const startedMs = performance.now();
  const report = await runConformance(url, { token: tokens.alice, secondToken: tokens.bob });
  const failures = report.results.filter(({ status }) => status !== 'passed');
  expect(failures, summaryText(report)).toEqual([]);
  expect(performance.now() - startedMs, 'milliseconds of a whole run').toBeLessThan(120_000);
  expect(report.results.map(({ id }) => id)).toEqual(expect.arrayContaining([...allRequirementIds]));
  await expect(documentText(report) + requirementsText()).toMatchFileSnapshot('../../../docs/CONFORMANCE.md');
}, 130_000);

test('what cannot be checked is skipped, and the report says what was missing', async () => {
  const { url } = await socketRuntime({ agents: [defineAgent({ name: 'other', run: () => 1 })] });
  const only = ['TOK-01', 'RES-03', 'RES-02', 'RES-17', 'HBT'];
  const report = await runConformance(url, { token: tokens.alice, only });
  const reasons = new Map(report.results.map(({ id, reason }) => [id, reason]));
  expect(reasons.get('TOK-01')).toBe('needs a token of another principal: --second-token');
  expect(reasons.get('RES-02')).toBe('needs an agent that returns its input: --agent-echo');
  expect(reasons.get('RES-03')).toBe('needs an agent that emits events for some seconds: --agent-slow');
  expect(reasons.get('RES-17')).toBe('needs a resume window of at most 10 seconds; here it is 600');
  expect(reasons.get('HBT-03')).toBe('needs a heartbeat interval of at most 10 seconds; here it is 30');
  expect(report.failed).toBe(0);
  expect(junitText(report)).toContain('<skipped message="needs a token of another principal: --second-token"/>');
});

test('agents of any name are used when they are named, with the input they want', async () => {
  const mirror = defineAgent({ name: 'mirror', run: (job) => job.input });
  const ticks = defineAgent({
    name: 'ticks',
    async run(job) {
      const { n } = Object(job.input);
      for (let i = 0; i < n; i += 1) {
        job.log('info', `${i}`);
        await job.sleep(30);
      }
    },
  });
  const { url } = await socketRuntime({ agents: [mirror, ticks] });
  const agents = { agentEcho: 'mirror', agentSlow: 'ticks', slowInput: { n: 40 } };
  const report = await runConformance(url, { token: tokens.alice, ...agents, only: ['JOB-01', 'RES-03'] });
  expect(report.agents).toEqual({ echo: 'mirror', slow: 'ticks' });
  expect(report.passed).toBe(2);
});

test.each(['plain', 'hello-block', 'hello-flat'])(
  'a runtime is spoken to in the profile %s',
  async (profile) => {
    const { url } = await socketRuntime({ agents: demoAgents });
    const report = await runConformance(url, { token: tokens.alice, profile, only: ['RES-0', 'walks'] });
    expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
  },
  60_000,
);

test('a profile that nobody knows is a usage error that names those there are', async () => {
  await expect(runConformance('ws://127.0.0.1:1/arcp', { token: 't', profile: 'klingon' })).rejects.toThrow(
    /no profile klingon; there are plain, hello-block/,
  );
});

test('a runtime that is not there cannot be checked', async () => {
  await expect(runConformance('ws://127.0.0.1:1/arcp', { token: 't' })).rejects.toThrow(/cannot connect/);
});

test('docs/testing.md names the requirements as they are', () => {
  const guide = readFileSync(new URL('../../../docs/testing.md', import.meta.url), 'utf8');
  const named = guide.match(/\b[A-Z]{3}-\d\d\b/g) ?? [];
  expect(named.filter((id) => !allRequirementIds.includes(id))).toEqual([]);
});

test('the example of docs/testing.md that makes paths from a chart runs as it stands', async () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const guide = readFileSync(join(root, 'docs/testing.md'), 'utf8');
  const code = [...guide.matchAll(/```js\n(.*?)```/gs)].map(([, text]) => text ?? '').find((text) => /door/.test(text));
  // From inside the package, its name leads to itself.
  const program = spawn(process.execPath, ['--input-type=module', '--eval', code ?? ''], { cwd: root });
  let output = '';
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [exitCode] = await once(program, 'close');
  expect(exitCode, output).toBe(0);
  expect(output).toContain('0 transitions that no case takes');
  expect(output).toContain('it is locked → locked');
});
