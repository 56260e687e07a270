// §1 of the protocol: what becomes of texts that are no frames, of frames too big, and of hostile ones.
import { describe, expect, test } from 'vitest';
import { echo, frame, live, refusalOf, world } from '../support/envelope.ts';
import { tokens } from '../support/runtime.ts';
import { socketRuntime } from '../support/socket.ts';

describe('§1 what is no frame', () => {
  const noFrames: Record<string, string> = {
    'not JSON': 'hello?',
    'an empty text': '',
    'half a frame': '{"arcp":"1.1",',
    'two frames in one': `${frame({})}${frame({})}`,
    'an array': `[${frame({})}]`,
    'a number': '7',
    null: 'null',
    'an empty object': '{}',
    'a frame without a type': frame({ type: undefined }),
    'a type that is no text': frame({ type: 7 }),
    'an id that is no text': frame({ id: 7 }),
    'a null id': frame({ id: null }),
    'a session_id that is no text': frame({ session_id: 7 }),
    'a job_id that is no text': frame({ job_id: ['job_1'] }),
    'a payload that is an array': frame({ payload: [] }),
    'a payload that is null': frame({ payload: null }),
    'a payload field of the wrong type': frame({ type: 'job.submit', payload: { agent: 7 } }),
    'a payload without a required field': frame({ type: 'job.submit' }),
    'an unknown type': frame({ type: 'session.nonsense' }),
    "a runtime's own type": frame({ type: 'job.result' }),
    'the type __proto__': frame({ type: '__proto__' }),
    'the type constructor': frame({ type: 'constructor' }),
    '100,000 open brackets': '['.repeat(100_000),
    '100,000 nested arrays': '['.repeat(100_000) + ']'.repeat(100_000),
    '100,000 nested objects as payload': `{"arcp":"1.1","id":"a","type":"x","payload":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}`,
    'half a megabyte of __proto__': `{"__proto__":${'{"__proto__":'.repeat(30_000)}1${'}'.repeat(30_001)}`,
  };
  for (const [what, text] of Object.entries(noFrames)) {
    // proves P1.12, P1.13
    test(`§1 ${what}: one session.error INVALID_REQUEST, the session and its jobs live on`, async () => {
      const at = world();
      const { peer } = await live(at);
      await peer.ask('job.submit', { agent: 'puppet' });
      expect(await refusalOf(peer, text)).toMatchObject({ payload: { code: 'INVALID_REQUEST', retryable: false } });
      at.agent.emit(1);
      at.agent.finish();
      await peer.next('job.result');
      expect(peer.seqs()).toEqual([1, 2]);
      expect(peer.frames.filter((sent) => sent.type === 'session.error')).toHaveLength(1);
    });
  }

  test('§1 a thousand of them in a row change nothing but the count of refusals', async () => {
    const at = world();
    const { peer } = await live(at);
    for (let i = 0; i < 1000; i += 1) peer.raw('['.repeat(i % 50));
    await peer.settle();
    expect(peer.frames.filter((sent) => sent.payload.code === 'INVALID_REQUEST')).toHaveLength(1000);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }]);
  });

  // proves P1.11, P3.45
  test('§1 a binary frame closes 1003; the session is detached and can resume', async () => {
    const at = world();
    const { peer, link, resumeToken } = await live(at);
    await peer.ask('job.submit', { agent: 'puppet' });
    link.sendBytes(new TextEncoder().encode(frame({ type: 'session.bye' })));
    expect(await peer.closed).toMatchObject({ code: 1003 });
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
    at.agent.emit(1);
    const again = at.open();
    await again.resume(tokens.alice, { resume_token: resumeToken });
    await again.settle();
    expect(again.seqs()).toEqual([1]);
  });

  // proves P1.15
  test('§1 a frame whose session_id is not that of the connection is INVALID_REQUEST, whatever it asks', async () => {
    const at = world();
    const [{ peer }, other] = [await live(at), await live(at)];
    for (const type of ['session.ping', 'session.bye', 'session.close', 'session.ack', 'job.submit', 'job.cancel']) {
      const payload = { agent: 'puppet', job_id: 'job_1', last_processed_seq: 0 };
      for (const session_id of [other.sessionId, 'sess_unknown']) {
        const refused = await peer.ask(type, payload, { session_id });
        expect(refused).toMatchObject({ type: 'session.error', payload: { code: 'INVALID_REQUEST' } });
      }
    }
    expect(at.agent.jobs).toEqual([]);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }, { state: 'live' }]);
  });

  test("§1 a frame that carries the connection's own session_id, or none, is served", async () => {
    const { peer, sessionId } = await live(world());
    expect(await peer.ask('session.ping', {}, { session_id: sessionId })).toMatchObject({ type: 'session.pong' });
    expect(await peer.ask('session.ping')).toMatchObject({ type: 'session.pong' });
  });
});

describe('§1 the inbound frame limit', () => {
  const sized = (bytes: number) => {
    const head = `{"arcp":"1.1","id":"req_big","type":"job.submit","payload":{"agent":"echo","pad":"`;
    return `${head}${'x'.repeat(bytes - head.length - 3)}"}}`;
  };

  // proves P1.10, P3.45
  test('§1 over a real WebSocket, a frame of exactly 1 MiB is served; one byte more closes 1009, and the session can resume', async () => {
    const at = await socketRuntime({ agents: [echo] });
    const peer = await at.open();
    const welcome = await peer.hello(tokens.alice);
    peer.raw(sized(2 ** 20));
    expect(await peer.reply('req_big')).toMatchObject({ type: 'job.accepted' });
    await peer.next('job.result');
    peer.raw(sized(2 ** 20 + 1));
    expect(await peer.closed).toMatchObject({ code: 1009 });
    const again = await at.open();
    const resumed = await again.resume(tokens.alice, { resume_token: welcome.payload.resume_token, last_event_seq: 1 });
    expect(resumed).toMatchObject({ type: 'session.welcome', session_id: welcome.session_id });
  });

  test('§1 the limit is an option, and counts bytes, not characters', async () => {
    const at = await socketRuntime({ agents: [echo], maxFrameBytes: 1000 });
    const peer = await at.open();
    await peer.hello(tokens.alice);
    peer.raw(sized(1000));
    await peer.next('job.result');
    peer.raw(frame({ payload: { nonce: 'x', pad: 'ж'.repeat(490) } }));
    expect(await peer.closed).toMatchObject({ code: 1009 });
  });

  test('§1 the limit holds over whatever transport an embedder brings', async () => {
    const at = world({ maxFrameBytes: 1000 });
    const { peer } = await live(at);
    peer.raw(sized(1000));
    await peer.next('job.result');
    peer.raw(sized(1001));
    expect(await peer.closed).toMatchObject({ code: 1009 });
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
  });
});
