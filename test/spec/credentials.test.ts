// §8 of the protocol, provisioned credentials: minted before `accepted`, for the submitter alone, and worth nothing afterwards.
import { describe, expect, test } from 'vitest';
import { ArcpError, type ProvisionedCredential, type Provisioner } from '../../src/index.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, quietFeatures, turn } from '../support/session.ts';
import { credentialFeatures, provisionedJob, provisionedRuntime } from '../support/upstream.ts';

const unissued = { type: 'session.error', payload: { code: 'INTERNAL_ERROR', retryable: true } };

describe('§8 credentials are issued before the job is accepted', () => {
  // proves P2.06
  test('§2 provisioned_credentials is offered only where a provisioner is configured', async () => {
    const { welcome } = await provisionedJob();
    expect(welcome.payload.capabilities.features).toContain('provisioned_credentials');
    const without = await enter(simulatedRuntime({ agents: [puppet().agent] }), { features: credentialFeatures });
    expect(without.welcome.payload.capabilities.features).not.toContain('provisioned_credentials');
    const declined = provisionedRuntime({ features: ['ack'] });
    expect((await declined.join()).welcome.payload.capabilities.features).toEqual(['ack']);
  });

  // proves P1.08, P8.22
  test('§8 the submitter has them with the accepted job, and so has its agent', async () => {
    const { accepted, agent, up } = await provisionedJob();
    const [value] = up.values;
    const credential = { id: expect.stringMatching(/^cred_[0-9A-HJKMNP-TV-Z]{26}$/), scheme: 'bearer', value };
    expect(accepted.payload.credentials).toEqual([
      { ...credential, endpoint: 'https://gateway.example/v1', profile: 'openai' },
    ]);
    expect(agent.job.credentials).toEqual(accepted.payload.credentials);
  });

  test('§8 the provisioner is told for whom and for what they are', async () => {
    const at = provisionedRuntime();
    const leases = ['model.use', 'cost.budget', 'lease_expires_at'];
    const { submit } = await at.join(tokens.bob, [...credentialFeatures, ...leases]);
    const trace = 'ab'.repeat(16);
    const expires_at = new Date(at.clock.now() + 60_000).toISOString();
    const lease = { 'model.use': ['tier-fast/*'], 'cost.budget': ['USD:5.00'] };
    const asked = { lease_request: lease, lease_constraints: { expires_at } };
    const accepted = await submit('puppet', asked, { trace_id: trace });
    await submit('puppet');
    const whose = { jobId: accepted.job_id, principal: 'bob', agent: 'puppet@1.0.0', traceId: trace };
    expect(at.up.requests).toMatchObject([
      { ...whose, lease, budget: ['USD:5'], expiresAt: expires_at },
      { lease: {} },
    ]);
    expect(at.up.requests[1]).not.toHaveProperty('budget');
  });

  test('§8 a client without the feature is shown none, and its agent works all the same', async () => {
    const at = provisionedRuntime();
    const { submit } = await at.join(tokens.alice, quietFeatures);
    const accepted = await submit('puppet');
    expect(accepted).toMatchObject({ type: 'job.accepted' });
    expect(accepted.payload).not.toHaveProperty('credentials');
    expect(at.agent.job.credentials).toHaveLength(1);
  });

  test('§8 a job that needs none has none, and no credentials field', async () => {
    const { accepted, agent } = await provisionedJob({ provisioner: { issue: () => [], revoke() {} } });
    expect(accepted.payload).not.toHaveProperty('credentials');
    expect(agent.job.credentials).toEqual([]);
  });

  test('§4 while credentials are issued, the requests of that connection wait in order, and nobody else’s', async () => {
    const at = provisionedRuntime();
    at.up.hold('issue');
    const { peer } = await at.join();
    const other = await at.join(tokens.bob);
    const asked = ['job.submit', 'session.ping', 'job.submit', 'session.ping'].map((type) =>
      peer.send(type, type === 'job.submit' ? { agent: 'puppet' } : {}),
    );
    await other.peer.settle();
    expect(peer.frames.map(({ type }) => type)).toEqual(['session.welcome']);
    expect(at.up.countOf('issue')).toBe(1);
    at.up.release('issue');
    await peer.reply(asked.at(-1) ?? '');
    expect(peer.frames.map(({ id }) => id).slice(1)).toEqual(asked);
    expect(at.agent.jobs).toHaveLength(2);
  });

  // proves P8.22
  test('§8 nothing runs, and no job is there, before its credentials are', async () => {
    const at = provisionedRuntime();
    at.up.hold('issue');
    const { peer } = await at.join();
    peer.send('job.submit', { agent: 'puppet' });
    await turn();
    expect(at.agent.jobs).toEqual([]);
    expect(at.runtime.sessions()).toMatchObject([{ jobs: [], newestSeq: 0 }]);
    at.up.release('issue');
    expect(await peer.next('job.accepted')).toMatchObject({ payload: { credentials: [{}] } });
  });
});

describe('§8 credentials that cannot be issued refuse the submit, and leave nothing behind', () => {
  const isUntouched = async (at: ReturnType<typeof provisionedRuntime>) => {
    await turn();
    expect(at.agent.jobs).toEqual([]);
    expect([...at.up.live]).toEqual([]);
    expect(at.runtime.sessions().flatMap(({ jobs }) => jobs)).toEqual([]);
  };

  test('§8 a provisioner that fails: INTERNAL_ERROR, retryable, and no word of its exception anywhere', async () => {
    const at = provisionedRuntime();
    at.up.fail('issue', () => Object.assign(new TypeError('key sk-hunter2 is taken'), { code: 'ECONNREFUSED' }));
    const { peer, submit } = await at.join();
    expect(await submit('puppet', { idempotency_key: 'k' })).toMatchObject(unissued);
    await isUntouched(at);
    expect(at.up.calls.map((call) => call.split(' ')[0])).toEqual(['issue', 'revoke']);
    expect(at.log.lines).toMatchObject([{ level: 'error', fields: { fault: 'TypeError', code: 'ECONNREFUSED' } }]);
    expect(JSON.stringify([at.log.lines, peer.texts])).not.toContain('hunter2');
    at.up.recover('issue');
    expect(await submit('puppet', { idempotency_key: 'k' })).toMatchObject({ type: 'job.accepted' });
  });

  test('§8 a provisioner that is too slow: the same, its signal fires, and what comes late is revoked', async () => {
    const at = provisionedRuntime({ provisionerTimeoutSec: 2 });
    at.up.hold('issue');
    const { peer } = await at.join();
    const request = peer.send('job.submit', { agent: 'puppet' });
    await turn();
    at.clock.advance(1_999);
    expect(at.up.signals[0]?.aborted).toBe(false);
    at.clock.advance(1);
    expect(await peer.reply(request)).toMatchObject(unissued);
    expect(at.up.signals[0]?.aborted).toBe(true);
    await turn();
    at.up.release('issue');
    await isUntouched(at);
    expect(at.up.values).toHaveLength(1);
  });

  test('§8 a provisioner may refuse with a code of the protocol; its words stay with it', async () => {
    const at = provisionedRuntime();
    at.up.fail('issue', () => new ArcpError('BUDGET_EXHAUSTED', 'sk-hunter2 has no money', { key: 'sk-hunter2' }));
    const { peer, submit } = await at.join();
    expect(await submit('puppet')).toMatchObject({ payload: { code: 'BUDGET_EXHAUSTED', retryable: false } });
    expect(JSON.stringify([at.log.lines, peer.texts])).not.toContain('hunter2');
    await isUntouched(at);
  });

  const whole: ProvisionedCredential = { id: 'key-1', value: 'sk-hunter2', endpoint: 'https://gateway.example' };
  const nonsense: [string, unknown][] = [
    ['nothing', undefined],
    ['a credential that is not in a list', whole],
    ['a list of null', [null]],
    ['one without a value', [{ ...whole, value: '' }]],
    ['one without an endpoint', [{ id: 'key-1', value: 'sk-hunter2' }]],
    ['one whose id is its value', [{ ...whole, id: 'sk-hunter2' }]],
    ['one whose id is a sentence', [{ ...whole, id: 'my key' }]],
    ['two with one id', [whole, whole]],
    ['one whose constraints are no object', [{ ...whole, constraints: ['USD:5.00'] }]],
    ['seventeen', Array.from({ length: 17 }, (_, index) => ({ ...whole, id: `key-${index}` }))],
  ];
  test.each(nonsense)(
    '§8 a provisioner that returns %s has failed; what can be revoked is',
    async (_what, returned) => {
      const revoked: string[] = [];
      const provisioner: Provisioner = {
        issue: () => JSON.parse(JSON.stringify(returned ?? null)),
        revoke: (id) => void revoked.push(id),
      };
      const at = provisionedRuntime({ provisioner });
      const { peer, submit } = await at.join();
      expect(await submit('puppet')).toMatchObject(unissued);
      await isUntouched(at);
      expect(revoked.every((id) => /^key-\d+$|^sk-hunter2$/.test(id))).toBe(true);
      expect(peer.texts.join()).not.toContain('hunter2');
    },
  );

  test('§8 an id that another job’s credential has is refused, and that job keeps its own', async () => {
    const revoked: string[] = [];
    const provisioner: Provisioner = {
      issue: () => [{ id: 'the-only-one', value: 'sk-1', endpoint: 'https://gateway.example' }],
      revoke: (id) => void revoked.push(id),
    };
    const at = provisionedRuntime({ provisioner });
    const { submit } = await at.join();
    expect(await submit('puppet')).toMatchObject({ type: 'job.accepted' });
    expect(await submit('puppet')).toMatchObject(unissued);
    await turn();
    expect(revoked).toEqual([]);
    expect(at.agent.jobs).toHaveLength(1);
  });

  test('§8 a submitter that drops meanwhile is not served a job nobody told it of: it asks again', async () => {
    const at = provisionedRuntime();
    at.up.hold('issue');
    const { peer, resumeToken } = await at.join();
    peer.send('job.submit', { agent: 'puppet', idempotency_key: 'k' });
    await turn();
    await cut(peer);
    const back = await comeBack(at, { resumeToken });
    const again = back.peer.ask('job.submit', { agent: 'puppet', idempotency_key: 'k' });
    at.up.release('issue');
    expect(await again).toMatchObject({ type: 'job.accepted', payload: { credentials: [{}] } });
    await turn();
    expect(at.agent.jobs).toHaveLength(1);
    expect([...at.up.live.values()]).toEqual([at.agent.job.credentials[0]?.value]);
  });

  test('§8 a goodbye behind a submit is heard once that is answered: the job is cancelled, its credentials revoked', async () => {
    const at = provisionedRuntime();
    at.up.hold('issue');
    const { peer } = await at.join();
    peer.send('job.submit', { agent: 'puppet' });
    const bye = peer.ask('session.bye');
    await turn();
    at.up.release('issue');
    expect(await bye).toMatchObject({ type: 'session.closed' });
    expect(peer.frames.map(({ type }) => type)).toContain('job.accepted');
    expect(at.agent.job.signal.aborted).toBe(true);
    at.agent.finish();
    await turn();
    expect([...at.up.live]).toEqual([]);
    expect(at.runtime.sessions()).toEqual([]);
  });

  test('§2 submits that wait for credentials count as jobs of the session, however often it comes back', async () => {
    const at = provisionedRuntime({ maxJobsPerSession: 2 });
    at.up.hold('issue');
    let { peer, resumeToken } = await at.join();
    for (let round = 0; round < 2; round += 1) {
      peer.send('job.submit', { agent: 'puppet' });
      await turn();
      await cut(peer);
      ({ peer, resumeToken } = await comeBack(at, { resumeToken }));
    }
    expect(await peer.ask('job.submit', { agent: 'puppet' })).toMatchObject({
      payload: { code: 'PERMISSION_DENIED', details: { limit: 'jobs_per_session' } },
    });
    expect(at.up.countOf('issue')).toBe(2);
  });
});
