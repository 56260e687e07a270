// §8 of the protocol, delegation: a job hands on work, and is told what became of it.
import { describe, expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import { echo, family, leaseFeatures } from '../support/leases.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';
import { upstream } from '../support/upstream.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('§8 a child', () => {
  // proves P1.09, P7.07, P8.19
  test('§8 is told of by its parent’s delegate event and by an acceptance that links it, with the same trace', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent, echo] });
    const { peer, submit, sessionId } = await enter(at, { features: leaseFeatures });
    const { job_id: jobId } = await submit(
      'puppet',
      { lease_request: { 'agent.delegate': ['echo'], 'fs.read': ['/**'] } },
      { trace_id: trace },
    );
    await turn();
    const asked = { agent: 'echo', input: { n: 1 }, lease_request: { 'fs.read': ['/data/*'] } };
    const handle = agent.job.delegate(asked);
    expect(await handle.result()).toEqual({ n: 1 });
    await peer.settle();
    const told = peer.frames.filter((frame) => frame.job_id === jobId && frame.type === 'job.event');
    const body = { ...asked, job_id: handle.id, delegate_id: expect.any(String) };
    expect(told).toMatchObject([{ payload: { kind: 'delegate', body }, trace_id: trace, event_seq: 1 }]);
    const accepted = peer.frames.find((frame) => frame.type === 'job.accepted' && frame.job_id === handle.id);
    expect(accepted).toMatchObject({
      session_id: sessionId,
      trace_id: trace,
      payload: {
        job_id: handle.id,
        agent: 'echo@1.0.0',
        lease: asked.lease_request,
        parent_job_id: jobId,
        delegate_id: told[0]?.payload.body.delegate_id,
        trace_id: trace,
      },
    });
    expect(accepted).not.toHaveProperty('event_seq');
    expect(accepted?.payload).not.toHaveProperty('request_id');
    expect(terminals(peer, handle.id)).toMatchObject([
      { event_seq: 2, trace_id: trace, payload: { result: { n: 1 } } },
    ]);
  });

  // proves P8.20
  test('§8 its events are numbered in the session that submitted its parent, which may cancel it, and no other', async () => {
    const { parent, child, peer, runtime, ...at } = await family();
    const handle = parent.delegate({ agent: 'child' });
    await turn();
    child.job.log('info', 'from the child');
    parent.log('info', 'from the parent');
    await peer.settle();
    expect(peer.sequenced().map((frame) => [frame.event_seq, frame.job_id, frame.payload.kind])).toEqual([
      [1, parent.id, 'delegate'],
      [2, handle.id, 'log'],
      [3, parent.id, 'log'],
    ]);
    const stranger = await enter(at);
    expect(await stranger.peer.ask('job.cancel', { job_id: handle.id })).toMatchObject({
      payload: { code: 'PERMISSION_DENIED' },
    });
    expect(await peer.ask('job.cancel', { job_id: handle.id })).toMatchObject({ type: 'job.cancelled' });
    child.finish();
    await expect(handle.result()).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(terminals(peer, handle.id)).toMatchObject([{ payload: { final_status: 'cancelled' } }]);
    expect(runtime.sessions()[0]?.jobs).toEqual([parent.id]);
  });

  test('§8 may be begun, and ends, while nobody is connected: all of it is there after the resume', async () => {
    const { parent, peer, resumeToken, ...at } = await family();
    await cut(peer);
    const handle = parent.delegate({ agent: 'echo', input: 'x' });
    expect(await handle.result()).toBe('x');
    const back = await comeBack(at, { resumeToken });
    expect(back.peer.sequenced()).toMatchObject([
      { event_seq: 1, payload: { kind: 'delegate', body: { job_id: handle.id, agent: 'echo' } } },
      { event_seq: 2, job_id: handle.id, payload: { result: 'x' } },
    ]);
  });

  test('§8 may be begun in a session that is over and whose jobs are kept', async () => {
    const { parent, peer, runtime, agent } = await family({}, { options: { onBye: 'keep' } });
    await peer.ask('session.bye');
    const handle = parent.delegate({ agent: 'echo', input: 'x' });
    expect(await handle.result()).toBe('x');
    agent.finish();
    await turn();
    expect(runtime.sessions()).toEqual([]);
  });

  test('§8 has a copy of its input', async () => {
    const { parent, child } = await family();
    const input = { list: [1] };
    parent.delegate({ agent: 'child', input });
    input.list.push(2);
    await turn();
    expect(child.job.input).toEqual({ list: [1] });
    expect(() => parent.delegate({ agent: 'child', input: 1n })).toThrow(TypeError);
    expect(() => parent.delegate({ agent: 'child', input: 'x'.repeat(2 ** 21) })).toThrow(RangeError);
  });

  test('§8 has nothing of its parent’s credentials, though they were in its input', async () => {
    const child = puppet('child');
    const up = upstream();
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent, child.agent], provisioner: up.provisioner });
    const { peer, submit } = await enter(at, { features: leaseFeatures });
    await submit('puppet', { lease_request: { 'agent.delegate': ['child'] } });
    await turn();
    const { value = '' } = agent.job.credentials[0] ?? {};
    expect(value).not.toBe('');
    agent.job.delegate({ agent: 'child', input: { key: value } });
    await turn();
    expect(JSON.stringify(child.job.input)).not.toContain(value);
    child.job.log('info', JSON.stringify(child.job.input));
    await peer.settle();
    expect(peer.texts.join()).not.toContain(value);
  });

  test('§8 that fails fails its parent’s result with its own error, and no more of it', async () => {
    const { parent, child } = await family();
    const handle = parent.delegate({ agent: 'child' });
    await turn();
    child.fail(new Error('hunter2'));
    await expect(handle.result()).rejects.toMatchObject({ code: 'INTERNAL_ERROR', message: 'the agent failed' });
  });

  test('§8 that streams its result gives it to its parent whole: text as text, bytes as bytes', async () => {
    const streamer = defineAgent({
      name: 'child',
      run(job) {
        const isText = job.input === 'text';
        const writer = job.result({ encoding: isText ? 'utf8' : 'base64' });
        writer.write(isText ? 'Grüße, ' : Buffer.from([0, 255]));
        writer.write(isText ? '世界' : Buffer.from([7]));
        writer.end();
      },
    });
    for (const features of [leaseFeatures, leaseFeatures.filter((name) => name !== 'result_chunk')]) {
      const agent = puppet();
      const { submit } = await enter(simulatedRuntime({ agents: [agent.agent, streamer] }), { features });
      await submit('puppet', { lease_request: { 'agent.delegate': ['*'] } });
      await turn();
      const results = ['text', 'bytes'].map((input) => agent.job.delegate({ agent: 'child', input }).result());
      const bytes = features.includes('result_chunk') ? Buffer.from([0, 255, 7]) : 'AP8H';
      expect(await Promise.all(results)).toEqual(['Grüße, 世界', bytes]);
    }
  });
});
