// §6 of the protocol: a submit with an idempotency key is run once, however often it is said.
import { describe, expect, test } from 'vitest';
import type { Frame } from '../support/peer.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';

const hourMs = 3600_000;

async function world() {
  const agent = puppet();
  const simulated = simulatedRuntime({ agents: [agent.agent] });
  const { submit, ...session } = await enter(simulated);
  const keyed = (payload: object = {}, envelope: object = {}) =>
    submit('puppet', { idempotency_key: 'k', ...payload }, envelope);
  return { agent, ...simulated, ...session, submit, keyed };
}

/** What was accepted, without the two fields that name the request. */
function accepted({ type, job_id: jobId, payload }: Frame) {
  const { request_id: _requestId, reply_to: _replyTo, ...rest } = payload;
  return { type, jobId, ...rest };
}

describe('§6 the same key and the same parameters', () => {
  // proves P6.03
  test('§6 get the same accepted payload, but for request_id and reply_to, and one run', async () => {
    const { agent, keyed, clock } = await world();
    const first = await keyed({ input: { n: 1 } });
    clock.advance(5000);
    const again = await keyed({ input: { n: 1 } });
    expect(accepted(again)).toEqual(accepted(first));
    expect(again.payload.request_id).toBe(again.id);
    expect(again.id).not.toBe(first.id);
    expect(agent.jobs).toHaveLength(1);
  });

  // proves P6.03
  test('§6 the order of keys is irrelevant, at every depth; the order of lists is not', async () => {
    const { agent, peer, jobIdOf } = await raw();
    const first = await jobIdOf('{"a":{"x":1,"y":[{"p":1,"q":2}]},"b":2}');
    expect(await jobIdOf('{"b":2,"a":{"y":[{"q":2,"p":1}],"x":1}}')).toBe(first);
    expect(await jobIdOf('{ "b" : 2.0, "a":{"y":[{"q":2e0,"p":1}],"x":1}}')).toBe(first);
    expect(await jobIdOf('{"b":2,"a":{"y":[{"q":2},{"p":1}],"x":1}}')).toBe('DUPLICATE_KEY');
    expect(agent.jobs).toHaveLength(1);
    await peer.settle();
  });

  test('§6 keys that mean something to JavaScript are keys like any other', async () => {
    const { jobIdOf } = await raw();
    const first = await jobIdOf('{"__proto__":{"a":1},"constructor":2}');
    expect(await jobIdOf('{"constructor":2,"__proto__":{"a":1}}')).toBe(first);
    expect(await jobIdOf('{"constructor":2,"__proto__":{"a":2}}')).toBe('DUPLICATE_KEY');
    expect(await jobIdOf('{"constructor":2}')).toBe('DUPLICATE_KEY');
  });

  // proves P6.03
  test('§6 twenty submits at once, from four sessions, are one run', async () => {
    const { agent, ...at } = await world();
    const sessions = await Promise.all([enter(at), enter(at), enter(at), enter(at)]);
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) => sessions[i % 4]?.submit('puppet', { idempotency_key: 'k', input: 'same' })),
    );
    expect(new Set(replies.map((reply) => reply && JSON.stringify(accepted(reply)))).size).toBe(1);
    expect(agent.jobs).toHaveLength(1);
    expect(at.runtime.sessions().flatMap((session) => session.jobs)).toHaveLength(1);
  });

  test('§6 a repeat after the job ended is answered the same, and runs nothing', async () => {
    const { agent, peer, keyed } = await world();
    const first = await keyed();
    agent.finish('done');
    await peer.next('job.result');
    expect(accepted(await keyed())).toEqual(accepted(first));
    await peer.settle();
    expect(agent.jobs).toHaveLength(1);
    expect(terminals(peer)).toHaveLength(1);
  });

  // proves P6.03
  test('§6 also when the job is listed no more (1 h), and for 24 hours; then the key is free', async () => {
    const { agent, peer, keyed, clock } = await world();
    const first = await keyed();
    agent.finish();
    await peer.next('job.result');
    clock.advance(2 * hourMs);
    expect(accepted(await keyed())).toEqual(accepted(first));
    clock.advance(22 * hourMs - 1);
    expect(accepted(await keyed())).toEqual(accepted(first));
    expect(agent.jobs).toHaveLength(1);
    clock.advance(1);
    const anew = await keyed();
    expect(anew).toMatchObject({ type: 'job.accepted' });
    expect(anew.job_id).not.toBe(first.job_id);
    expect(agent.jobs).toHaveLength(2);
  });

  test('§6 a repeat does not make the key live longer', async () => {
    const { agent, keyed, clock } = await world();
    await keyed();
    clock.advance(23 * hourMs);
    await keyed();
    clock.advance(hourMs);
    await keyed();
    expect(agent.jobs).toHaveLength(2);
  });

  test('§6 the trace of a repeat is that of the run', async () => {
    const { keyed } = await world();
    const first = await keyed({}, { trace_id: 'a'.repeat(32) });
    const again = await keyed({}, { trace_id: 'b'.repeat(32) });
    expect(again).toMatchObject({ trace_id: first.trace_id, payload: { trace_id: 'a'.repeat(32) } });
  });

  test('§6 without a key every submit is a run', async () => {
    const { agent, submit } = await world();
    await submit('puppet', { input: 1 });
    await submit('puppet', { input: 1 });
    expect(agent.jobs).toHaveLength(2);
  });
});

describe('§6 the same key and other parameters', () => {
  for (const [what, other] of [
    ['another input', { input: 2 }],
    ['no input', { input: undefined }],
    ['null for an input', { input: null }],
    ['another time limit', { input: 1, max_runtime_sec: 9 }],
    ['another agent', { input: 1, agent: 'puppet@1.0.0' }],
  ] satisfies [string, object][]) {
    // proves P6.04
    test(`§6 ${what}: DUPLICATE_KEY, and nothing is run or changed`, async () => {
      const { agent, peer, keyed, runtime } = await world();
      const first = await keyed({ input: 1 });
      expect(await keyed(other)).toMatchObject({
        type: 'session.error',
        payload: { code: 'DUPLICATE_KEY', retryable: false, details: { existing_job_id: first.job_id } },
      });
      expect(accepted(await keyed({ input: 1 }))).toEqual(accepted(first));
      expect(agent.jobs).toHaveLength(1);
      expect(runtime.sessions()[0]?.jobs).toEqual([first.job_id]);
      expect(peer.seqs()).toEqual([]);
    });
  }

  test('§6 another key is another run', async () => {
    const { agent, keyed } = await world();
    await keyed({ input: 1 });
    expect(await keyed({ input: 2, idempotency_key: 'k2' })).toMatchObject({ type: 'job.accepted' });
    expect(agent.jobs).toHaveLength(2);
  });
});

describe('§6 whose key it is', () => {
  // proves P6.03
  test('§6 two principals with the same key and parameters have a run each', async () => {
    const { agent, keyed, ...at } = await world();
    const first = await keyed();
    const bob = await enter(at, { token: tokens.bob });
    const second = await bob.submit('puppet', { idempotency_key: 'k' });
    expect(second).toMatchObject({ type: 'job.accepted' });
    expect(second.job_id).not.toBe(first.job_id);
    expect(agent.jobs.map((job) => job.context.principal)).toEqual(['alice', 'bob']);
  });

  // proves P6.05
  test('§6 a repeat from another session is told of the same job, and gets neither its stream nor authority over it', async () => {
    const { agent, keyed, ...at } = await world();
    const first = await keyed();
    const other = await enter(at);
    const again = await other.submit('puppet', { idempotency_key: 'k' });
    expect(accepted(again)).toEqual(accepted(first));
    expect(again.session_id).toBe(other.sessionId);
    expect(await other.peer.ask('job.cancel', { job_id: first.job_id })).toMatchObject({
      payload: { code: 'PERMISSION_DENIED' },
    });
    agent.emit(2);
    agent.finish();
    await turn();
    await other.peer.settle();
    expect(other.peer.seqs()).toEqual([]);
    await at.peer.settle();
    expect(at.peer.seqs()).toEqual([1, 2, 3]);
  });

  test('§6 a repeat after a drop and resume finds the run, whose answer may have been lost', async () => {
    const { agent, peer, keyed, resumeToken, ...at } = await world();
    const first = await keyed();
    await cut(peer);
    const back = await comeBack(at, { resumeToken });
    const again = await back.peer.ask('job.submit', { agent: 'puppet', idempotency_key: 'k' });
    expect(accepted(again)).toEqual(accepted(first));
    expect(agent.jobs).toHaveLength(1);
  });

  test('§6 the key outlives the session that used it first', async () => {
    const { agent, peer, keyed, ...at } = await world();
    const first = await keyed();
    agent.finish();
    await peer.next('job.result');
    await peer.ask('session.bye');
    await peer.closed;
    const other = await enter(at);
    expect(accepted(await other.submit('puppet', { idempotency_key: 'k' }))).toEqual(accepted(first));
    expect(agent.jobs).toHaveLength(1);
  });
});

/** Submits whose input is written by hand, as JSON text. */
async function raw() {
  const at = await world();
  let count = 0;
  const jobIdOf = async (input: string): Promise<string> => {
    count += 1;
    at.peer.raw(
      `{"arcp":"1.1","id":"raw_${count}","type":"job.submit","payload":{"agent":"puppet","idempotency_key":"k","input":${input}}}`,
    );
    const { job_id: jobId, payload } = await at.peer.reply(`raw_${count}`);
    return jobId ?? payload.code;
  };
  return { ...at, jobIdOf };
}
