import { once } from 'node:events';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { addServeOptions, limitsOf, type ServeFlags } from '../../src/cli/serve-options.ts';
import { dialWs } from '../../src/transports/ws.ts';
import type { Peer } from '../support/peer.ts';
import { fixture, type Served, serving } from './support.ts';

const plain = { features: [] };

/** What became of a job that has ended, as told to somebody who tries to cancel it. */
async function becameOf(jobId: string | undefined, open: () => Promise<Peer>) {
  const other = await open();
  await other.hello('tok-alice', plain);
  const answer = await other.ask('job.cancel', { job_id: jobId });
  await other.ask('session.bye');
  return answer.payload.details ?? { reason: answer.type === 'job.cancelled' ? 'was running' : 'forgotten' };
}

describe('with small limits', () => {
  let server: Served;
  beforeAll(async () => {
    const args = ['--max-frame-bytes', '2000', '--max-frames-per-second', '20', '--max-jobs-per-session', '1'];
    args.push(
      '--max-sessions-per-principal',
      '1',
      '--max-handshakes',
      '2',
      '--features',
      'progress,ack',
      '--path',
      '/deep/er',
    );
    server = await serving([...args, '--host', '127.0.0.2', '--log-level', 'silent'], { livesOn: true });
  });
  afterAll(() => server.program.stop());

  test('--host and --path say where it is, and nowhere else', async () => {
    expect(server.url).toMatch(/^ws:\/\/127\.0\.0\.2:\d+\/deep\/er$/);
    await expect(dialWs(server.url.replace('/deep/er', '/arcp'))).rejects.toThrow('404');
  });

  test('--features offers those alone', async () => {
    const alice = await server.open();
    const welcome = await alice.hello('tok-alice');
    expect(welcome.payload.capabilities.features).toEqual(['ack', 'progress']);
    await alice.ask('session.bye');
  });

  test('--max-frame-bytes closes 1009 above it', async () => {
    const alice = await server.open();
    alice.send('session.hello', { padding: 'x'.repeat(2000) });
    expect((await alice.closed).code).toBe(1009);
  });

  test('--max-frames-per-second closes a connection that sends more, in bursts twice that', async () => {
    const alice = await server.open();
    await alice.hello('tok-alice', plain);
    for (let i = 0; i < 60; i += 1) alice.send('session.ping');
    expect((await alice.closed).code).toBe(1008);
  });

  test('--max-jobs-per-session refuses one more job, --max-sessions-per-principal one more session', async () => {
    const bob = await server.open();
    await bob.hello('tok-bob', plain);
    expect((await bob.ask('job.submit', { agent: 'slow' })).type).toBe('job.accepted');
    expect((await bob.ask('job.submit', { agent: 'slow' })).payload.details).toEqual({
      limit: 'jobs_per_session',
      max: 1,
    });
    const other = await server.open();
    const refusal = await other.hello('tok-bob', plain);
    expect(refusal.payload.details).toEqual({ limit: 'sessions_per_principal', max: 1 });
    other.drop();
    await other.closed;
    await bob.ask('session.bye');
  });

  test('--max-handshakes turns away who comes when as many have yet to say who they are', async () => {
    const silent = [await server.open(), await server.open()];
    await expect(server.open()).rejects.toThrow('503');
    for (const peer of silent) peer.drop();
  });

  test('--log-level silent logs nothing', () => {
    expect(server.program.stderr).toBe('');
  });
});

describe('with short times', () => {
  let server: Served;
  beforeAll(async () => {
    const args = [
      '--handshake-timeout',
      '0.2',
      '--heartbeat',
      '0.2',
      '--cancel-grace',
      '0.1',
      '--job-retention',
      '0.5',
    ];
    args.push('--resume-window', '1.2', '--on-expire', 'cancel', '--on-bye', 'keep', '--agents', fixture('agents.js'));
    args.push('--cancel-by', 'principal');
    server = await serving(args, { livesOn: true });
  });
  afterAll(() => server.program.stop());

  test('--handshake-timeout closes a silent socket 4004', async () => {
    expect((await (await server.open()).closed).code).toBe(4004);
  });

  test('--heartbeat pings, and gives a silent client up with 4002', async () => {
    const alice = await server.open();
    const welcome = await alice.hello('tok-alice', { features: ['heartbeat'] });
    expect(welcome.payload.heartbeat_interval_sec).toBe(1);
    await alice.next('session.ping');
    expect((await alice.closed).code).toBe(4002);
  });

  test('--cancel-grace ends a cancelled job whose agent does not stop', async () => {
    const alice = await server.open();
    await alice.hello('tok-alice', plain);
    const { job_id } = await alice.ask('job.submit', { agent: 'stubborn' });
    await alice.ask('job.cancel', { job_id });
    expect((await alice.next('job.error')).payload.code).toBe('CANCELLED');
  });

  test('--resume-window is told in whole seconds, and when it is over --on-expire cancel cancels', async () => {
    const alice = await server.open();
    const welcome = await alice.hello('tok-alice', plain);
    expect(welcome.payload.resume_window_sec).toBe(2);
    const { job_id } = await alice.ask('job.submit', { agent: 'counter', input: { count: 1e6, delay_ms: 10 } });
    alice.drop();
    await vi.waitFor(
      async () => {
        const bob = await server.open();
        const refusal = await bob.resume('tok-alice', {
          resume_token: welcome.payload.resume_token,
          last_event_seq: 1e9,
        });
        bob.drop();
        expect(refusal.payload.details.reason).toBe('expired');
        expect(await becameOf(job_id, server.open)).toEqual({ reason: 'ended', final_status: 'cancelled' });
      },
      { timeout: 20_000, interval: 100 },
    );
  });

  test('--on-bye keep lets jobs run on, and then any session of the principal may cancel them', async () => {
    const alice = await server.open();
    await alice.hello('tok-alice', plain);
    const { job_id } = await alice.ask('job.submit', { agent: 'counter', input: { count: 1e6, delay_ms: 10 } });
    await alice.ask('session.bye');
    expect(await becameOf(job_id, server.open)).toEqual({ reason: 'was running' });
  });

  test('--cancel-by principal lets another session of the principal cancel a job whose own is only detached', async () => {
    const alice = await server.open();
    await alice.hello('tok-alice', plain);
    const { job_id } = await alice.ask('job.submit', { agent: 'counter', input: { count: 1e6, delay_ms: 10 } });
    await alice.ask('session.close');
    expect(await becameOf(job_id, server.open)).toEqual({ reason: 'was running' });
  });

  test('--job-retention forgets an ended job', async () => {
    const alice = await server.open();
    await alice.hello('tok-alice', plain);
    const { job_id } = await alice.ask('job.submit', { agent: 'echo' });
    await alice.next('job.result');
    await vi.waitFor(async () => expect(await becameOf(job_id, server.open)).toEqual({ reason: 'forgotten' }), {
      timeout: 20_000,
      interval: 100,
    });
  });
});

test.each([
  ['--buffer-events', '5'],
  ['--buffer-bytes', '2000'],
])('%s bounds what is kept for a client that has gone', async (option, limit) => {
  const { open } = await serving([option, limit, '--agents', fixture('agents.js')]);
  const alice = await open();
  const { payload } = await alice.hello('tok-alice', plain);
  await alice.ask('job.submit', { agent: 'counter', input: { count: 50 } });
  await alice.next('job.result');
  alice.drop();
  const refusal = await (await open()).resume('tok-alice', { resume_token: payload.resume_token, last_event_seq: 0 });
  expect(refusal.payload).toMatchObject({
    code: 'RESUME_WINDOW_EXPIRED',
    details: { reason: 'trimmed', newest_seq: 51 },
  });
  expect(refusal.payload.details.oldest_seq).toBeGreaterThan(40);
});

test('--back-pressure tells a consumer that it lags', async () => {
  const { open } = await serving(['--back-pressure', '3', '--agents', fixture('agents.js')]);
  const alice = await open();
  await alice.hello('tok-alice', { features: ['ack'] });
  await alice.ask('job.submit', { agent: 'counter', input: { count: 10 } });
  const told = await alice.next((frame) => frame.payload.body?.phase === 'back_pressure');
  expect(told.event_seq).toBeLessThan(7);
});

test('a connection that takes nothing for --stall-timeout and is owed more than --max-unsent-bytes is closed 4003', async () => {
  const limits = ['--max-unsent-bytes', '300000', '--stall-timeout', '0.2'];
  const { url } = await serving([...limits, '--log-level', 'silent', '--agents', fixture('agents.js')]);
  const socket = new WebSocket(url, { perMessageDeflate: false });
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  const frame = (type: string, payload: object) =>
    socket.send(JSON.stringify({ arcp: '1.1', id: type, type, payload }));
  frame('session.hello', { auth: { scheme: 'bearer', token: 'tok-alice' } });
  frame('job.submit', { agent: 'flood' });
  await once(socket, 'message');
  socket.pause();
  // The close frame is behind everything that had gone out before.
  const [code] = await closedOnceRead(socket);
  expect(code).toBe(4003);
});

/** Reads a paused socket a little from time to time, until it is closed. */
async function closedOnceRead(socket: WebSocket): Promise<unknown[]> {
  const closed = once(socket, 'close');
  const reading = setInterval(() => {
    socket.resume();
    setImmediate(() => socket.pause());
  }, 1000);
  onTestFinished(() => clearInterval(reading));
  return closed;
}

test('every number reaches the runtime under its own name', () => {
  const names = {
    'resume-window': 'resumeWindowSec',
    heartbeat: 'heartbeatSec',
    'handshake-timeout': 'handshakeTimeoutSec',
    'cancel-grace': 'cancelGraceSec',
    'job-retention': 'jobRetentionSec',
    'stall-timeout': 'stallTimeoutSec',
    'buffer-events': 'bufferEvents',
    'buffer-bytes': 'bufferBytes',
    'max-frame-bytes': 'maxFrameBytes',
    'back-pressure': 'backPressure',
    'max-unsent-bytes': 'maxUnsentBytes',
    'max-sessions-per-principal': 'maxSessionsPerPrincipal',
    'max-handshakes': 'maxHandshakes',
    'max-frames-per-second': 'maxFramesPerSecond',
    'max-jobs-per-session': 'maxJobsPerSession',
    'max-delegation-depth': 'maxDelegationDepth',
    'max-subscriptions-per-session': 'maxSubscriptionsPerSession',
    'history-events': 'historyEvents',
    'history-bytes': 'historyBytes',
    'history-total-bytes': 'historyTotalBytes',
  };
  const given = Object.keys(names).flatMap((name, at) => [`--${name}`, String(at + 1)]);
  const command = new Command().exitOverride();
  addServeOptions(command);
  const limits = limitsOf(command.parse(given, { from: 'user' }).opts<ServeFlags>());
  expect(limits).toMatchObject(Object.fromEntries(Object.values(names).map((name, at) => [name, at + 1])));
});
