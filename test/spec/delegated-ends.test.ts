// §8 of the protocol, delegation: children end with their parents, and there are so many of them.
import { describe, expect, test } from 'vitest';
import { defineAgent, type JobContext } from '../../src/index.ts';
import { family } from '../support/leases.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { enter, terminals, turn } from '../support/session.ts';

describe('§8 when a parent ends, its running children are cancelled', () => {
  const ends: [string, (world: Awaited<ReturnType<typeof family>>) => unknown][] = [
    ['returns', ({ agent }) => agent.finish('done')],
    ['fails', ({ agent }) => agent.fail(new Error('no'))],
    ['is cancelled', ({ peer, jobId, agent }) => peer.ask('job.cancel', { job_id: jobId }).then(() => agent.finish())],
    ['is over its time', ({ clock }) => clock.advance(100_000)],
    ['is over its lease', ({ clock }) => clock.advance(50_000)],
  ];
  for (const [how, end] of ends) {
    // proves P8.21
    test(`§8 a parent that ${how}`, async () => {
      const expires_at = new Date(Date.UTC(2026, 0, 1, 0, 0, 50)).toISOString();
      const asked = how === 'is over its lease' ? { lease_constraints: { expires_at } } : { max_runtime_sec: 100 };
      const world = await family({ 'agent.delegate': ['child'] }, { asked, options: { cancelGraceSec: 5 } });
      const { parent, child, peer, clock, runtime } = world;
      const handle = parent.delegate({ agent: 'child' });
      await turn();
      await end(world);
      await turn();
      await peer.settle();
      expect(terminals(peer, parent.id)).toHaveLength(1);
      expect(child.job.signal.aborted).toBe(true);
      // Its agent has the grace of any cancel.
      clock.advance(5000);
      await peer.settle();
      const details = { reason: 'its parent has ended' };
      expect(terminals(peer, handle.id)).toMatchObject([{ payload: { code: 'CANCELLED', details } }]);
      expect(runtime.sessions()).toMatchObject([{ state: 'live', jobs: [] }]);
    });
  }

  // proves P8.21
  test('§8 and theirs, down to the last', async () => {
    const { parent, child, peer, clock, runtime } = await family({}, { options: { cancelGraceSec: 5 } });
    parent.delegate({ agent: 'child', lease_request: { 'agent.delegate': ['child'] } });
    await turn();
    child.job.delegate({ agent: 'child' });
    await turn();
    expect(runtime.sessions()[0]?.jobs).toHaveLength(3);
    await peer.ask('job.cancel', { job_id: parent.id });
    clock.advance(15_000);
    await peer.settle();
    expect(terminals(peer).map(({ payload }) => payload.code)).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
    expect(runtime.sessions()).toMatchObject([{ jobs: [] }]);
  });

  test('§8 a parent that is cancelled does not wait for its child any longer', async () => {
    const awaiting = defineAgent({
      name: 'awaiting',
      run: (job) => job.delegate({ agent: 'child' }).result(),
    });
    const child = puppet('child');
    const at = simulatedRuntime({ agents: [awaiting, child.agent] });
    const { peer, submit } = await enter(at);
    const { job_id: jobId } = await submit('awaiting', { lease_request: { 'agent.delegate': ['child'] } });
    await turn();
    await peer.ask('job.cancel', { job_id: jobId });
    await turn();
    await peer.settle();
    expect(terminals(peer, jobId)).toMatchObject([{ payload: { code: 'CANCELLED' } }]);
    expect(child.job.signal.aborted).toBe(true);
  });

  test('§8 a child that has ended already is not ended again', async () => {
    const { parent, peer, agent } = await family();
    await parent.delegate({ agent: 'echo' }).result();
    agent.finish();
    await turn();
    await peer.settle();
    expect(terminals(peer).map(({ payload }) => payload.final_status)).toEqual(['success', 'success']);
  });
});

describe('§8 limits of delegation', () => {
  const recursive = defineAgent({
    name: 'recursive',
    run: async (job) => {
      const lease_request = { 'agent.delegate': ['recursive'] };
      return (
        Number(
          await job
            .delegate({ agent: 'recursive', lease_request })
            .result()
            .catch(() => -1),
        ) + 1
      );
    },
  });
  const self = { lease_request: { 'agent.delegate': ['recursive'] } };

  test('§8 an agent that delegates to itself stops at maxDelegationDepth', async () => {
    const stopping = defineAgent({
      name: 'recursive',
      run: async (job: JobContext<number>) => {
        try {
          return await job.delegate({ agent: 'recursive', input: job.input + 1, ...self }).result();
        } catch (error) {
          return [job.input, Object(error).code, Object(error).details];
        }
      },
    });
    const at = simulatedRuntime({ agents: [stopping], maxDelegationDepth: 3 });
    const { peer, submit } = await enter(at);
    await submit('recursive', { input: 0, ...self });
    const { payload } = await peer.next((frame) => frame.type === 'job.result' && Array.isArray(frame.payload.result));
    expect(payload.result).toEqual([3, 'PERMISSION_DENIED', { limit: 'delegation_depth', max: 3 }]);
  });

  test('§8 eight times by default', async () => {
    const at = simulatedRuntime({ agents: [recursive] });
    const { peer, submit } = await enter(at);
    const { job_id: jobId } = await submit('recursive', self);
    await peer.next((frame) => frame.job_id === jobId && /job\.(result|error)/.test(frame.type));
    const accepted = peer.frames.filter(({ type }) => type === 'job.accepted');
    expect(accepted).toHaveLength(9);
  });

  test('§8 children count among the jobs of their session, also those begun in one breath', async () => {
    const many = defineAgent({
      name: 'many',
      run(job) {
        let begun = 0;
        try {
          for (; begun < 100; begun += 1) job.delegate({ agent: 'child' });
        } catch (error) {
          return [begun, Object(error).code, Object(error).details];
        }
      },
    });
    const child = puppet('child');
    const at = simulatedRuntime({ agents: [many, child.agent], maxJobsPerSession: 5 });
    const { peer, submit } = await enter(at);
    await submit('many', { lease_request: { 'agent.delegate': ['child'] } });
    const { payload } = await peer.next('job.result');
    expect(payload.result).toEqual([4, 'PERMISSION_DENIED', { limit: 'jobs_per_session', max: 5 }]);
    await turn();
    for (const { finish } of child.jobs) finish();
    await turn();
    expect(at.runtime.sessions()).toMatchObject([{ jobs: [] }]);
    expect(await submit('many')).toMatchObject({ type: 'job.accepted' });
  });

  test('§8 the principal of a child is its parent’s', async () => {
    const { parent, child } = await family();
    parent.delegate({ agent: 'child' });
    await turn();
    expect(child.job.principal).toBe('alice');
    expect(child.job.traceId).toBe(parent.traceId);
  });
});
