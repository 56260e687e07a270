// §4 of the protocol: acknowledgement, trimming, back-pressure, and the slow consumer.
import { describe, expect, test } from 'vitest';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';

async function session(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}, features?: string[]) {
  const agent = puppet();
  const at = simulatedRuntime({ agents: [agent.agent], ...options });
  const { peer, link } = at.connect();
  const welcome = await peer.hello(tokens.alice, features === undefined ? {} : { features });
  await peer.ask('job.submit', { agent: 'puppet' });
  const resume = async (lastEventSeq: number) => {
    const again = at.open();
    const answer = await again.resume(tokens.alice, {
      resume_token: welcome.payload.resume_token,
      last_event_seq: lastEventSeq,
    });
    return { again, answer };
  };
  return { ...at, agent, peer, link, resume };
}

const pressures = (frames: { payload: { kind?: string; body?: { phase?: string } } }[]) =>
  frames.filter((frame) => frame.payload.kind === 'status' && frame.payload.body?.phase === 'back_pressure');

describe('§4 acknowledgement', () => {
  // proves P4.01
  test('§4 an ack lets the runtime trim: what was acknowledged is gone, what was not is kept', async () => {
    const { agent, peer, runtime, resume } = await session();
    agent.emit(10);
    await peer.settle();
    peer.send('session.ack', { last_processed_seq: 6 });
    await peer.settle();
    peer.drop();
    await peer.closed;
    expect((await resume(5)).answer).toMatchObject({ payload: { details: { reason: 'trimmed', oldest_seq: 7 } } });
    const { again } = await resume(6);
    await again.settle();
    expect(again.seqs()).toEqual([7, 8, 9, 10]);
    expect(runtime.sessions()[0]?.bufferedBytes).toBeGreaterThan(0);
  });

  for (const seq of [99, -1, 2.5]) {
    // proves P4.03
    test(`§4 an ack of ${seq} where 10 is the newest is ignored safely`, async () => {
      const { agent, peer, resume } = await session();
      agent.emit(10);
      await peer.settle();
      peer.send('session.ack', { last_processed_seq: seq });
      await peer.settle();
      peer.drop();
      await peer.closed;
      expect((await resume(0)).answer).toMatchObject({ type: 'session.welcome' });
    });
  }

  // proves P4.03
  test('§4 an ack that goes back is ignored safely', async () => {
    const { agent, peer, resume } = await session();
    agent.emit(10);
    await peer.settle();
    peer.send('session.ack', { last_processed_seq: 8 });
    peer.send('session.ack', { last_processed_seq: 3 });
    await peer.settle();
    peer.drop();
    await peer.closed;
    expect((await resume(8)).answer).toMatchObject({ type: 'session.welcome' });
  });

  test('§4 an ack where ack was not negotiated is INVALID_REQUEST, and the session lives', async () => {
    const { peer } = await session({}, []);
    expect(await peer.ask('session.ack', { last_processed_seq: 0 })).toMatchObject({
      payload: { code: 'INVALID_REQUEST' },
    });
    await peer.settle();
  });

  test('§4 an ack ahead of its own replay frees nothing that the replay still needs', async () => {
    const { agent, peer, link, connect, runtime } = await session({ maxUnsentBytes: 1000, bufferEvents: 1000 });
    agent.emit(200);
    link.resume();
    await peer.settle();
    const { resume_token: resumeToken } = peer.frames[0]?.payload ?? {};
    peer.drop();
    await peer.closed;
    const { peer: again, link: slow } = connect();
    const asked = again.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 0 });
    await asked;
    slow.stall();
    again.send('session.ack', { last_processed_seq: 200 });
    await new Promise(setImmediate);
    slow.resume();
    await again.next((frame) => frame.event_seq === 200);
    expect(again.seqs()).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
  });

  // proves P4.02
  test('§4 unacknowledged events are freed by the limit on their count, oldest first', async () => {
    const { agent, peer, resume } = await session({ bufferEvents: 4 });
    agent.emit(10);
    await peer.settle();
    peer.drop();
    await peer.closed;
    expect((await resume(5)).answer).toMatchObject({ payload: { details: { reason: 'trimmed', oldest_seq: 7 } } });
  });

  // proves P4.02
  test('§4 and by the limit on their bytes', async () => {
    const { agent, peer, resume, runtime } = await session({ bufferBytes: 2000 });
    agent.emit(100);
    await peer.settle();
    expect(runtime.sessions()[0]?.bufferedBytes).toBeLessThanOrEqual(2000);
    peer.drop();
    await peer.closed;
    expect((await resume(0)).answer).toMatchObject({ payload: { details: { reason: 'trimmed' } } });
    expect((await resume(99)).answer).toMatchObject({ type: 'session.welcome' });
  });
});

describe('§4 back-pressure', () => {
  // proves P4.04
  test('§4 a consumer that lags more than the limit gets one back_pressure status, on the job that crossed the line', async () => {
    const { agent, peer } = await session({ backPressure: 10 });
    agent.emit(10);
    await peer.settle();
    expect(pressures(peer.frames)).toHaveLength(0);
    agent.emit(20);
    await peer.settle();
    const [told, ...more] = pressures(peer.frames);
    expect(told).toMatchObject({ event_seq: 12, job_id: agent.job.id, type: 'job.event' });
    expect(more).toEqual([]);
  });

  // proves P4.04
  test('§4 an episode ends when the lag is under half; the next one is told again', async () => {
    const { agent, peer } = await session({ backPressure: 10 });
    agent.emit(11);
    peer.send('session.ack', { last_processed_seq: 7 });
    await peer.settle();
    agent.emit(20);
    await peer.settle();
    expect(pressures(peer.frames)).toHaveLength(1);
    peer.send('session.ack', { last_processed_seq: 30 });
    await peer.settle();
    agent.emit(20);
    await peer.settle();
    expect(pressures(peer.frames)).toHaveLength(2);
  });

  test('§4 without ack negotiated nobody can be said to lag', async () => {
    const { agent, peer } = await session({ backPressure: 10 }, []);
    agent.emit(50);
    await peer.settle();
    expect(pressures(peer.frames)).toHaveLength(0);
  });
});

describe('§4 the slow consumer', () => {
  const slow = { maxUnsentBytes: 10_000, stallTimeoutSec: 5 };

  // proves P3.04, P3.45, P4.05
  test('§4 a socket that holds too much and takes nothing for the stall timeout is detached 4003, its events kept', async () => {
    const { agent, peer, link, clock, runtime, resume } = await session(slow);
    link.stall();
    agent.emit(200);
    await Promise.resolve();
    clock.advance(4_999);
    expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
    clock.advance(1);
    expect(runtime.sessions()).toMatchObject([{ state: 'detached' }]);
    link.resume();
    expect(await peer.closed).toMatchObject({ code: 4003 });
    const seen = peer.seqs().length;
    const { again } = await resume(seen);
    await again.next((frame) => frame.event_seq === 200);
    expect(again.seqs()).toEqual(Array.from({ length: 200 - seen }, (_, index) => seen + index + 1));
  });

  test('§4 a socket that takes a little now and then is not given up', async () => {
    const { agent, link, clock, runtime } = await session(slow);
    link.stall();
    agent.emit(500);
    await Promise.resolve();
    for (let round = 0; round < 5; round += 1) {
      clock.advance(4_000);
      link.resume();
      await Promise.resolve();
      link.stall();
    }
    expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
  });

  // proves P4.06
  test('§4 bytes wait in the log, not in the socket: delivery is paced', async () => {
    const { agent, link, peer } = await session({ maxUnsentBytes: 5_000 });
    link.stall();
    agent.emit(1000);
    await Promise.resolve();
    expect(peer.seqs()).toEqual([]);
    link.resume();
    await peer.next((frame) => frame.event_seq === 1000);
    expect(peer.seqs()).toHaveLength(1000);
  });

  test('§4 what the log would free before a slow socket had it is a gap nobody gets: detached, and trimmed on resume', async () => {
    const { agent, link, runtime, resume } = await session({ bufferEvents: 20, maxUnsentBytes: 2_000 });
    link.stall();
    agent.emit(500);
    await Promise.resolve();
    link.resume();
    await new Promise(setImmediate);
    expect(runtime.sessions()).toMatchObject([{ state: 'detached' }]);
    expect((await resume(0)).answer).toMatchObject({ payload: { details: { reason: 'trimmed' } } });
  });

  test('§4 an agent that emits more than the log keeps in one breath loses nothing for a client that reads', async () => {
    const { agent, peer } = await session({ bufferEvents: 100 }, []);
    agent.emit(5000);
    await peer.next((frame) => frame.event_seq === 5000);
    expect(peer.seqs()).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
  });

  test('§4 nor where one event takes the room of many that were emitted in the same breath', async () => {
    const { agent, peer } = await session({ bufferBytes: 2000 }, []);
    agent.emit(1);
    await peer.next((frame) => frame.event_seq === 1);
    agent.emit(3);
    agent.job.log('info', 'x'.repeat(1900));
    await peer.next((frame) => frame.event_seq === 5);
    expect(peer.seqs()).toEqual([1, 2, 3, 4, 5]);
  });

  // proves P4.07
  test('§4 one slow consumer never slows another', async () => {
    const { agent, link, open } = await session(slow);
    link.stall();
    agent.emit(200);
    const other = open();
    await other.hello(tokens.bob);
    await other.ask('job.submit', { agent: 'puppet' });
    agent.emit(300);
    await other.next((frame) => frame.event_seq === 300);
    expect(other.seqs()).toHaveLength(300);
  });

  test('§4 a client that asks much and reads nothing is given up too', async () => {
    const { peer, link, clock, runtime } = await session({ maxUnsentBytes: 10_000, stallTimeoutSec: 5 });
    link.stall();
    for (let i = 0; i < 1500; i += 1) peer.send('session.ping', { nonce: 'x'.repeat(200) });
    await new Promise(setImmediate);
    clock.advance(5_000);
    expect(runtime.sessions()).toMatchObject([{ state: 'detached' }]);
  });
});
