import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { dialWs } from '../../src/transports/ws.ts';
import { Peer } from '../support/peer.ts';
import { arcpx, fixture, ran, serving } from './support.ts';

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'arcpx-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'tokens.json');
  await writeFile(file, text);
  return file;
}

test('serve writes one line to stdout, when it is ready, and its log as JSON lines to stderr', async () => {
  const { program, url, open } = await serving();
  expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/arcp$/);
  await (await open()).hello('tok-alice');
  program.signal('SIGTERM');
  expect(await program.exited).toBe(0);
  expect(program.stdout).toBe(`arcpx listening on ${url}\n`);
  const lines = program.stderr.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(expect.arrayContaining(['listening', 'audit', 'stopped']));
  expect(program.stderr).not.toContain('tok-alice');
});

test('without tokens serve makes one up, and says once on stderr how to use it', async () => {
  const server = arcpx(['serve', '--port', '0']);
  const [, url = ''] = await server.sees('stdout', /listening on (\S+)\n/);
  const [, said = '', token = ''] = await server.sees('stderr', /ARCPX_URL=(\S+) ARCPX_TOKEN=(\S+) npx arcpx submit/);
  expect(said).toBe(url);
  const welcome = await new Peer(await dialWs(url)).hello(token);
  expect(welcome.type).toBe('session.welcome');
  expect(server.stderr.split(token)).toHaveLength(2);
});

test('without agents serve has demo agents: echo returns its input', async () => {
  const { open } = await serving();
  const alice = await open();
  const { payload } = await alice.hello('tok-alice');
  expect(payload.capabilities.agents.map((agent: { name: string }) => agent.name)).toEqual([
    'echo',
    'counter',
    'slow',
    'stream',
    'traffic',
    'research',
    'fail',
  ]);
  await alice.ask('job.submit', { agent: 'echo', input: { deep: [1] } });
  expect((await alice.next('job.result')).payload.result).toEqual({ deep: [1] });
});

test('--agents takes files whose default export is an agent or a list of them, and may be repeated', async () => {
  const { open } = await serving(['--agents', fixture('one.js'), '--agents', fixture('agents.js')]);
  const { payload } = await (await open()).hello('tok-alice');
  expect(payload.capabilities.agents).toContainEqual({ name: 'one', versions: ['1.0.0'], default: '1.0.0' });
  expect(payload.capabilities.agents).toContainEqual({ name: 'echo', versions: ['2.0.0'], default: '2.0.0' });
});

test.each([
  ['missing.js', 'there is no such file'],
  ['no-default.js', 'no default export'],
  ['no-agent.js', 'item 0 of its default export is not an agent'],
  ['bad-name.js', 'agent name "two words"'],
  ['../../../package.json', 'it cannot be loaded'],
])('an agents file that is no good is named, with what is wrong: %s, %s', async (name, problem) => {
  const { code, stderr } = await ran(['serve', '--port', '0', '--agents', fixture(name)]);
  expect(stderr).toContain(`--agents ${fixture(name)}: `);
  expect(stderr).toContain(problem);
  expect(code).toBe(2);
});

test('what agents print goes to stderr', async () => {
  const { program, open } = await serving(['--agents', fixture('agents.js')]);
  const alice = await open();
  await alice.hello('tok-alice');
  await alice.ask('job.submit', { agent: 'talker' });
  await program.sees('stderr', /^an agent prints$/m);
  expect(program.stdout.split('\n')).toHaveLength(2);
});

test('a token and its principal are parted at the last =', async () => {
  const { open } = await serving(['--token', 'bWFsbG9yeQ===carol']);
  expect((await (await open()).hello('bWFsbG9yeQ==')).type).toBe('session.welcome');
});

test('--tokens reads a file of them', async () => {
  const { open } = await serving(['--tokens', await fileWith('{"tok-carol": "carol"}')]);
  expect((await (await open()).hello('tok-carol')).type).toBe('session.welcome');
  expect((await (await open()).hello('tok-alice')).type).toBe('session.welcome');
});

test.each([
  ['tok-secret', 'it is not JSON'],
  ['["tok-secret"]', 'it must be {"TOKEN": "PRINCIPAL"'],
  ['{"tok-secret": 1}', 'it must be {"TOKEN": "PRINCIPAL"'],
  ['{}', 'it has no token'],
])('a tokens file that is no good is named, and none of it is quoted: %s', async (text, problem) => {
  const file = await fileWith(text);
  const { code, stderr } = await ran(['serve', '--port', '0', '--tokens', file]);
  expect(stderr).toContain(`--tokens ${file}: `);
  expect(stderr).toContain(problem);
  expect(stderr).not.toContain('tok-secret');
  expect(code).toBe(2);
});

test('a port in use is said to be, and the exit code is 3', async () => {
  const taken = createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void taken.close());
  const address = taken.address();
  const port = String(typeof address === 'object' && address ? address.port : 0);
  const { code, stdout, stderr } = await ran(['serve', '--port', port]);
  expect(stderr).toContain(`cannot listen on port ${port} of 127.0.0.1: the port is in use`);
  expect(stdout).toBe('');
  expect(code).toBe(3);
});

test.skipIf(
  !Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === '::1'),
)('an IPv6 host is bracketed in the ready line', async () => {
  const { url, open } = await serving(['--host', '::1']);
  expect(url).toMatch(/^ws:\/\/\[::1\]:\d+\/arcp$/);
  expect((await (await open()).hello('tok-alice')).type).toBe('session.welcome');
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s drains: clients are told, sockets closed 1001, exit 0',
  async (signal) => {
    const { program, open } = await serving();
    const alice = await open();
    await alice.hello('tok-alice');
    await alice.ask('job.submit', { agent: 'slow' });
    program.signal(signal);
    expect((await alice.next('session.bye')).payload).toEqual({ reason: 'shutdown', resumable: false });
    expect((await alice.closed).code).toBe(1001);
    expect(await program.exited).toBe(0);
  },
);

test('an agent that will not stop is left behind after --cancel-grace, and the exit code is 0 all the same', async () => {
  const { program, open } = await serving(['--agents', fixture('agents.js'), '--cancel-grace', '0.1']);
  const alice = await open();
  await alice.hello('tok-alice');
  await alice.ask('job.submit', { agent: 'stubborn' });
  program.signal('SIGTERM');
  expect(await program.exited).toBe(0);
});

test('a second signal does not wait for an agent that will not stop', async () => {
  const { program, open } = await serving(['--agents', fixture('agents.js'), '--cancel-grace', '1000']);
  const alice = await open();
  await alice.hello('tok-alice');
  await alice.ask('job.submit', { agent: 'stubborn' });
  program.signal('SIGINT');
  await alice.closed;
  // Signals close to the first count as one with it: npm passes on what the terminal has sent already.
  const again = setInterval(() => program.signal('SIGINT'), 100);
  onTestFinished(() => clearInterval(again));
  expect(await program.exited).toBe(130);
});

test.each([
  [['--resume-window', '0'], '--resume-window'],
  [['--heartbeat', 'often'], '--heartbeat'],
  [['--cancel-grace', '1e3'], '--cancel-grace'],
  [['--buffer-events', '1.5'], '--buffer-events'],
  [['--max-frame-bytes', '-1'], '--max-frame-bytes'],
  [['--port', '65536'], '--port'],
  [['--path', 'arcp'], '--path'],
  [['--host', ''], '--host'],
  [['--features', 'heartbeat,telepathy'], '--features'],
  [['--on-bye', 'wave'], '--on-bye'],
  [['--on-expire', 'maybe'], '--on-expire'],
  [['--cancel-by', 'anybody'], '--cancel-by'],
  [['--log-level', 'loud'], '--log-level'],
  [['--token', 'tok-secret'], '--token'],
  [['--token', '=alice'], '--token'],
  [['--token', 'tok='], '--token'],
  [['--store', 'postgres:x'], '--store'],
  [['something'], 'arguments'],
])('a bad option is named, and the exit code is 2: %s', async (args, name) => {
  const { code, stdout, stderr } = await ran(['serve', '--port', '0', ...args]);
  expect(stderr).toContain(name);
  expect(stderr).not.toContain('tok-secret');
  expect(stdout).toBe('');
  expect(code).toBe(2);
});
