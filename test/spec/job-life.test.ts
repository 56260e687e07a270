// §6 of the protocol: what a job carries while it runs, and what does not touch it.
import { describe, expect, test } from 'vitest';
import { defineAgent, systemClock } from '../../src/index.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, events, terminals, turn } from '../support/session.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent, echo], ...options }) };
}

const echo = defineAgent({ name: 'echo', version: '2.1.0', run: (job) => job.input });
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

describe('§6 max_runtime_sec', () => {
  // proves P6.17
  test('§6 a job over its max_runtime_sec ends at once: TIMEOUT, timed_out, retryable; its signal fires', async () => {
    const { agent, clock, ...at } = world();
    const { peer, submit } = await enter(at);
    await submit('puppet', { max_runtime_sec: 2.5 });
    clock.advance(2499);
    expect(agent.job.signal.aborted).toBe(false);
    clock.advance(1);
    expect(agent.job.signal.aborted).toBe(true);
    const { payload } = await peer.next('job.error');
    expect(payload).toMatchObject({ final_status: 'timed_out', code: 'TIMEOUT', retryable: true });
    expect(payload.completed_at).toBe('2026-01-01T00:00:02.500Z');
  });

  test('§6 what an agent emits or returns after its time ran out is dropped', async () => {
    const { agent, clock, ...at } = world();
    const { peer, submit } = await enter(at);
    await submit('puppet', { max_runtime_sec: 1 });
    agent.job.signal.addEventListener('abort', () => agent.emit(1));
    clock.advance(1000);
    agent.emit(1);
    agent.finish('too late');
    await turn();
    await peer.settle();
    expect(peer.sequenced()).toMatchObject([{ type: 'job.error', payload: { code: 'TIMEOUT' } }]);
  });

  // proves P6.18
  test('§6 max_runtime_sec runs on while the client is away, and the end is there when it comes back', async () => {
    const { agent, clock, ...at } = world();
    const { peer, submit, resumeToken } = await enter(at);
    await submit('puppet', { max_runtime_sec: 60 });
    clock.advance(30_000);
    await cut(peer);
    clock.advance(29_999);
    expect(agent.job.signal.aborted).toBe(false);
    clock.advance(1);
    expect(agent.job.signal.aborted).toBe(true);
    const back = await comeBack(at, { resumeToken });
    expect(terminals(back.peer)).toMatchObject([
      { payload: { code: 'TIMEOUT', completed_at: '2026-01-01T00:01:00.000Z' } },
    ]);
  });

  test('§6 a max_runtime_sec of years does not end the job at once', async () => {
    const { agent, clock, ...at } = world();
    await (await enter(at)).submit('puppet', { max_runtime_sec: 1e9 });
    clock.advance(24 * 3600 * 1000);
    expect(agent.job.signal.aborted).toBe(false);
  });

  test('§6 without max_runtime_sec a job may run for days', async () => {
    const { agent, clock, ...at } = world();
    await (await enter(at)).submit('puppet');
    clock.advance(30 * 24 * 3600 * 1000);
    expect(agent.job.signal.aborted).toBe(false);
  });
});

describe('§6 trace ids', () => {
  for (const given of [traceId, traceparent]) {
    // proves P1.09
    test(`§6 the trace id ${given} is carried unchanged on accepted, every event and the terminal, also after a resume`, async () => {
      const { agent, ...at } = world();
      const { peer, submit, resumeToken } = await enter(at);
      const accepted = await submit('puppet', {}, { trace_id: given });
      expect(accepted).toMatchObject({ trace_id: given, payload: { trace_id: given } });
      expect(agent.job.traceId).toBe(given);
      agent.emit(2);
      await cut(peer);
      agent.emit(1);
      agent.finish();
      await turn();
      const back = await comeBack(at, { resumeToken });
      expect(back.peer.sequenced().map((frame) => frame.trace_id)).toEqual([given, given, given, given]);
    });
  }

  test('§6 without a trace id no frame of the job carries one', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at);
    await submit('puppet');
    agent.emit(1);
    agent.finish();
    await peer.next('job.result');
    expect(peer.texts.filter((text) => text.includes('trace_id'))).toEqual([]);
  });
});

describe('§6 no agent can observe the connection', () => {
  // proves P3.16, P6.22
  test('§6 emitting while detached never throws, and nothing of it is lost', async () => {
    const { agent, ...at } = world();
    const { peer, submit, resumeToken } = await enter(at);
    await submit('puppet');
    await cut(peer);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
    agent.emit(3);
    agent.job.progress({ current: 1, total: 2 });
    await agent.job.drained();
    agent.finish('all along');
    await turn();
    const back = await comeBack(at, { resumeToken });
    expect(back.peer.seqs()).toEqual([1, 2, 3, 4, 5]);
    expect(terminals(back.peer)).toMatchObject([{ payload: { result: 'all along' } }]);
  });

  test('§6 emitting after the session is closed for good never throws', async () => {
    const { agent, ...at } = world({ onBye: 'keep' });
    const { peer, submit } = await enter(at);
    await submit('puppet');
    await peer.ask('session.bye');
    agent.emit(3);
    await agent.job.drained();
    agent.finish();
    await turn();
    expect(at.runtime.sessions()).toEqual([]);
    expect(at.log.lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  // proves P6.25
  test('§6 a job that emits without pause does not starve other sessions', async () => {
    const eventsMax = 2_000_000;
    let emitted = 0;
    const flood = defineAgent({
      name: 'flood',
      async run(job) {
        while (emitted < eventsMax && !job.signal.aborted) {
          job.thought('more');
          emitted += 1;
          await job.drained();
        }
      },
    });
    const at = world({ agents: [flood, echo], clock: systemClock() });
    const { submit, peer } = await enter(at);
    await submit('flood');
    const other = await enter(at);
    await other.submit('echo', { input: 'served' });
    expect(await other.peer.next('job.result')).toMatchObject({ payload: { result: 'served' } });
    expect(emitted).toBeLessThan(eventsMax);
    await peer.ask('session.bye');
    await at.runtime.close();
  });

  // proves P6.23
  test('§6 events of a feature that was not negotiated are left out and cost no number', async () => {
    const { agent, ...at } = world();
    const { peer, submit } = await enter(at, { features: [] });
    await submit('puppet');
    agent.emit(1);
    agent.job.progress({ current: 1 });
    agent.emit(1);
    agent.finish();
    await peer.next('job.result');
    expect(peer.seqs()).toEqual([1, 2, 3]);
    expect(events(peer).map(({ kind }) => kind)).toEqual(['log', 'log']);
  });

  // proves P6.24
  test('§6 what is numbered stays, whatever a later resume negotiates', async () => {
    const { agent, ...at } = world();
    const { peer, submit, resumeToken } = await enter(at);
    await submit('puppet');
    agent.job.progress({ current: 1 });
    await cut(peer);
    agent.job.progress({ current: 2 });
    const back = await comeBack(at, { resumeToken, features: ['ack'] });
    agent.job.progress({ current: 3 });
    agent.emit(1);
    await back.peer.settle();
    expect(events(back.peer).map(({ kind }) => kind)).toEqual(['progress', 'progress', 'log']);
    expect(back.peer.seqs()).toEqual([1, 2, 3]);
  });
});
