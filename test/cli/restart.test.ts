// `arcpx serve` over a file: killed, told to stop, started again; and what its clients see of it.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { arcpx, ran, serving } from './support.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'arcpx-restart-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A server over a file, and the way to start it again where it was. */
async function lasting(args: readonly string[] = []) {
  const file = join(await folder(), 'arcp.db');
  const store = ['--store', `sqlite:${file}`, ...args];
  const served = await serving(store);
  const again = () => serving([...store, '--port', new URL(served.url).port]);
  return { ...served, file, again };
}

test('killed in the middle of a job and started again: the client resumes with the token it had', async () => {
  const at = await lasting();
  const peer = await at.open();
  const welcome = await peer.hello('tok-alice');
  const accepted = await peer.ask('job.submit', { agent: 'counter', input: { count: 1000, delay_ms: 20 } });
  await peer.next((frame) => frame.event_seq === 5);
  at.program.signal('SIGKILL');
  await peer.closed;
  const next = await at.again();
  const resume = { resume_token: String(welcome.payload.resume_token), last_event_seq: 3 };
  const back = await next.open();
  expect(await back.resume('tok-alice', resume)).toMatchObject({
    type: 'session.welcome',
    session_id: welcome.session_id,
  });
  const end = await back.next((frame) => frame.type === 'job.error');
  expect(end).toMatchObject({ job_id: accepted.job_id, payload: { code: 'INTERNAL_ERROR', retryable: true } });
  expect(back.seqs()[0]).toBe(4);
  expect(back.texts.find((text) => text.includes('"event_seq":4,'))).toBe(
    peer.texts.find((text) => text.includes('"event_seq":4,')) ?? expect.anything(),
  );
});

test('a client that submits sees one line about a restart, and its job goes on', async () => {
  const at = await lasting(['--drain', '0.1']);
  const submit = arcpx(['submit', 'traffic', '{"count":2,"delay_ms":300}'], { env: at.env });
  await submit.sees('stderr', /accepted by/);
  at.program.signal('SIGTERM');
  expect(await at.program.exited).toBe(0);
  await at.again();
  await submit.exited;
  expect(submit.stderr.match(/the server restarts, resuming…/g)).toHaveLength(1);
  expect(submit.stderr).toContain('resumed');
});

test('told to stop, it lets a job that is nearly done end by itself', async () => {
  const at = await lasting();
  const peer = await at.open();
  const welcome = await peer.hello('tok-alice');
  await peer.ask('job.submit', { agent: 'counter', input: { count: 20, delay_ms: 20 } });
  await peer.next((frame) => frame.event_seq === 2);
  at.program.signal('SIGTERM');
  expect(await peer.next('session.bye')).toMatchObject({ payload: { reason: 'shutdown', resumable: true } });
  expect((await peer.closed).code).toBe(1001);
  expect(await at.program.exited).toBe(0);
  const next = await at.again();
  const back = await next.open();
  await back.resume('tok-alice', { resume_token: String(welcome.payload.resume_token) });
  expect(await back.next('job.result')).toMatchObject({ event_seq: 21, payload: { result: { count: 20 } } });
});

test('a second server over the same file is refused with an explanation, exit 3', async () => {
  const at = await lasting();
  const { code, stdout, stderr } = await ran(['serve', '--port', '0', '--store', `sqlite:${at.file}`]);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(/arcpx: The store .* cannot be opened. It is open in process \d+/);
});

test('no token is in its files, neither a bearer nor a resume token', async () => {
  const at = await lasting();
  const peer = await at.open();
  const welcome = await peer.hello('tok-alice');
  await peer.ask('job.submit', { agent: 'counter', input: { count: 3 }, idempotency_key: 'once' });
  await peer.next('job.result');
  at.program.signal('SIGKILL');
  await at.program.exited;
  const directory = join(at.file, '..');
  const files = await readdir(directory);
  const raw = Buffer.concat(await Promise.all(files.map((name) => readFile(join(directory, name))))).toString('latin1');
  expect(raw).toContain(String(welcome.session_id));
  for (const secret of ['tok-alice', 'tok-bob', String(welcome.payload.resume_token)])
    expect(raw).not.toContain(secret);
});

test('by default it keeps its sessions in .arcpx/arcp.db, for its owner alone; over stdin and stdout in memory', async () => {
  const cwd = await folder();
  const server = arcpx(['serve', '--port', '0', '--token', 'tok-alice=alice'], { cwd });
  await server.sees('stdout', /listening/);
  expect((await stat(join(cwd, '.arcpx', 'arcp.db'))).mode & 0o777).toBe(0o600);
  const beside = arcpx(['serve', '--stdio', '--token', 'tok-alice=alice'], { cwd });
  beside.endInput(
    '{"arcp":"1.1","id":"1","type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"tok-alice"}}}\n',
  );
  expect(await beside.exited).toBe(0);
  expect(beside.stdout).toContain('session.welcome');
});
