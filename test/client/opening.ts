// A client's session opened and left (§2, §6.7). The test plays the runtime.
import { describe, expect, test } from 'vitest';
import { ConnectionError, connect } from '../../src/client.ts';
import { simulatedClock } from '../../src/clock.ts';
import { readAll, readSome, seqsOf, theatre } from './scripted.ts';

describe('opening a session (§2)', () => {
  // proves P1.23
  test('the hello carries client, bearer token and features, and nothing of a resume', async () => {
    const { hello, client } = await theatre().live({ client: { name: 'mine', version: '2' }, features: ['ack'] });
    expect(hello.payload).toEqual({
      client: { name: 'mine', version: '2' },
      auth: { scheme: 'bearer', token: 'tok-alice' },
      capabilities: { encodings: ['json'], features: ['ack'] },
    });
    expect(hello.id).toMatch(/^req_[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(client.state).toBe('live');
    expect(client.runtime).toEqual({ name: 'scripted', version: '1' });
    expect(client.ticket).toEqual({ sessionId: 'sess_1', resumeToken: 'rt_1', lastEventSeq: 0 });
  });

  test('every state on the way is told', async () => {
    const place = theatre();
    const { client, stage } = await place.live();
    const told: string[] = [];
    const stop = client.on('state', ({ state }) => told.push(state));
    const closing = client.close();
    stage.answer(await stage.next('session.close'), 'session.closed');
    await closing;
    stop();
    expect(place.names()).toEqual(['connecting', 'handshaking', 'live', 'closing', 'closed']);
    expect(told).toEqual(['closing', 'closed']);
  });

  test('with nobody there connect rejects at once, says where and what to look at, and keeps secrets out', async () => {
    const place = theatre();
    place.unplug(new Error('connection refused'));
    const failure = await place.connect().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(failure).toMatchObject({ reason: 'unreachable', cause: new Error('connection refused') });
    expect(String(failure)).toContain('cannot connect to ws://stage.test/arcp: connection refused');
    expect(String(failure)).not.toContain('secret');
  });

  test('told to be patient, connect waits for a runtime that is still starting', async () => {
    const place = theatre();
    place.unplug(new Error('connection refused'));
    const waiting = place.until('waiting');
    const connecting = place.connect({ reconnect: { initialMs: 60_000 } });
    expect(await waiting).toMatchObject({ reason: 'connection refused' });
    place.unplug(undefined);
    const stage = await place.next();
    await stage.welcome();
    expect((await connecting).state).toBe('live');
  });

  test('patience has an end', async () => {
    const place = theatre();
    const clock = simulatedClock();
    place.unplug(new Error('connection refused'));
    const waiting = place.until('waiting');
    const connecting = place.connect({ clock, random: () => 0.5, reconnect: { initialMs: 5000, baseMs: 10_000 } });
    const failed = expect(connecting).rejects.toMatchObject({ reason: 'unreachable' });
    await waiting;
    clock.advance(5000);
    await failed;
  });

  test('a runtime that hangs up on the hello rejects connect', async () => {
    const place = theatre();
    const failed = expect(place.connect()).rejects.toThrow(/closed before the welcome \(1011 no\)/);
    const stage = await place.next();
    await stage.next('session.hello');
    stage.end(1011, 'no');
    await failed;
  });

  test('whatever does not speak ARCP rejects connect', async () => {
    const place = theatre();
    const failed = expect(place.connect()).rejects.toThrow(/does not speak ARCP/);
    const stage = await place.next();
    stage.raw('<html>');
    await failed;
  });

  test('a dial without an end, and a handshake without a welcome, are given up in their time', async () => {
    const clock = simulatedClock();
    let dialled: (signal: AbortSignal) => void = () => {};
    const dialing = new Promise<AbortSignal>((resolve) => {
      dialled = resolve;
    });
    const connecting = connect('ws://stage.test', {
      token: 't',
      clock,
      connectTimeoutMs: 3000,
      dial: (_, { signal }) => {
        dialled(signal);
        return new Promise(() => {});
      },
    });
    const signal = await dialing;
    clock.advance(3000);
    await expect(connecting).rejects.toThrow(/no answer within 3000 ms/);
    expect(signal.aborted).toBe(true);

    const place = theatre();
    const greeting = place.connect({ clock, handshakeTimeoutMs: 4000 });
    const failed = expect(greeting).rejects.toThrow(/no welcome within 4000 ms/);
    const stage = await place.next();
    await stage.next('session.hello');
    clock.advance(4000);
    await failed;
    expect(await stage.closed).toMatchObject({ code: 1000 });
  });

  test('options that cannot work are refused by name', async () => {
    await expect(connect('ws://stage.test', { token: '' })).rejects.toThrow(/token/);
    const wrongs = { bufferEvents: 0, closeTimeoutMs: -1, reconnect: { giveUpMs: 0 } };
    for (const [name, value] of Object.entries(wrongs)) {
      await expect(connect('ws://stage.test', { token: 't', [name]: value })).rejects.toThrow(name);
    }
    const resume = { sessionId: '', resumeToken: 'rt', lastEventSeq: -1 };
    await expect(connect('ws://stage.test', { token: 't', resume })).rejects.toThrow(/ticket/);
  });
});

describe('leaving (§6.7)', () => {
  test('close says session.close, waits for session.closed, and the ticket stays good', async () => {
    const { client, stage, job } = await theatre().running();
    stage.events('job_1', 1, 3);
    await readSome(job, 3);
    const closing = client.close('done for today');
    const close = await stage.next('session.close');
    expect(close).toMatchObject({ session_id: 'sess_1', payload: { reason: 'done for today' } });
    // What was received is acknowledged before the goodbye.
    expect(stage.frames.map(({ type }) => type).slice(-2)).toEqual(['session.ack', 'session.close']);
    stage.answer(close, 'session.closed');
    await closing;
    expect(client.state).toBe('closed');
    expect(client.ticket.lastEventSeq).toBe(3);
    await expect(job.result()).rejects.toMatchObject({ name: 'ConnectionError', reason: 'closed' });
    await expect(client.submit('counter')).rejects.toMatchObject({ reason: 'closed' });
    await client.close();
  });

  test('close and bye work without a connection, and nothing is tried again after them', async () => {
    for (const farewell of ['close', 'bye'] as const) {
      const place = theatre();
      const clock = simulatedClock();
      const { client, stage } = await place.live({ clock, random: () => 0.5 });
      stage.drop();
      await place.until('waiting');
      await client[farewell]();
      expect(client.state).toBe('closed');
      expect(clock.nextInMs()).toBeUndefined();
      expect(place.dials).toBe(1);
    }
  });

  test('whatever ends the client leaves no timer behind', async () => {
    const clock = simulatedClock();
    const welcome = { heartbeat_interval_sec: 30, capabilities: { features: ['heartbeat', 'ack'], agents: [] } };
    const place = theatre();
    const { client, stage } = await place.running({ clock, random: () => 0.5 }, welcome);
    stage.event('job_1', 1);
    await stage.delivered(client);
    stage.end(4001, 'superseded');
    await place.until('closed');
    expect(clock.nextInMs()).toBeUndefined();
  });

  test('what the goodbye crosses on its way still arrives', async () => {
    const { client, stage, job } = await theatre().running();
    const closing = client.close();
    const close = await stage.next('session.close');
    stage.event('job_1', 1);
    stage.result('job_1', 2);
    stage.answer(close, 'session.closed');
    await closing;
    expect(seqsOf(await readAll(job))).toEqual([1]);
    expect(await job.result()).toEqual({ done: 2 });
  });
});

test('nothing an inspector sees holds a token', async () => {
  const place = theatre();
  const seen: string[] = [];
  const inspect = (event: object) => {
    const circular = new Set<unknown>();
    seen.push(
      JSON.stringify(event, (_, value) => {
        if (typeof value !== 'object' || value === null) return value;
        if (circular.has(value)) return undefined;
        circular.add(value);
        return value;
      }),
    );
  };
  const { stage } = await place.live({ inspect });
  stage.drop();
  const again = await place.next();
  await again.welcome({ resume_token: 'rt_2' });
  await again.catchUp();
  await place.until('live');
  expect(seen.join()).toContain('session.welcome');
  expect(seen.join()).not.toMatch(/tok-alice|rt_\d|secret/);
});
