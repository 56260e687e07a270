import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ConformanceReport } from '../../../src/conformance/kit/index.ts';
import { ran, serving } from '../../cli/support.ts';
import { tokens } from '../../support/runtime.ts';
import { faults, faultyServer } from './faulty.ts';

const both = ['--token', 'tok-alice', '--second-token', 'tok-bob'];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'arcp-kit-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('arcpx conformance goes through a server of ours, tells each step, and ends with a table and exit code 0', async () => {
  const { url } = await serving();
  const { code, stdout, stderr } = await ran(['conformance', url, ...both, '--only', 'ENV', 'TOK', 'BYE', 'walks']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toContain('runtime   arcp-xstate');
  expect(stdout).toContain('agents    echo: echo; slow: slow');
  expect(stdout).toMatch(/✓ TOK-01 {2}A stolen resume token opens nothing/);
  expect(stdout).toMatch(/§6\.3 +resume +7 +0 +0/);
  expect(stdout).toMatch(/conforms in everything that was checked: \d+ passed, 0 failed, 0 skipped/);
});

test('a broken server is named in a sentence, with its frames and no secret, and exit code 1', async () => {
  const url = await faultyServer(faults['does not look at whose resume token it is']);
  const file = join(folder(), 'report.xml');
  const { code, stdout } = await ran(['conformance', url, ...both, '--only', 'TOK-01', '--report', file]);
  expect(code).toBe(1);
  expect(stdout).toContain('✗ TOK-01 (§6.3) is broken: A stolen resume token opens nothing');
  expect(stdout).toMatch(/#2 ← .*session\.welcome/);
  const junit = readFileSync(file, 'utf8');
  expect(junit).toMatch(/<testsuite name="§6.3 resume" tests="1" failures="1" skipped="0"/);
  expect(junit).toMatch(/<failure message="a resume with another principal's resume token has to be refused/);
  for (const text of [stdout, junit]) expect(text).not.toMatch(/tok-alice|tok-bob|rt_[A-Za-z0-9_-]{8}/);
});

test('the JSON report has every result, and the JSON lines are the same', async () => {
  const { url } = await serving();
  const file = join(folder(), 'report.json');
  const { stdout } = await ran(['conformance', url, ...both, '--only', 'HEL-0', '--json', '--report', file]);
  const [head, ...lines] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const report: ConformanceReport = JSON.parse(readFileSync(file, 'utf8'));
  expect(head).toMatchObject({ runtime: { name: 'arcp-xstate' }, agents: { echo: 'echo', slow: 'slow' } });
  expect(lines).toEqual(report.results);
  expect(report).toMatchObject({ passed: 9, failed: 0, skipped: 0 });
});

test.each([
  ['no token', ['conformance', 'ws://127.0.0.1:1/arcp'], /--token/],
  ['no URL', ['conformance', '--token', 't'], /url/],
  ['no WebSocket URL', ['conformance', 'http://127.0.0.1:1/', '--token', 't'], /ws:/],
  ['an unknown profile', ['conformance', 'ws://127.0.0.1:1/', '--token', 't', '--profile', 'x'], /no profile x/],
  ['no JSON', ['conformance', 'ws://127.0.0.1:1/', '--token', 't', '--slow-input', '{'], /--slow-input/],
  ['another report', ['conformance', 'ws://127.0.0.1:1/', '--token', 't', '--report', 'a.txt'], /--report/],
  ['one token twice', ['conformance', 'ws://127.0.0.1:1/', '--token', 't', '--second-token', 't'], /another principal/],
])('%s is bad usage: exit code 2', async (_what, args, says) => {
  const { code, stderr } = await ran(args);
  expect(stderr).toMatch(says);
  expect(code).toBe(2);
});

test('a runtime that is not there, or does not take the token, is exit code 3', async () => {
  const away = await ran(['conformance', 'ws://127.0.0.1:1/arcp', '--token', 't']);
  expect(away).toMatchObject({ code: 3, stderr: expect.stringMatching(/cannot connect to ws:\/\/127\.0\.0\.1:1/) });
  const { url } = await serving();
  const refused = await ran(['conformance', url, '--token', `${tokens.alice}-wrong`]);
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(/UNAUTHENTICATED/) });
  expect(refused.stderr).not.toContain('-wrong');
});
