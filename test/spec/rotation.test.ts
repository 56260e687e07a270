// §8 of the protocol, rotation: the credential stays, its value changes, and the submitter alone learns the new one.
import { describe, expect, test } from 'vitest';
import type { Provisioner } from '../../src/index.ts';
import type { Peer } from '../support/peer.ts';
import { tokens } from '../support/runtime.ts';
import { comeBack, cut, quietFeatures, terminals, turn } from '../support/session.ts';
import { provisionedJob, provisionedRuntime } from '../support/upstream.ts';

const rotations = (peer: Peer) =>
  peer.sequenced().filter(({ payload }) => payload.body?.phase === 'credential_rotated');

describe('§8 a rotation', () => {
  // proves P8.23
  test('§8 gives the agent the new value, tells the submitter in a status event, and the old value is worth nothing', async () => {
    const { agent, up, peer, credential } = await provisionedJob();
    const rotated = await agent.job.rotateCredential(credential.id);
    await peer.settle();
    const [old, value] = up.values;
    expect(rotated).toEqual({ ...credential, value });
    expect(agent.job.credentials).toEqual([rotated]);
    expect(rotations(peer)).toMatchObject([
      {
        type: 'job.event',
        payload: { kind: 'status', body: { phase: 'credential_rotated', id: credential.id, value } },
      },
    ]);
    expect([...up.live.values()]).toEqual([value]);
    expect(value).not.toBe(old);
  });

  test('§8 is replayed byte for byte to whoever resumes the submitting session', async () => {
    const at = await provisionedJob();
    at.agent.emit(2);
    await at.agent.job.rotateCredential(at.credential.id);
    at.agent.emit(2);
    await at.peer.settle();
    await cut(at.peer);
    const back = await comeBack(at, { resumeToken: at.resumeToken, after: 1 });
    const numbered = (peer: Peer) => peer.texts.filter((text) => text.includes('"event_seq":'));
    expect(numbered(back.peer)).toEqual(numbered(at.peer).slice(1));
    expect(numbered(back.peer).join()).toContain(at.up.values[1]);
  });

  test('§8 happened while nobody was connected: the submitter learns of it when it is back', async () => {
    const at = await provisionedJob();
    await cut(at.peer);
    await at.agent.job.rotateCredential(at.credential.id);
    const back = await comeBack(at, { resumeToken: at.resumeToken });
    expect(rotations(back.peer)).toMatchObject([{ payload: { body: { value: at.up.values[1] } } }]);
  });

  test('§8 a repeated submit shows the value that is good now', async () => {
    const at = await provisionedJob({}, { idempotency_key: 'k' });
    await at.agent.job.rotateCredential(at.credential.id);
    const again = await at.submit('puppet', { idempotency_key: 'k' });
    expect(again.payload.credentials).toMatchObject([{ id: at.credential.id, value: at.up.values[1] }]);
  });

  test('§8 a client without the feature is told nothing, and it costs no number', async () => {
    const at = provisionedRuntime();
    const { submit, peer } = await at.join(tokens.alice, quietFeatures);
    await submit('puppet');
    const [credential] = at.agent.job.credentials;
    await at.agent.job.rotateCredential(credential?.id ?? '');
    at.agent.finish();
    expect(await peer.next('job.result')).toMatchObject({ event_seq: 1 });
  });

  test('§8 two who ask at once have one rotation', async () => {
    const { agent, up, credential } = await provisionedJob();
    const both = [agent.job.rotateCredential(credential.id), agent.job.rotateCredential(credential.id)];
    const [one, two] = await Promise.all(both);
    expect(one).toEqual(two);
    expect(up.countOf('rotate')).toBe(1);
    await agent.job.rotateCredential(credential.id);
    expect(up.countOf('rotate')).toBe(2);
  });
});

describe('§8 a rotation that cannot be', () => {
  test('§8 an id the job has not, a provisioner that cannot rotate: INVALID_REQUEST, for the agent alone', async () => {
    const { agent, peer } = await provisionedJob();
    await expect(agent.job.rotateCredential('cred_another')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    const provisioner: Provisioner = {
      issue: ({ mintId }) => [{ id: mintId(), value: 'sk-1', endpoint: 'https://gateway.example' }],
      revoke() {},
    };
    const fixed = await provisionedJob({ provisioner });
    await expect(fixed.agent.job.rotateCredential(fixed.credential.id)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
    await peer.settle();
    expect(peer.sequenced()).toEqual([]);
  });

  test('§8 a thousand values are enough for one job: INVALID_REQUEST', async () => {
    const { agent, credential, up } = await provisionedJob();
    for (let rotation = 1; rotation < 1000; rotation += 1) await agent.job.rotateCredential(credential.id);
    await expect(agent.job.rotateCredential(credential.id)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    expect(up.countOf('rotate')).toBe(999);
  });

  test('§8 one that fails, or is too slow, is INTERNAL_ERROR without its words; the value stays as it was', async () => {
    const at = await provisionedJob({ provisionerTimeoutSec: 2 });
    at.up.fail('rotate', () => new Error('sk-hunter2'));
    const { job } = at.agent;
    await expect(job.rotateCredential(at.credential.id)).rejects.toMatchObject({
      code: 'INTERNAL_ERROR',
      retryable: true,
    });
    at.up.recover('rotate');
    at.up.hold('rotate');
    const slow = job.rotateCredential(at.credential.id);
    at.clock.advance(2000);
    await expect(slow).rejects.toMatchObject({ code: 'INTERNAL_ERROR' });
    expect(job.credentials).toEqual([at.credential]);
    await at.peer.settle();
    expect(JSON.stringify([at.log.lines, at.peer.texts])).not.toContain('hunter2');
  });

  test('§8 one that comes late after all is taken over, while the job runs', async () => {
    const at = await provisionedJob({ provisionerTimeoutSec: 2 });
    at.up.hold('rotate');
    const slow = at.agent.job.rotateCredential(at.credential.id);
    at.clock.advance(2000);
    await expect(slow).rejects.toThrow();
    at.up.release('rotate');
    await turn();
    await at.peer.settle();
    expect(at.agent.job.credentials).toMatchObject([{ value: at.up.values[1] }]);
    expect(rotations(at.peer)).toMatchObject([{ payload: { body: { value: at.up.values[1] } } }]);
  });
});

describe('§8 a rotation and the end of its job', () => {
  test('§8 the revocation waits for the rotation, so that the new value is revoked too', async () => {
    const at = await provisionedJob();
    at.up.hold('rotate');
    const rotation = at.agent.job.rotateCredential(at.credential.id);
    at.agent.finish();
    await turn();
    expect(at.up.countOf('revoke')).toBe(0);
    at.up.release('rotate');
    await rotation;
    await turn();
    await at.peer.settle();
    expect(at.up.calls.map((call) => call.split(' ')[0])).toEqual(['issue', 'rotate', 'revoke']);
    expect([...at.up.live]).toEqual([]);
    expect(rotations(at.peer)).toEqual([]);
    expect(terminals(at.peer)).toHaveLength(1);
  });

  test('§8 one that comes when everything is over is revoked by itself', async () => {
    const at = await provisionedJob({ provisionerTimeoutSec: 2 });
    at.up.hold('rotate');
    const rotation = at.agent.job.rotateCredential(at.credential.id);
    at.agent.finish();
    await turn();
    at.clock.advance(2000);
    await expect(rotation).rejects.toThrow();
    await at.peer.next('job.result');
    at.up.release('rotate');
    await turn();
    expect(at.up.values).toHaveLength(2);
    expect([...at.up.live]).toEqual([]);
  });

  test('§8 none is begun for a job that ends', async () => {
    const at = await provisionedJob();
    const { job } = at.agent;
    await at.peer.ask('job.cancel', { job_id: at.jobId });
    await expect(job.rotateCredential(at.credential.id)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(at.up.countOf('rotate')).toBe(0);
  });
});
