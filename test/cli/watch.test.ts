import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { layCable } from '../../src/cli/demo/cable.ts';
import { arcpx, ran, type Served, serving } from './support.ts';

let demo: Served;
beforeAll(async () => {
  demo = await serving(['--history-events', '50'], { livesOn: true });
});
afterAll(() => demo.program.stop());

/** Starts a job that nobody follows, and returns its id. */
async function detached(agent: string, input: object, env = demo.env): Promise<string> {
  const { stdout } = await ran(['submit', agent, JSON.stringify(input), '--detach'], env);
  return stdout.trim();
}

test('watch shows a job from its first event to its end; the result goes to stdout', async () => {
  const jobId = await detached('counter', { count: 5, delay_ms: 100 });
  const { code, stdout, stderr } = await ran(['watch', jobId], demo.env);
  expect(stdout).toBe('{"count":5}\n');
  expect(stderr.match(/progress: \d\/5/g)).toEqual([1, 2, 3, 4, 5].map((i) => `progress: ${i}/5`));
  expect(stderr).toMatch(new RegExp(`^${jobId} of counter@1.0.0, (running|success)\n`));
  expect(code).toBe(0);
});

test('an ended job too, as JSON lines', async () => {
  const jobId = await detached('counter', { count: 2, delay_ms: 1 });
  await ran(['watch', jobId], demo.env);
  const program = arcpx(['watch', jobId, '--json'], { env: demo.env });
  expect(await program.exited).toBe(0);
  expect(program.json().map(({ type, event_seq, current_status }) => [type, event_seq, current_status])).toEqual([
    ['job.subscribed', undefined, 'success'],
    ['job.event', 1, undefined],
    ['job.event', 2, undefined],
    ['job.result', undefined, undefined],
  ]);
});

test('what is not kept any more is told', async () => {
  const jobId = await detached('counter', { count: 60, delay_ms: 0 });
  const { code, stderr } = await ran(['watch', jobId], demo.env);
  expect(stderr).toMatch(/events up to \d+ are not kept any more/);
  expect(stderr).toContain('progress: 60/60');
  expect(code).toBe(0);
});

test('watch survives drops of its connection', async () => {
  const jobId = await detached('counter', { count: 40, delay_ms: 150 });
  const cable = await layCable(demo.url);
  onTestFinished(() => cable.close());
  const program = arcpx(['watch', jobId], { env: { ...demo.env, ARCPX_URL: cable.url } });
  await program.sees('stderr', /progress: 2\/40/);
  cable.pull();
  await program.sees('stderr', /\nresumed\n/);
  cable.pull();
  expect(await program.exited).toBe(0);
  expect(program.stderr.match(/connection lost, resuming/g)).toHaveLength(2);
  const shown = program.stderr.match(/progress: (\d+)\/40/g);
  expect(shown).toEqual(Array.from({ length: 40 }, (_, i) => `progress: ${i + 1}/40`));
  expect(program.stdout).toBe('{"count":40}\n');
});

test('exit codes: 1 the job failed, 3 there is no such job, 2 no job was named, 130 interrupted', async () => {
  const failed = await detached('fail', {});
  expect(await ran(['watch', failed], demo.env)).toMatchObject({ code: 1 });
  const unknown = await ran(['watch', 'job_never'], demo.env);
  expect(unknown).toMatchObject({ code: 3, stderr: expect.stringContaining('JOB_NOT_FOUND') });
  expect(await ran(['watch'], demo.env)).toMatchObject({ code: 2 });
  const running = await detached('counter', { count: 1000, delay_ms: 100 });
  const program = arcpx(['watch', running], { env: demo.env });
  await program.sees('stderr', /progress: 2\/1000/);
  program.signal('SIGINT');
  expect(await program.exited).toBe(130);
  expect(program.stderr).toContain(`left; ${running} may run on`);
  const { stdout } = await ran(['list', '--status', 'running', '--json'], demo.env);
  expect(stdout).toContain(running);
});

test("another principal's job is as one that never was", async () => {
  const jobId = await detached('echo', {});
  const { code, stderr } = await ran(['watch', jobId], { ...demo.env, ARCPX_TOKEN: 'tok-bob' });
  expect(stderr).toContain('JOB_NOT_FOUND');
  expect(code).toBe(3);
});

test('list shows a table of jobs, the newest first, and JSON lines with --json', async () => {
  const env = { ...demo.env, ARCPX_TOKEN: 'tok-bob' };
  expect(await ran(['list'], env)).toEqual({ code: 0, stdout: '', stderr: 'no jobs\n' });
  const echo = await detached('echo', {}, env);
  const slow = await detached('counter', { count: 1000, delay_ms: 100 }, env);
  await ran(['watch', echo], env);
  const { stdout, code } = await ran(['list'], env);
  const [head, ...rows] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^JOB {29}STATUS {3}AGENT {10}CREATED {19}EVENTS UP TO$/);
  expect(rows.map((row) => row.split(/ {2,}/).slice(0, 3))).toEqual([
    [slow, 'running', 'counter@1.0.0'],
    [echo, 'success', 'echo@1.0.0'],
  ]);
  expect(code).toBe(0);
  const lines = async (...args: string[]) => {
    const listed = (await ran(['list', '--json', ...args], env)).stdout.split('\n').filter(Boolean);
    return listed.map((line): { job_id: string } => JSON.parse(line)).map(({ job_id }) => job_id);
  };
  expect(await lines()).toEqual([slow, echo]);
  expect(await lines('--limit', '1')).toEqual([slow]);
  expect(await lines('--status', 'success', 'error')).toEqual([echo]);
  expect(await lines('--agent', 'counter')).toEqual([slow]);
  expect(await lines('--agent', 'counter@2.0.0')).toEqual([]);
});

test.each([
  ['--status', 'done'],
  ['--limit', '0'],
  ['--limit', 'many'],
])('list %s %s is bad usage', async (...args) => {
  expect(await ran(['list', ...args], demo.env)).toMatchObject({ code: 2 });
});
