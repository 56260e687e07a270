// From the field: the sessions guide of a C# runtime promised these, and its code kept few of them.
import { expect, test } from 'vitest';
import { puppet, tokens } from '../support/runtime.ts';
import { socketRuntime } from '../support/socket.ts';

test('features are negotiated, and either side can opt out', async () => {
  const agent = puppet();
  const { open } = await socketRuntime({ agents: [agent.agent], features: ['ack', 'heartbeat'] });
  const both = await open();
  const asked = both.hello(tokens.alice, { features: ['ack', 'progress', 'made-up'] });
  expect((await asked).payload.capabilities.features).toEqual(['ack']);
  const neither = await open();
  expect((await neither.hello(tokens.alice, { features: [] })).payload.capabilities.features).toEqual([]);
});

test('two missed pongs lose the heartbeat, and heartbeats never use a sequence number', async () => {
  const agent = puppet();
  const { open, runtime } = await socketRuntime({ agents: [agent.agent], heartbeatSec: 0.2 });
  const peer = await open();
  const welcome = await peer.hello(tokens.alice);
  await peer.ask('job.submit', { agent: 'puppet' });
  expect(await peer.next('session.error')).toMatchObject({ payload: { code: 'HEARTBEAT_LOST', retryable: true } });
  expect(await peer.closed).toMatchObject({ code: 4002 });
  expect(peer.frames.some((frame) => frame.type === 'session.ping' && frame.event_seq === undefined)).toBe(true);
  agent.emit(1);
  const again = await open();
  await again.resume(tokens.alice, { resume_token: welcome.payload.resume_token });
  expect(await again.next('job.event')).toMatchObject({ event_seq: 1 });
  expect(runtime.sessions()).toHaveLength(1);
});

test('an ack trims, and its absence is back-pressure', async () => {
  const agent = puppet();
  const { open, runtime } = await socketRuntime({ agents: [agent.agent], backPressure: 10 });
  const peer = await open();
  await peer.hello(tokens.alice);
  await peer.ask('job.submit', { agent: 'puppet' });
  agent.emit(11);
  const told = await peer.next((frame) => frame.payload.body?.phase === 'back_pressure');
  expect(told.event_seq).toBe(12);
  peer.send('session.ack', { last_processed_seq: 12 });
  await peer.settle();
  expect(runtime.sessions()).toMatchObject([{ bufferedBytes: 0, newestSeq: 12 }]);
});

test("a bye may carry the client's own reason, which comes back in session.closed", async () => {
  const agent = puppet();
  const { open } = await socketRuntime({ agents: [agent.agent] });
  const peer = await open();
  await peer.hello(tokens.alice);
  expect(await peer.ask('session.bye', { reason: 'the laptop lid' })).toMatchObject({
    type: 'session.closed',
    payload: { reason: 'the laptop lid' },
  });
  expect(await peer.closed).toMatchObject({ code: 1000 });
});

test('the runtime says bye on shutdown, and the client can see it', async () => {
  const agent = puppet();
  const { open, runtime } = await socketRuntime({ agents: [agent.agent] });
  const peer = await open();
  await peer.hello(tokens.alice);
  const closing = runtime.close();
  expect(await peer.next('session.bye')).toMatchObject({ payload: { reason: 'shutdown', resumable: false } });
  expect(await peer.closed).toMatchObject({ code: 1001 });
  await closing;
});
