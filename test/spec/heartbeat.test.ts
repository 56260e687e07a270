// §3 of the protocol, heartbeats: each in simulated time.
import { expect, test } from 'vitest';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';

const agent = puppet();
const world = (heartbeatSec = 30) => simulatedRuntime({ agents: [agent.agent], heartbeatSec });

// proves P3.39, P3.41
test('§3 the runtime pings when for one interval nothing came in, and a pong proves life', async () => {
  const { clock, open } = world();
  const peer = open();
  expect(await peer.hello(tokens.alice)).toMatchObject({ payload: { heartbeat_interval_sec: 30 } });
  clock.advance(29_999);
  await Promise.resolve();
  expect(peer.frames).toHaveLength(1);
  clock.advance(1);
  const ping = await peer.next('session.ping');
  expect(ping).toMatchObject({ payload: { nonce: expect.any(String), sent_at: expect.stringMatching(/Z$/) } });
  peer.send('session.pong', { ping_nonce: ping.payload.nonce, received_at: ping.payload.sent_at });
  await peer.settle();
  clock.advance(59_999);
  expect(await peer.next('session.ping')).toBeDefined();
  peer.send('session.pong', {});
  await peer.settle();
});

// proves P3.40
test('§3 any frame proves life, not only a pong', async () => {
  const { clock, open, runtime } = world();
  const peer = open();
  await peer.hello(tokens.alice);
  for (let minute = 0; minute < 10; minute += 1) {
    clock.advance(59_000);
    peer.send('session.ack', { last_processed_seq: 0 });
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
});

// proves P3.41
test('§3 two whole intervals with nothing in lose the heartbeat: two missed pongs', async () => {
  const { clock, open, runtime } = world();
  const peer = open();
  await peer.hello(tokens.alice);
  clock.advance(59_999);
  expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
  clock.advance(1);
  expect(await peer.next('session.error')).toMatchObject({ payload: { code: 'HEARTBEAT_LOST' } });
  expect(await peer.closed).toMatchObject({ code: 4002 });
});

// proves P3.41
test('§3 the runtime pings when nothing went out for an interval, though much comes in', async () => {
  const { clock, open } = world();
  const peer = open();
  await peer.hello(tokens.alice);
  for (let tick = 0; tick < 6; tick += 1) {
    clock.advance(10_000);
    peer.send('session.ack', { last_processed_seq: 0 });
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(peer.frames.filter((frame) => frame.type === 'session.ping')).toHaveLength(2);
});

test('§3 a client that hears events still gets a frame in each interval, and none more than needed', async () => {
  const { clock, open } = world();
  const peer = open();
  await peer.hello(tokens.alice);
  await peer.ask('job.submit', { agent: 'puppet' });
  for (let tick = 0; tick < 12; tick += 1) {
    clock.advance(10_000);
    agent.emit(1);
    peer.send('session.ack', { last_processed_seq: 0 });
    await new Promise(setImmediate);
  }
  expect(peer.frames.filter((frame) => frame.type === 'session.ping')).toHaveLength(0);
});

// proves P3.42
test('§3 pings are answered even when heartbeat was not negotiated, and sent only when it was', async () => {
  const { clock, open, runtime } = world();
  const peer = open();
  const welcome = await peer.hello(tokens.alice, { features: [] });
  expect(welcome.payload.heartbeat_interval_sec).toBeUndefined();
  expect(await peer.ask('session.ping', { nonce: 'n-1' })).toMatchObject({
    type: 'session.pong',
    payload: { ping_nonce: 'n-1', received_at: expect.stringMatching(/Z$/) },
  });
  clock.advance(3_600_000);
  await Promise.resolve();
  expect(peer.frames).toHaveLength(2);
  expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
});

// proves P1.19
test('§3 heartbeats never use a sequence number', async () => {
  const { clock, open } = world();
  const peer = open();
  await peer.hello(tokens.alice);
  await peer.ask('job.submit', { agent: 'puppet' });
  agent.emit(1);
  clock.advance(30_000);
  await peer.next('session.ping');
  await peer.settle();
  agent.emit(1);
  await peer.settle();
  expect(peer.seqs()).toEqual([1, 2]);
});

test('§3 the heartbeat of a replaced connection is stopped with it', async () => {
  const { clock, open, runtime } = world();
  const older = open();
  const welcome = await older.hello(tokens.alice);
  const newer = open();
  await newer.resume(tokens.alice, { resume_token: welcome.payload.resume_token });
  clock.advance(29_000);
  await newer.settle();
  clock.advance(31_000);
  await newer.settle();
  expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
});
