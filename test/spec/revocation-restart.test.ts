// §8 of the protocol: ids of credentials outlive the process, their values do not, and revocation is taken up again.
import { expect, test } from 'vitest';
import { durableRuntime } from '../support/durable.ts';
import { puppet } from '../support/runtime.ts';
import { comeBack, enter, terminals, turn } from '../support/session.ts';
import { credentialFeatures, upstream } from '../support/upstream.ts';

function world(onRestart: 'fail' | 'rerun' = 'fail') {
  const agent = puppet();
  const up = upstream();
  const at = durableRuntime({ agents: [{ ...agent.agent, onRestart }], provisioner: up.provisioner });
  return { ...at, agent, up };
}

// proves P8.25
test('§8 what a process left behind when it died is revoked by the next one', async () => {
  const at = world();
  const { submit } = await enter(at, { features: credentialFeatures });
  await submit('puppet');
  await submit('puppet');
  const ids = [...at.up.live.keys()];
  expect(ids).toHaveLength(2);
  const next = at.crashed();
  await next.runtime.ready;
  await turn();
  expect(at.up.calls.slice(-2)).toEqual(ids.map((id) => `revoke ${id}`));
  expect([...at.up.live]).toEqual([]);
  const after = next.crashed();
  await after.runtime.ready;
  await turn();
  expect(at.up.countOf('revoke')).toBe(2);
});

test('§8 an id that was minted is revoked after a death, also where its issue never came back', async () => {
  const at = world();
  at.up.hold('issue');
  const { peer } = await enter(at, { features: credentialFeatures });
  peer.send('job.submit', { agent: 'puppet' });
  await turn();
  const [issued] = at.up.calls;
  const next = at.crashed();
  await next.runtime.ready;
  await turn();
  expect(at.up.calls).toEqual([issued, issued?.replace('issue', 'revoke')]);
});

// proves P8.25
test('§8 a revocation that failed before the death is tried on after it, until it is done', async () => {
  const at = world();
  const { submit, peer } = await enter(at, { features: credentialFeatures });
  await submit('puppet');
  at.up.fail('revoke', () => new Error('not now'));
  at.agent.finish();
  await turn();
  peer.drop();
  const next = at.crashed();
  await next.runtime.ready;
  await turn();
  expect([...at.up.live]).toHaveLength(1);
  at.up.recover('revoke');
  next.clock.advance(1000);
  await turn();
  expect([...at.up.live]).toEqual([]);
});

test('§8 without a provisioner what is left is told to the operator, and kept for a start with one', async () => {
  const at = world();
  const { submit } = await enter(at, { features: credentialFeatures });
  await submit('puppet');
  const [id] = at.up.live.keys();
  const { provisioner: _none, ...without } = { provisioner: at.up.provisioner };
  at.store.crash();
  const bare = durableRuntime({ agents: [at.agent.agent], ...without, store: at.store.reopened() });
  await bare.runtime.ready;
  expect(bare.log.lines).toMatchObject([{ level: 'error', fields: { credentialIds: [id] } }]);
  bare.store.crash();
  const again = durableRuntime({ agents: [], provisioner: at.up.provisioner, store: bare.store.reopened() });
  await again.runtime.ready;
  await turn();
  expect([...at.up.live]).toEqual([]);
});

test('§8 a shutdown revokes what its jobs had, though they go on after the next start', async () => {
  const at = world();
  const { submit } = await enter(at, { features: credentialFeatures });
  await submit('puppet');
  const closed = at.runtime.close();
  await turn();
  at.clock.advance(10_000);
  at.agent.fail(new Error('told to stop'));
  await closed;
  expect([...at.up.live]).toEqual([]);
});

// proves P8.26
test('§8 no value is in the store, neither in a record nor in a frame, rotations included', async () => {
  const at = world();
  const { submit, peer } = await enter(at, { features: credentialFeatures });
  await submit('puppet', { idempotency_key: 'k' });
  const [credential] = at.agent.job.credentials;
  await at.agent.job.rotateCredential(credential?.id ?? '');
  at.agent.job.log('info', `my key is ${at.up.values[1]}`);
  at.agent.finish({ key: at.up.values[0] });
  await peer.next('job.result');
  expect(peer.texts.join('\n')).toContain(at.up.values[1]);
  const kept = at.store.medium.text;
  expect(kept).toContain('credential_rotated');
  expect(at.up.values).toHaveLength(2);
  for (const value of at.up.values) expect(kept).not.toContain(value);
});

test('§8 a job that goes on in the next process has credentials of its own there, before anybody is served', async () => {
  const at = world('rerun');
  const { submit, resumeToken } = await enter(at, { features: credentialFeatures });
  const { payload } = await submit('puppet', { idempotency_key: 'k' });
  const next = at.crashed();
  await next.runtime.ready;
  const [old, fresh] = at.up.values;
  expect([...at.up.live.values()]).toEqual([fresh]);
  expect(at.agent.jobs).toHaveLength(2);
  expect(at.agent.job.credentials).toMatchObject([{ value: fresh }]);
  expect(at.up.requests[1]).toMatchObject({ jobId: payload.job_id, principal: 'alice', agent: 'puppet@1.0.0' });
  const back = await comeBack(next, { resumeToken });
  const again = await back.peer.ask('job.submit', { agent: 'puppet', idempotency_key: 'k' });
  expect(again.payload).toMatchObject({ job_id: payload.job_id, credentials: [{ value: fresh }] });
  at.agent.finish();
  expect(await back.peer.next('job.result')).toMatchObject({ job_id: payload.job_id });
  expect([...at.up.live]).toEqual([]);
  expect(old).not.toBe(fresh);
});

test('§8 a job that cannot have them there is cut by the restart: INTERNAL_ERROR, retryable', async () => {
  const at = world('rerun');
  const { submit, resumeToken } = await enter(at, { features: credentialFeatures });
  await submit('puppet');
  at.up.fail('issue', () => new Error('not any more'));
  const next = at.crashed();
  await next.runtime.ready;
  const back = await comeBack(next, { resumeToken });
  expect(terminals(back.peer)).toMatchObject([{ payload: { code: 'INTERNAL_ERROR', retryable: true } }]);
  expect(at.agent.jobs).toHaveLength(1);
  expect([...at.up.live]).toEqual([]);
});

test('§8 a job that only ends in the next process is issued nothing', async () => {
  const at = world();
  const { submit } = await enter(at, { features: credentialFeatures });
  await submit('puppet');
  const next = at.crashed();
  await next.runtime.ready;
  expect(at.up.countOf('issue')).toBe(1);
  expect([...at.up.live]).toEqual([]);
});
