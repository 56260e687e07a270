// §6 of the protocol: submitting a job, and how it ends. Over the in-memory transport, in simulated time.
import { describe, expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { enter, terminals, turn } from '../support/session.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent, echo], ...options }) };
}

const echo = defineAgent({ name: 'echo', version: '2.1.0', run: (job) => job.input });

describe('§6 job.submit', () => {
  // proves P6.01
  test('§6 an accepted submit names the job, the agent with its version, the lease and the time', async () => {
    const at = world();
    const { submit, sessionId } = await enter(at);
    const accepted = await submit('echo', { input: 1 });
    expect(accepted).toMatchObject({ type: 'job.accepted', session_id: sessionId, job_id: accepted.payload.job_id });
    const { request_id: requestId, reply_to: replyTo, ...payload } = accepted.payload;
    expect(payload).toEqual({
      job_id: expect.stringMatching(/^job_[0-9A-HJKMNP-TV-Z]{26}$/),
      agent: 'echo@2.1.0',
      lease: {},
      accepted_at: '2026-01-01T00:00:00.000Z',
    });
    expect([requestId, replyTo]).toEqual([accepted.id, accepted.id]);
    expect(accepted).not.toHaveProperty('event_seq');
  });

  test('§6 the agent gets the input as it came, the job id, and who submitted', async () => {
    const { agent, ...at } = world();
    const { submit } = await enter(at, { token: tokens.bob });
    const input = { nested: [1, null, { é: '€' }], __proto__x: true };
    const accepted = await submit('puppet', { input });
    expect(agent.job).toMatchObject({ input, id: accepted.job_id, principal: 'bob', traceId: undefined });
  });

  test('§6 a submit without an input runs with none', async () => {
    const { agent, ...at } = world();
    await (await enter(at)).submit('puppet');
    expect(agent.job.input).toBeUndefined();
  });

  test('§6 what the agent does before its first wait comes after job.accepted', async () => {
    const eager = defineAgent({ name: 'eager', run: (job) => job.log('info', 'already') });
    const { peer, submit } = await enter(world({ agents: [eager] }));
    await submit('eager');
    await peer.next('job.result');
    expect(peer.frames.map((frame) => frame.type)).toEqual([
      'session.welcome',
      'job.accepted',
      'job.event',
      'job.result',
    ]);
  });

  test('§6 a submit pipelined behind the hello is answered after the welcome, in order', async () => {
    const peer = world().open();
    const welcomed = peer.hello(tokens.alice);
    const ids = [1, 2, 3].map((input) => peer.send('job.submit', { agent: 'echo', input }));
    await welcomed;
    await peer.settle();
    const accepted = peer.frames.filter((frame) => frame.type === 'job.accepted');
    expect(accepted.map((frame) => frame.id)).toEqual(ids);
    expect(terminals(peer).map((frame) => frame.payload.result)).toEqual([1, 2, 3]);
  });

  test('§6 jobs of one session share one numbering, without gap or repeat', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at);
    await submit('puppet');
    await submit('puppet');
    const [first, second] = agent.jobs;
    for (let i = 0; i < 3; i += 1) {
      first?.context.thought('one');
      second?.context.thought('two');
    }
    second?.finish();
    first?.finish();
    await turn();
    await peer.settle();
    expect(peer.seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(peer.sequenced().map((frame) => frame.id)).size).toBe(8);
  });
});

describe('§6 a refused submit', () => {
  const refused: [string, object, object, string][] = [
    ['an agent that is not here', { agent: 'nobody' }, {}, 'AGENT_NOT_AVAILABLE'],
    ['a version that is not here', { agent: 'puppet@9.9.9' }, {}, 'AGENT_VERSION_NOT_AVAILABLE'],
    ['a malformed agent name', { agent: 'pup pet' }, {}, 'INVALID_REQUEST'],
    ['no agent', {}, {}, 'INVALID_REQUEST'],
    ['an agent that is no text', { agent: 7 }, {}, 'INVALID_REQUEST'],
    ['a max_runtime_sec of 0', { agent: 'puppet', max_runtime_sec: 0 }, {}, 'INVALID_REQUEST'],
    ['a negative max_runtime_sec', { agent: 'puppet', max_runtime_sec: -1 }, {}, 'INVALID_REQUEST'],
    ['a max_runtime_sec in words', { agent: 'puppet', max_runtime_sec: '5' }, {}, 'INVALID_REQUEST'],
    ['an empty idempotency key', { agent: 'puppet', idempotency_key: '' }, {}, 'INVALID_REQUEST'],
    ['a trace id of another kind', { agent: 'puppet' }, { trace_id: 'trace-1' }, 'INVALID_REQUEST'],
    ['another session', { agent: 'puppet' }, { session_id: 'sess_other' }, 'INVALID_REQUEST'],
  ];
  for (const [what, payload, envelope, code] of refused) {
    // proves P6.02
    test(`§6 a submit with ${what} is ${code}, and leaves nothing behind: no job, no number, no used key`, async () => {
      const { agent, ...at } = world();
      const { peer, submit } = await enter(at);
      const id = peer.send('job.submit', { idempotency_key: 'k', ...payload }, envelope);
      const error = await peer.reply(id);
      expect(error).toMatchObject({ type: 'session.error', id, payload: { code, retryable: false, request_id: id } });
      expect(error).not.toHaveProperty('event_seq');
      expect(error).not.toHaveProperty('job_id');
      expect(at.runtime.sessions()).toMatchObject([{ state: 'live', jobs: [], newestSeq: 0 }]);
      expect(agent.jobs).toEqual([]);
      expect(await submit('puppet', { idempotency_key: 'k' })).toMatchObject({ type: 'job.accepted' });
      agent.emit(1);
      await peer.settle();
      expect(peer.seqs()).toEqual([1]);
    });
  }

  // proves P6.16
  test('§6 a max_runtime_sec too large for a number is INVALID_REQUEST', async () => {
    const { peer } = await enter(world());
    peer.raw('{"arcp":"1.1","id":"big","type":"job.submit","payload":{"agent":"puppet","max_runtime_sec":1e999}}');
    expect(await peer.reply('big')).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
  });

  test('§6 an input nested deeper than can be compared is refused and leaves nothing behind, or runs; the session lives', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at);
    const input = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    peer.raw(
      `{"arcp":"1.1","id":"deep","type":"job.submit","payload":{"agent":"puppet","idempotency_key":"k","input":${input}}}`,
    );
    const answer = await peer.reply('deep');
    expect(at.runtime.sessions()).toMatchObject([
      { state: 'live', jobs: answer.type === 'job.accepted' ? [answer.job_id] : [] },
    ]);
    expect(agent.jobs).toHaveLength(answer.type === 'job.accepted' ? 1 : 0);
    if (answer.type !== 'job.accepted') {
      expect(await submit('puppet', { idempotency_key: 'k' })).toMatchObject({ type: 'job.accepted' });
    }
  });

  test('§6 a result nested deeper than can be written ends the job with INTERNAL_ERROR', async () => {
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    const digger = defineAgent({ name: 'digger', run: () => deep });
    const { peer, submit } = await enter(simulatedRuntime({ agents: [digger] }));
    await submit('digger');
    await turn();
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
  });

  test('§6 the 201st live job of a session is refused, a repeat is not, and room comes back with an end', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at);
    const [first] = await Promise.all(
      Array.from({ length: 200 }, (_, i) => submit('puppet', { idempotency_key: `k${i}` })),
    );
    expect(await submit('puppet', { idempotency_key: 'one more' })).toMatchObject({
      type: 'session.error',
      payload: { code: 'PERMISSION_DENIED', details: { max: 200 } },
    });
    expect(await submit('puppet', { idempotency_key: 'k0' })).toMatchObject({ payload: { job_id: first?.job_id } });
    expect(await (await enter(at)).submit('echo')).toMatchObject({ type: 'job.accepted' });
    agent.jobs[0]?.finish();
    await peer.next('job.result');
    expect(await submit('puppet', { idempotency_key: 'one more' })).toMatchObject({ type: 'job.accepted' });
    expect(at.runtime.sessions()[0]?.jobs).toHaveLength(200);
  });
});

describe('§6 the terminal frame', () => {
  // proves P6.08
  test('§6 a job that returns ends with one job.result: success, its result, its id and the time', async () => {
    const { agent, clock, ...at } = world();
    const { peer, submit, sessionId } = await enter(at);
    const { job_id: jobId } = await submit('puppet');
    clock.advance(1500);
    agent.finish({ answer: 42 });
    const terminal = await peer.next('job.result');
    expect(terminal).toMatchObject({ arcp: '1.1', session_id: sessionId, job_id: jobId, event_seq: 1 });
    expect(terminal.payload).toEqual({
      job_id: jobId,
      final_status: 'success',
      result: { answer: 42 },
      completed_at: '2026-01-01T00:00:01.500Z',
    });
  });

  // proves P6.08, P6.21
  test('§6 a job whose agent throws ends with one job.error: INTERNAL_ERROR, retryable, its id and the time', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at);
    const { job_id: jobId } = await submit('puppet');
    agent.fail(new Error('oops'));
    expect((await peer.next('job.error')).payload).toEqual({
      job_id: jobId,
      final_status: 'error',
      code: 'INTERNAL_ERROR',
      message: expect.any(String),
      retryable: true,
      completed_at: '2026-01-01T00:00:00.000Z',
    });
  });

  test('§6 the agent signal of a job that ended well never fires', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at);
    await submit('puppet', { max_runtime_sec: 5 });
    agent.finish();
    await peer.next('job.result');
    at.clock.advance(60_000);
    expect(agent.job.signal.aborted).toBe(false);
  });

  // proves P6.07
  test('§6 nothing of a job comes after its terminal, whatever its agent still emits', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at);
    await submit('puppet');
    agent.finish('done');
    await peer.next('job.result');
    agent.emit(5);
    agent.job.progress({ current: 1 });
    await peer.settle();
    expect(peer.seqs()).toEqual([1]);
  });

  // proves P6.20
  test('§6 the runtime adds no events to a job that emits none', async () => {
    const { peer, submit } = await enter(world());
    await submit('echo', { input: 'x' });
    await peer.settle();
    expect(peer.sequenced().map((frame) => frame.type)).toEqual(['job.result']);
  });
});
