import { expect, test } from 'vitest';
import { arcpx, fixture, type Program } from './support.ts';

const hello = { client: { name: 'test', version: '1' }, auth: { scheme: 'bearer', token: 'tok-alice' } };

function overStdio(args: readonly string[] = []): Program {
  return arcpx(['serve', '--stdio', '--token', 'tok-alice=alice', ...args]);
}

function line(type: string, payload: object, id = type): string {
  return `${JSON.stringify({ arcp: '1.1', id, type, payload })}\n`;
}

// proves P1.02
test('over stdio a conversation is lines of frames, stdout has nothing else, and the end of input is exit code 0', async () => {
  const runtime = overStdio();
  runtime.write(line('session.hello', hello));
  await runtime.sees('stdout', /"session.welcome"/);
  runtime.write(`\n${line('job.submit', { agent: 'echo', input: 'text' })}`);
  await runtime.sees('stdout', /"job.result"/);
  runtime.endInput();
  expect(await runtime.exited).toBe(0);
  expect(runtime.json().map((frame) => frame.type)).toEqual(['session.welcome', 'job.accepted', 'job.result']);
  expect(runtime.json()[2].payload.result).toBe('text');
});

test('over stdio everything that was asked before the end of input is answered', async () => {
  const runtime = overStdio();
  runtime.endInput(line('session.hello', hello) + line('session.ping', { nonce: 'last' }));
  expect(await runtime.exited).toBe(0);
  expect(runtime.json().map((frame) => frame.type)).toEqual(['session.welcome', 'session.pong']);
});

test('over stdio a goodbye ends the process, and so does a token that is not good', async () => {
  const polite = overStdio();
  polite.write(line('session.hello', hello) + line('session.bye', {}));
  expect(await polite.exited).toBe(0);
  expect(polite.json().at(-1).type).toBe('session.closed');

  const stranger = overStdio();
  stranger.write(line('session.hello', { ...hello, auth: { scheme: 'bearer', token: 'tok-wrong' } }));
  expect(await stranger.exited).toBe(0);
  expect(stranger.json().at(-1).payload.code).toBe('UNAUTHENTICATED');
});

test('over stdio a signal says session.bye and is exit code 0', async () => {
  const runtime = overStdio();
  runtime.write(line('session.hello', hello));
  await runtime.sees('stdout', /"session.welcome"/);
  runtime.signal('SIGTERM');
  expect(await runtime.exited).toBe(0);
  expect(runtime.json().at(-1)).toMatchObject({ type: 'session.bye', payload: { reason: 'shutdown' } });
});

test('over stdio what agents print stays out of the frames', async () => {
  const runtime = overStdio(['--agents', fixture('agents.js')]);
  runtime.write(line('session.hello', hello) + line('job.submit', { agent: 'talker', input: 1 }));
  await runtime.sees('stdout', /"job.result"/);
  runtime.endInput();
  expect(await runtime.exited).toBe(0);
  expect(runtime.json()).toHaveLength(3);
  expect(runtime.stderr).toContain('an agent prints');
});

test('over stdio without tokens one is made up too, and told on stderr', async () => {
  const runtime = arcpx(['serve', '--stdio']);
  const [, token] = await runtime.sees('stderr', /auth\.token of session\.hello, send (\S+)\n/);
  runtime.write(line('session.hello', { ...hello, auth: { scheme: 'bearer', token } }));
  await runtime.sees('stdout', /"session.welcome"/);
});

test('over stdio an agent that runs on does not hold up the end', async () => {
  const runtime = overStdio(['--cancel-grace', '0.1', '--agents', fixture('agents.js')]);
  runtime.write(line('session.hello', hello) + line('job.submit', { agent: 'stubborn' }));
  await runtime.sees('stdout', /"job.accepted"/);
  runtime.endInput();
  expect(await runtime.exited).toBe(0);
});
