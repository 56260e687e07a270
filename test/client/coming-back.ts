// A client's session lost and resumed (§3). The test plays the runtime.
import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../../src/clock.ts';
import { range, readSome, seqsOf, theatre } from './scripted.ts';

describe('coming back (§3)', () => {
  // proves P3.21
  test('after a drop the hello asks for the session in both spellings, with the newest token and the last event', async () => {
    const place = theatre();
    const { client, stage, job } = await place.running();
    stage.events('job_1', 1, 7);
    expect(seqsOf(await readSome(job, 7))).toEqual(range(1, 7));
    stage.drop();
    const again = await place.next();
    const hello = await again.welcome({ resume_token: 'rt_2' });
    expect(hello.payload).toMatchObject({
      auth: { scheme: 'bearer', token: 'tok-alice' },
      resume: { session_id: 'sess_1', resume_token: 'rt_1', last_event_seq: 7 },
      resume_token: 'rt_1',
      last_event_seq: 7,
    });
    await place.until('resumed');
    expect(client.ticket).toEqual({ sessionId: 'sess_1', resumeToken: 'rt_2', lastEventSeq: 7 });
  });

  test('waiting, connecting, handshaking, resumed, live: the way back is told, and why it was needed', async () => {
    const place = theatre();
    const { stage } = await place.live();
    stage.end(4003, '');
    const again = await place.next();
    await again.welcome();
    await again.catchUp();
    await place.until('live');
    expect(place.states.slice(3)).toEqual([
      { state: 'waiting', reason: 'too slow' },
      { state: 'connecting' },
      { state: 'handshaking' },
      { state: 'resumed' },
      { state: 'live' },
    ]);
  });

  test('each wait is a share, drawn at random, of a longest one that doubles up to its cap', async () => {
    const place = theatre();
    const clock = simulatedClock();
    const reconnect = { baseMs: 100, capMs: 1000, giveUpMs: 60_000 };
    const { stage } = await place.live({ clock, random: () => 0.75, reconnect }, { capabilities: { features: [] } });
    place.unplug(new Error('connection refused'));
    stage.drop();
    const waits: (number | undefined)[] = [];
    for (let loss = 1; loss <= 6; loss += 1) {
      await place.until('waiting');
      waits.push(clock.nextInMs());
      clock.advance(clock.nextInMs() ?? 0);
    }
    expect(waits).toEqual([75, 150, 300, 600, 750, 750]);
  });

  test('a client closed for policy does not come back, and says what the runtime said', async () => {
    const place = theatre();
    const { stage, job } = await place.running();
    const result = expect(job.result()).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: 'too many frames',
    });
    stage.send('session.error', { code: 'PERMISSION_DENIED', message: 'too many frames', retryable: false });
    stage.end(1008, '');
    await result;
    expect(place.states.at(-1)).toMatchObject({ state: 'closed', reason: 'PERMISSION_DENIED' });
  });
});

describe('heartbeats (§3)', () => {
  const beating = { heartbeat_interval_sec: 30, capabilities: { features: ['heartbeat'], agents: [] } };

  test('a ping is answered with its nonce, negotiated or not', async () => {
    for (const welcome of [{}, beating]) {
      const { stage } = await theatre().live({ clock: simulatedClock() }, welcome);
      stage.send('session.ping', { nonce: 'n-1', sent_at: 'now' }, { id: 'msg_7' });
      const pong = await stage.next('session.pong');
      expect(pong).toMatchObject({ id: 'msg_7', session_id: 'sess_1', payload: { ping_nonce: 'n-1' } });
      expect(pong.payload.received_at).toBe('2026-01-01T00:00:00.000Z');
    }
  });

  test('a quiet connection is pinged once an interval, and an answered ping keeps it', async () => {
    const clock = simulatedClock();
    const place = theatre();
    const { client, stage } = await place.live({ clock }, beating);
    for (let beat = 1; beat <= 5; beat += 1) {
      clock.advance(30_000);
      await stage.catchUp();
      await stage.delivered(client);
    }
    expect(place.names()).toEqual(['connecting', 'handshaking', 'live']);
  });

  test('a runtime silent for two whole intervals is dead: the client leaves with 4002 and comes back', async () => {
    const clock = simulatedClock();
    const place = theatre();
    const { stage } = await place.live({ clock }, beating);
    clock.advance(59_999);
    expect(place.names().at(-1)).toBe('live');
    const waiting = place.until('waiting');
    clock.advance(1);
    expect(await waiting).toEqual({ state: 'waiting', reason: 'heartbeat lost' });
    expect(await stage.closed).toMatchObject({ code: 4002 });
    clock.advance(0);
    const again = await place.next();
    expect((await again.welcome(beating)).payload.resume).toMatchObject({ session_id: 'sess_1' });
  });

  test('not negotiated, silence is no loss', async () => {
    const clock = simulatedClock();
    const place = theatre();
    const { stage } = await place.live({ clock });
    clock.advance(3_600_000);
    expect(place.names().at(-1)).toBe('live');
    expect(stage.frames.map(({ type }) => type)).toEqual(['session.hello']);
  });
});
