import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { layCable } from '../../src/cli/demo/cable.ts';
import { arcpx, fixture, ran, type Served, serving } from './support.ts';

let demo: Served;
let own: Served;
beforeAll(async () => {
  demo = await serving([], { livesOn: true });
  own = await serving(['--on-bye', 'keep', '--agents', fixture('agents.js')], { livesOn: true });
});
afterAll(async () => {
  await Promise.all([demo.program.stop(), own.program.stop()]);
});

const jobId = /job_[0-9A-Z]{26}/;

test('submit prints the result to stdout and everything else to stderr', async () => {
  const { code, stdout, stderr } = await ran(['submit', 'counter', '{"count":3,"delay_ms":1}'], demo.env);
  expect(stdout).toBe('{"count":3}\n');
  expect(stderr).toMatch(/^job_\w+ accepted by counter@1\.0\.0\nprogress: 1\/3\nprogress: 2\/3\nprogress: 3\/3\n$/);
  expect(code).toBe(0);
});

test('a demo agent that is a machine shows its lights, and ends where it began', async () => {
  const { code, stdout, stderr } = await ran(['submit', 'traffic', '{"count":1,"delay_ms":1}'], demo.env);
  expect(stdout).toBe('{"count":1}\n');
  expect(stderr.match(/status: \w+|progress: .*/g)).toEqual([
    'status: red',
    'status: green',
    'status: yellow',
    'progress: 1/1',
    'status: red',
  ]);
  expect(code).toBe(0);
});

test('submit --json prints JSON lines, one of each frame, in order', async () => {
  const program = arcpx(['submit', 'counter', '{"count":2,"delay_ms":1}', '--json'], { env: demo.env });
  expect(await program.exited).toBe(0);
  const lines = program.json();
  expect(lines.map((line) => [line.type, line.event_seq])).toEqual([
    ['job.accepted', undefined],
    ['job.event', 1],
    ['job.event', 2],
    ['job.result', undefined],
  ]);
  expect(lines[1]).toMatchObject({ kind: 'progress', body: { current: 1, total: 2 }, job_id: lines[0].job_id });
  expect(lines[3]).toEqual({
    type: 'job.result',
    job_id: lines[0].job_id,
    final_status: 'success',
    result: { count: 2 },
  });
});

test('--url and --token come before ARCPX_URL and ARCPX_TOKEN', async () => {
  const args = ['submit', 'echo', '1', '--url', demo.url, '--token', 'tok-bob'];
  const { code, stdout } = await ran(args, { ARCPX_URL: 'ws://127.0.0.1:1/arcp', ARCPX_TOKEN: 'tok-wrong' });
  expect(stdout).toBe('1\n');
  expect(code).toBe(0);
});

test('- reads the input from stdin', async () => {
  const program = arcpx(['submit', 'echo', '-'], { env: demo.env });
  program.endInput('{"from": "stdin"}');
  expect(await program.exited).toBe(0);
  expect(program.stdout).toBe('{"from":"stdin"}\n');
});

test('a streamed result is written out as it is', async () => {
  const { code, stdout } = await ran(['submit', 'stream', '{"count":3,"delay_ms":1}'], demo.env);
  expect(stdout).toBe('line 1 of 3\nline 2 of 3\nline 3 of 3\n');
  expect(code).toBe(0);
});

test('a job that fails is exit code 1, with its error', async () => {
  const { code, stdout, stderr } = await ran(['submit', 'fail', '--json'], demo.env);
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    type: 'job.error',
    final_status: 'error',
    code: 'INTERNAL_ERROR',
    retryable: true,
  });
  expect(stderr).toContain('failed: INTERNAL_ERROR');
  expect(code).toBe(1);
});

test('--max-runtime ends a job with TIMEOUT', async () => {
  const { code, stderr } = await ran(['submit', 'slow', '--max-runtime', '0.2'], demo.env);
  expect(stderr).toContain('failed: TIMEOUT');
  expect(code).toBe(1);
});

test('a runtime that is not there is exit code 3, and named', async () => {
  const { code, stderr } = await ran(['submit', 'echo', '--url', 'ws://127.0.0.1:1/arcp', '--token', 't']);
  expect(stderr).toContain('ws://127.0.0.1:1/arcp');
  expect(code).toBe(3);
});

test('a token that is not good is exit code 3', async () => {
  const { code, stderr } = await ran(['submit', 'echo', '--token', 'tok-wrong'], demo.env);
  expect(stderr).toContain('UNAUTHENTICATED');
  expect(code).toBe(3);
});

test('an agent that is not there is exit code 3, and in JSON too', async () => {
  const { code, stdout, stderr } = await ran(['submit', 'nobody', '--json'], demo.env);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'session.error', code: 'AGENT_NOT_AVAILABLE' });
  expect(stderr).toContain('AGENT_NOT_AVAILABLE');
  expect(code).toBe(3);
});

test('a lease says what the job may do, until when, and for how much', async () => {
  const none = await ran(['submit', 'research'], demo.env);
  expect(JSON.parse(none.stdout)).toEqual({ found: [], stopped: 'PERMISSION_DENIED' });
  const lease = JSON.stringify({ 'tool.call': ['search.*'], 'cost.budget': ['USD:0.80'] });
  const until = ['--lease-until', '2999-01-01T00:00:00Z'];
  const some = await ran(['submit', 'research', '--lease', lease, ...until], demo.env);
  expect(JSON.parse(some.stdout)).toEqual({ found: ['page 1', 'page 2'], stopped: 'BUDGET_EXHAUSTED' });
  expect(some.stderr).toContain('cost.budget.remaining 0.4 USD');
});

test('a lease that cannot be granted is exit code 3', async () => {
  for (const args of [
    ['--lease', '{"fs.delete":["/**"]}'],
    ['--lease-until', 'soon'],
  ]) {
    const { code, stderr } = await ran(['submit', 'echo', ...args], demo.env);
    expect(stderr).toContain('INVALID_REQUEST');
    expect(code).toBe(3);
  }
});

test.each([
  [['submit', 'echo', '--token', 't'], 'ARCPX_URL'],
  [['submit', 'echo', '--url', 'ws://127.0.0.1:1'], 'ARCPX_TOKEN'],
  [['submit', 'echo', '--url', 'http://127.0.0.1:1', '--token', 't'], 'ws://HOST:PORT/PATH'],
  [['submit', 'echo', '{count:5}'], '\'{"count":5}\''],
  [['submit', 'echo', '--max-runtime', '0'], '--max-runtime'],
  [['submit'], 'agent'],
  [['submit', 'echo', '1', '2'], 'arguments'],
  [['submit', 'echo', '--lease', '[1]'], '\'{"tool.call":["search.*"]}\''],
  [['submit', 'echo', '--lease', 'tool.call'], '\'{"tool.call":["search.*"]}\''],
  [['cancel'], 'job_id'],
  [['cancel', 'job_1', '--url', 'ws://127.0.0.1:1'], 'ARCPX_TOKEN'],
  [['observe', 'job_1'], 'observe'],
  [[], 'submit'],
])('bad usage is exit code 2, and says what to do: %s', async (args, advice) => {
  const { code, stderr } = await ran(args);
  expect(stderr).toContain(advice);
  expect(code).toBe(2);
});

test('--help and --version are no errors', async () => {
  expect((await ran(['--help'])).stdout).toContain('Exit codes:');
  expect((await ran(['submit', '--help'])).code).toBe(0);
  expect(await ran(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' });
});

test('a drop is survived: the connection is lost, resumed, and every event is shown once', async () => {
  const cable = await layCable(demo.url);
  onTestFinished(cable.close);
  const input = '{"count":60,"delay_ms":20}';
  const program = arcpx(['submit', 'counter', input, '--json', '--url', cable.url], { env: demo.env });
  await program.sees('stdout', /"event_seq":10,/);
  cable.pull();
  await program.sees('stderr', /resumed/);
  await program.sees('stdout', /"event_seq":30,/);
  cable.pull();
  expect(await program.exited).toBe(0);
  const lines = program.json();
  expect(lines.flatMap((line) => line.event_seq ?? [])).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
  expect(lines.at(-1)).toMatchObject({ type: 'job.result', result: { count: 60 } });
  expect(program.stderr).toBe('connection lost, resuming…\nresumed\n'.repeat(2));
});

test('a runtime that shuts down ends it with exit code 3', async () => {
  const { program: server, env } = await serving();
  const program = arcpx(['submit', 'slow', '{"count":1000}'], { env });
  await program.sees('stderr', /step 3 /);
  server.signal('SIGTERM');
  expect(await program.exited).toBe(3);
  expect(program.stderr).toContain('RESUME_WINDOW_EXPIRED');
});

test('Ctrl-C once cancels the job, waits for its end, and is exit code 130', async () => {
  const program = arcpx(['submit', 'slow', '{"count":1000}', '--json'], { env: demo.env });
  await program.sees('stdout', /step 3 /);
  program.signal('SIGINT');
  expect(await program.exited).toBe(130);
  expect(program.json().at(-1)).toMatchObject({ type: 'job.error', final_status: 'cancelled', code: 'CANCELLED' });
});

test('Ctrl-C twice leaves without waiting for the end', async () => {
  const program = arcpx(['submit', 'stubborn'], { env: own.env });
  await program.sees('stderr', /accepted/);
  program.signal('SIGINT');
  await program.sees('stderr', /cancelling/);
  const again = setInterval(() => program.signal('SIGINT'), 100);
  onTestFinished(() => clearInterval(again));
  expect(await program.exited).toBe(130);
  expect(program.stderr).toMatch(/left; job_\w+ may run on/);
});

test('Ctrl-C before there is a job leaves at once', async () => {
  const silent = createServer();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void silent.close());
  const address = silent.address();
  const url = `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/arcp`;
  const program = arcpx(['submit', 'echo', '--url', url], { env: demo.env });
  await once(silent, 'connection');
  program.signal('SIGINT');
  expect(await program.exited).toBe(130);
});

test('a reader that has seen enough ends it without a stack trace', async () => {
  const program = arcpx(['submit', 'slow', '{"count":1000}', '--json'], { env: demo.env });
  await program.sees('stdout', /step 3 /);
  program.stopReading();
  expect(await program.exited).toBe(130);
  expect(program.stderr).toBe('');
});

test('--detach prints the id of the job and leaves it running', async () => {
  const input = '{"count":100000,"delay_ms":10}';
  const { code, stdout } = await ran(['submit', 'counter', input, '--detach'], own.env);
  expect(stdout).toMatch(new RegExp(`^${jobId.source}\n$`));
  expect(code).toBe(0);
  const refusal = await ran(['cancel', stdout.trim()], own.env);
  expect(refusal.stderr).toContain('PERMISSION_DENIED: only the session that submitted a job may cancel it');
  expect(refusal.stderr).toContain('--cancel-by principal');
  expect(refusal.code).toBe(3);
});

test('the same --key is one run, and a second submit that cannot see its events says so', async () => {
  const args = ['submit', 'counter', '{"count":100000,"delay_ms":10}', '--key', 'once'];
  const first = await ran([...args, '--detach'], own.env);
  const repeated = await ran([...args, '--detach'], own.env);
  expect(repeated.stdout).toBe(first.stdout);
  const followed = await ran(args, own.env);
  expect(followed.stderr).toContain('was submitted with this key before');
  expect(followed.code).toBe(3);
  const another = await ran(['submit', 'counter', '{"count":1}', '--key', 'once'], own.env);
  expect(another.stderr).toContain('DUPLICATE_KEY');
  expect(another.code).toBe(3);
});

test('cancel ends a job whose session is over', async () => {
  const alice = await own.open();
  await alice.hello('tok-alice');
  const { job_id = '' } = await alice.ask('job.submit', {
    agent: 'counter',
    input: { count: 1e6, delay_ms: 10 },
  });
  await alice.ask('session.bye');
  const { code, stdout } = await ran(['cancel', job_id, '--reason', 'enough'], own.env);
  expect(stdout).toBe(`${job_id} is being cancelled\n`);
  expect(code).toBe(0);
  await vi.waitFor(async () => {
    const again = await ran(['cancel', job_id, '--json'], own.env);
    expect(again.stderr).toContain('has ended');
    expect(again.code).toBe(3);
    // A process takes its time to begin.
  }, 20_000);
});

test('cancel of a job that nobody knows is exit code 3', async () => {
  const { code, stderr } = await ran(['cancel', 'job_1'], demo.env);
  expect(stderr).toContain('JOB_NOT_FOUND');
  expect(code).toBe(3);
});

test('submit leaves no session behind', async () => {
  const { env } = await serving(['--max-sessions-per-principal', '1']);
  for (const agent of ['echo', 'fail', 'nobody', 'echo']) await ran(['submit', agent], env);
  const { code } = await ran(['submit', 'echo'], env);
  expect(code).toBe(0);
});

test('what an agent writes cannot steer the terminal', async () => {
  const { stderr } = await ran(['submit', 'escape'], own.env);
  expect(stderr).toContain('info:  [31mred bell');
});
