// §1 of the protocol, transports and envelope: what is a frame, what becomes of what is none, how requests are answered.
import { describe, expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import { frame, live, refusalOf, world } from '../support/envelope.ts';
import { tokens } from '../support/runtime.ts';
import { turn } from '../support/session.ts';

const ulid = '[0-7][0-9A-HJKMNP-TV-Z]{25}';
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
describe('§1 the envelope', () => {
  // proves P1.04, P1.07
  test('§1 every frame of ours is {arcp: "1.1", id, type, session_id, payload}, its id a msg_ULID where it answers nothing', async () => {
    const at = world();
    const { peer, sessionId } = await live(at);
    await peer.ask('job.submit', { agent: 'puppet' });
    at.agent.emit(2);
    at.agent.finish({ done: true });
    await peer.next('job.result');
    for (const sent of peer.frames) expect(sent).toMatchObject({ arcp: '1.1', session_id: sessionId, payload: {} });
    for (const sent of peer.sequenced()) expect(sent.id).toMatch(new RegExp(`^msg_${ulid}$`));
    expect(new Set(peer.frames.map((sent) => sent.id)).size).toBe(peer.frames.length);
  });

  // proves P1.08
  test('§1 the ids we mint are sess_, job_ and res_ with a ULID behind', async () => {
    const streamer = defineAgent({ name: 'streamer', run: (job) => job.result().end() });
    const at = world({ agents: [streamer] });
    const { peer, sessionId } = await live(at);
    const accepted = await peer.ask('job.submit', { agent: 'streamer' });
    const result = await peer.next('job.result');
    expect(sessionId).toMatch(new RegExp(`^sess_${ulid}$`));
    expect(accepted.job_id).toMatch(new RegExp(`^job_${ulid}$`));
    expect(result.payload.result_id).toMatch(new RegExp(`^res_${ulid}$`));
  });

  // proves P1.05
  test('§1 unknown fields of the envelope and of the payload are ignored', async () => {
    const { peer } = await live(world());
    const extras = { timestamp: 'now', event_seq: -5, x_vendor: [{}] };
    const accepted = await peer.ask('job.submit', { agent: 'echo', input: 1, priority: 'high', x: null }, extras);
    expect(accepted).toMatchObject({ type: 'job.accepted' });
    expect(await peer.next('job.result')).toMatchObject({ payload: { result: 1 } });
  });

  for (const arcp of ['1.0', '1', '2.0', '1.1.0', '', 1.1, null, undefined]) {
    // proves P1.06
    test(`§1 arcp ${JSON.stringify(arcp) ?? 'left out'} is INVALID_REQUEST`, async () => {
      const { peer } = await live(world());
      expect(await refusalOf(peer, frame({ arcp }))).toMatchObject({
        payload: { code: 'INVALID_REQUEST', request_id: 'req_x' },
      });
    });
  }

  for (const id of ['1', ' ', 'ж'.repeat(256), '\u0000', '\ud800', '__proto__', '01ARZ3NDEKTSV4RRFFQ69G5FAV', '"}']) {
    // proves P1.07
    test(`§1 any non-empty id is accepted and echoed: ${JSON.stringify(id).slice(0, 40)}`, async () => {
      const { peer } = await live(world());
      peer.raw(frame({ id }));
      expect(await peer.next('session.pong')).toMatchObject({ id, payload: { request_id: id, reply_to: id } });
    });
  }

  // proves P1.14
  test('§1 absent optional fields are left out, never sent as null', async () => {
    const at = world({ features: [] });
    const { peer } = await live(at);
    await peer.ask('session.ping');
    const { job_id } = await peer.ask('job.submit', { agent: 'puppet' });
    at.agent.job.status('working');
    at.agent.job.metric({ name: 'files', value: 3 });
    at.agent.job.artifact({ uri: 'file:///a', content_type: 'text/plain' });
    await peer.ask('job.cancel', { job_id });
    at.agent.fail(new Error('told to stop'));
    await peer.next('job.error');
    await peer.ask('job.submit', { agent: 'nobody' });
    await peer.ask('session.close');
    expect(peer.texts.filter((text) => text.includes('null') || text.includes('undefined'))).toEqual([]);
  });
});

describe('§1 the trace', () => {
  for (const [spelling, trace] of [
    ['a 32-hex trace id', traceId],
    ['a full traceparent', traceparent],
  ]) {
    // proves P1.09
    test(`§1 ${spelling} is carried unchanged on accepted and on every event of the job`, async () => {
      const at = world();
      const { peer } = await live(at);
      const accepted = await peer.ask('job.submit', { agent: 'puppet' }, { trace_id: trace });
      expect(accepted).toMatchObject({ trace_id: trace, payload: { trace_id: trace } });
      expect(at.agent.job.traceId).toBe(trace);
      at.agent.emit(2);
      at.agent.finish();
      await peer.next('job.result');
      expect(peer.sequenced().map((sent) => sent.trace_id)).toEqual([trace, trace, trace]);
    });
  }

  test('§1 a trace_id that is no W3C trace context is INVALID_REQUEST, and leaves no job behind', async () => {
    const at = world();
    const { peer } = await live(at);
    for (const trace_id of ['', 'nonsense', traceId.slice(1), `${traceId}0`, `${traceparent.slice(0, -3)}`]) {
      const refused = await peer.ask('job.submit', { agent: 'puppet' }, { trace_id });
      expect(refused).toMatchObject({ type: 'session.error', payload: { code: 'INVALID_REQUEST' } });
    }
    expect(at.agent.jobs).toEqual([]);
  });
});

describe('§1 sequenced frames', () => {
  // proves P1.16, P1.19
  test('§1 sequenced frames are job.event, job.result and job.error, and nothing else', async () => {
    const at = world();
    const { peer } = await live(at);
    await peer.ask('session.ping', { nonce: 'n' });
    const first = await peer.ask('job.submit', { agent: 'puppet' });
    at.agent.emit(1);
    at.agent.finish();
    await peer.next('job.result');
    await peer.ask('job.submit', { agent: 'puppet' });
    await peer.ask('job.cancel', {}, { job_id: at.agent.job.id });
    at.agent.fail(new Error('told to stop'));
    await peer.next('job.error');
    await peer.ask('job.cancel', { job_id: first.job_id });
    at.clock.advance(30_000);
    await peer.next('session.ping');
    await peer.ask('session.close');
    const withSeq = peer.frames.filter((sent) => 'event_seq' in sent).map((sent) => sent.type);
    const without = peer.frames.filter((sent) => !('event_seq' in sent)).map((sent) => sent.type);
    expect(withSeq).toEqual(['job.event', 'job.result', 'job.error']);
    expect([...new Set(without)].sort()).toEqual([
      'job.accepted',
      'job.cancelled',
      'session.closed',
      'session.error',
      'session.ping',
      'session.pong',
      'session.welcome',
    ]);
  });

  // proves P1.17
  test('§1 sequenced frames have one counter per session, from 1, no gap, no repeat, over all its jobs and across reconnects', async () => {
    const at = world();
    const { peer, resumeToken } = await live(at);
    for (let job = 0; job < 3; job += 1) await peer.ask('job.submit', { agent: 'puppet' });
    const [one, two, three] = at.agent.jobs;
    for (let i = 0; i < 5; i += 1) for (const job of at.agent.jobs) job.context.log('info', `${i}`);
    one?.finish();
    await peer.next('job.result');
    peer.drop();
    await peer.closed;
    two?.context.log('info', 'nobody there');
    two?.finish();
    const again = at.open();
    await again.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 16 });
    three?.finish();
    await again.next((sent) => sent.type === 'job.result' && sent.job_id === three?.context.id);
    expect([...peer.seqs(), ...again.seqs()]).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
  });

  test('§1 sequenced frames of one session are not counted in another', async () => {
    const at = world();
    const [alice, other] = [await live(at), await live(at)];
    await alice.peer.ask('job.submit', { agent: 'echo' });
    await other.peer.ask('job.submit', { agent: 'echo' });
    expect(await alice.peer.next('job.result')).toMatchObject({ event_seq: 1 });
    expect(await other.peer.next('job.result')).toMatchObject({ event_seq: 1 });
  });
});

describe('§1 replies', () => {
  const answers: Record<string, [type: string, payload: object]> = {
    'session.pong': ['session.ping', { nonce: 'n' }],
    'job.accepted': ['job.submit', { agent: 'puppet' }],
    'session.error': ['job.submit', { agent: 'nobody' }],
    'session.closed': ['session.close', {}],
  };
  for (const [answer, [type, payload]] of Object.entries(answers)) {
    // proves P1.20
    test(`§1 ${answer} echoes the request's id as its own, and carries request_id and reply_to`, async () => {
      const { peer } = await live(world());
      const id = 'the-client-chose-this';
      peer.send(type, payload, { id });
      expect(await peer.next(answer)).toMatchObject({ id, payload: { request_id: id, reply_to: id } });
    });
  }

  // proves P1.20
  test('§1 the same goes for the welcome, the refused hello, job.cancelled, and the session.closed of a bye', async () => {
    const at = world();
    const refused = at.open();
    const refusedId = refused.send('session.hello');
    expect(await refused.next('session.error')).toMatchObject({
      id: refusedId,
      payload: { request_id: refusedId, reply_to: refusedId },
    });
    const { peer } = at.connect();
    const ids = [await peer.hello(tokens.alice), await peer.ask('job.submit', { agent: 'puppet' })];
    ids.push(await peer.ask('job.cancel', { job_id: at.agent.job.id }), await peer.ask('session.bye'));
    expect(ids.map((sent) => [sent.type, sent.id, sent.payload.reply_to])).toEqual([
      ['session.welcome', 'req_1', 'req_1'],
      ['job.accepted', 'req_2', 'req_2'],
      ['job.cancelled', 'req_3', 'req_3'],
      ['session.closed', 'req_4', 'req_4'],
    ]);
  });

  for (const [what, id] of [
    ['no id', undefined],
    ['an empty id', ''],
  ]) {
    // proves P1.21
    test(`§1 a frame with ${what} is served, and answered with a fresh id and no request_id`, async () => {
      const { peer } = await live(world());
      peer.raw(frame({ id }));
      const pong = await peer.next('session.pong');
      expect(pong.id).toMatch(new RegExp(`^msg_${ulid}$`));
      expect(pong.payload).not.toHaveProperty('request_id');
      expect(pong.payload).not.toHaveProperty('reply_to');
    });
  }

  for (const [what, id] of [
    ['a number as id', 7],
    ['an object as id', { a: 1 }],
    ['an id of half a megabyte', 'x'.repeat(2 ** 19)],
  ]) {
    // proves P1.21, P2.17
    test(`§1 a frame with ${what} is refused with a fresh id`, async () => {
      const { peer } = await live(world());
      const refusal = await refusalOf(peer, frame({ id }));
      expect(refusal.id).toMatch(new RegExp(`^msg_${ulid}$`));
      expect(refusal.payload).not.toHaveProperty('request_id');
    });
  }

  // proves P1.22
  test('§1 requests of one connection are answered in order, refusals among them', async () => {
    const { peer } = await live(world());
    const sent = Array.from({ length: 30 }, (_, i) => {
      if (i % 3 === 0) return peer.send('session.ping');
      return peer.send('job.submit', { agent: i % 3 === 1 ? 'echo' : 'nobody' });
    });
    await peer.reply(sent.at(-1) ?? '');
    const answered = peer.frames.map((reply) => reply.payload.request_id).filter((id) => sent.includes(id));
    expect(answered).toEqual(sent);
  });

  for (const authentication of ['at once', 'after a while']) {
    // proves P1.22
    test(`§1 requests pipelined behind a hello that is authenticated ${authentication} are answered in order too`, async () => {
      const identity = { principal: 'alice' };
      const authenticate = () =>
        authentication === 'at once'
          ? identity
          : new Promise<typeof identity>((resolve) => setImmediate(resolve, identity));
      const peer = world({ authenticate }).open();
      const sent = [peer.send('session.hello', { auth: { scheme: 'bearer', token: 't' } })];
      for (let i = 0; i < 10; i += 1)
        sent.push(peer.send(i % 2 ? 'session.ping' : 'job.submit', { agent: 'echo', input: i }));
      peer.raw('not JSON');
      sent.push(peer.send('session.close'));
      await peer.closed;
      const answers = peer.frames.filter((reply) => reply.event_seq === undefined);
      expect(answers.map((reply) => reply.payload.request_id)).toEqual([...sent.slice(0, -1), undefined, sent.at(-1)]);
      expect(answers[0]).toMatchObject({ type: 'session.welcome' });
      expect(answers.at(-2)).toMatchObject({ type: 'session.error', payload: { code: 'INVALID_REQUEST' } });
    });
  }

  test('§1 after a goodbye nothing of the same connection is heard any more', async () => {
    const at = world();
    const { peer } = await live(at);
    peer.send('session.close');
    peer.send('job.submit', { agent: 'puppet' });
    peer.send('session.bye');
    expect(await peer.closed).toMatchObject({ code: 1000 });
    await turn();
    expect(at.agent.jobs).toEqual([]);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
  });
});
