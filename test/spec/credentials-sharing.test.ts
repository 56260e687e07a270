// §8 of the protocol, who gets to see the credentials of a job: its agent and its submitter, and nobody by a detour.
import { describe, expect, test } from 'vitest';
import { terminals, turn } from '../support/session.ts';
import { provisionedJob, provisionedRuntime } from '../support/upstream.ts';

const unissued = { type: 'session.error', payload: { code: 'INTERNAL_ERROR', retryable: true } };

describe('§6 one idempotency key, one run, one issue', () => {
  const accepted = ({ payload }: { payload: Record<string, unknown> }) => {
    const { request_id: _request, reply_to: _reply, credentials, ...rest } = payload;
    return { rest, credentials };
  };

  // proves P8.22
  test('§6 twenty parallel submits with one key, over five sessions: one run, equal answers, values to one session', async () => {
    const at = provisionedRuntime();
    at.up.hold('issue');
    const sessions = await Promise.all([1, 2, 3, 4, 5].map(() => at.join()));
    const asked = sessions.flatMap((session) =>
      [1, 2, 3, 4].map(() => ({
        session,
        answer: session.submit('puppet', { idempotency_key: 'k', input: { n: 1 } }),
      })),
    );
    await turn();
    at.up.release('issue');
    const answers = await Promise.all(
      asked.map(async ({ session, answer }) => ({ session, ...accepted(await answer) })),
    );
    expect(at.up.countOf('issue')).toBe(1);
    expect(at.agent.jobs).toHaveLength(1);
    expect(new Set(answers.map(({ rest }) => JSON.stringify(rest))).size).toBe(1);
    const shown = answers.filter(({ credentials }) => credentials !== undefined);
    expect(shown).toHaveLength(4);
    expect(new Set(shown.map(({ session }) => session)).size).toBe(1);
  });

  test('§6 where the issue fails, equal submits that waited are refused with it; another one has its own try', async () => {
    const at = provisionedRuntime();
    at.up.hold('issue');
    at.up.fail('issue', () => new Error('no'));
    const [one, two, three] = await Promise.all([at.join(), at.join(), at.join()]);
    const answers = [
      one.submit('puppet', { idempotency_key: 'k' }),
      two.submit('puppet', { idempotency_key: 'k' }),
      three.submit('puppet', { idempotency_key: 'k', input: 'another' }),
    ];
    await turn();
    expect(at.up.countOf('issue')).toBe(1);
    at.up.release('issue');
    for (const answer of answers) expect(await answer).toMatchObject(unissued);
    expect(at.up.countOf('issue')).toBe(2);
    expect(at.agent.jobs).toEqual([]);
  });

  test('§6 the same key with other parameters, meanwhile: DUPLICATE_KEY once it is known', async () => {
    const at = provisionedRuntime();
    at.up.hold('issue');
    const [one, two] = await Promise.all([at.join(), at.join()]);
    const first = one.submit('puppet', { idempotency_key: 'k' });
    const second = two.submit('puppet', { idempotency_key: 'k', input: 'another' });
    await turn();
    at.up.release('issue');
    const { job_id: jobId } = await first;
    expect(await second).toMatchObject({ payload: { code: 'DUPLICATE_KEY', details: { existing_job_id: jobId } } });
  });

  test('§6 a repeat after the end brings the same answer without what is revoked', async () => {
    const { agent, submit, accepted: first, peer } = await provisionedJob({}, { idempotency_key: 'k' });
    agent.finish();
    await peer.next('job.result');
    const again = await submit('puppet', { idempotency_key: 'k' });
    const { credentials: _revoked, ...rest } = accepted(first);
    expect(accepted(again)).toEqual({ ...rest, credentials: undefined });
  });
});

describe('§8 an agent’s credentials do not leave by its own words', () => {
  test('§8 events, results and exceptions of an agent are searched for the values, in any usual spelling', async () => {
    const { agent, up, peer, log, jobId } = await provisionedJob();
    const [value = ''] = up.values;
    const { job } = agent;
    job.log('info', `calling with ${value}`);
    job.emit('x-vendor.call', {
      headers: { authorization: `Bearer ${value}` },
      base64: Buffer.from(value).toString('base64'),
    });
    const error = new Error(`401 for ${value}`, { cause: new TypeError(`header ${encodeURIComponent(value)}`) });
    agent.fail(Object.assign(error, { request: { key: value } }));
    await peer.next('job.error');
    const told = peer.texts.slice(peer.texts.findIndex((text) => text.includes('job.accepted')) + 1).join('\n');
    expect(told).toContain(
      `calling with [credential ${peer.frames.find((f) => f.type === 'job.accepted')?.payload.credentials[0].id}]`,
    );
    const logged = JSON.stringify(log.lines);
    for (const spelling of [value, Buffer.from(value).toString('base64')]) {
      expect(told).not.toContain(spelling);
      expect(logged).not.toContain(spelling);
    }
    expect(log.lines).toMatchObject([{ fields: { jobId, err: { name: 'Error', cause: { name: 'TypeError' } } } }]);
  });

  test('§8 nor does a streamed text, whose size is that of what is sent', async () => {
    const { agent, up, peer } = await provisionedJob();
    const result = agent.job.result();
    result.write(`my key is ${up.values[0]}.`);
    result.end();
    agent.finish();
    const { payload } = await peer.next('job.result');
    const [chunk] = peer.sequenced().flatMap(({ payload: { kind, body } }) => (kind === 'result_chunk' ? [body] : []));
    expect(chunk?.data).toMatch(/^my key is \[credential cred_\w+\]\.$/);
    expect(payload.result_size).toBe(chunk?.data.length);
  });

  test('§8 a value with quotes and backslashes is hidden too, and what is sent is still JSON', async () => {
    const value = String.raw`a"b\c","kind":"d`;
    const issue = () => [{ id: 'odd', value, endpoint: 'https://gateway.example' }];
    const { agent, peer, log } = await provisionedJob({ provisioner: { issue, revoke() {} } });
    agent.job.log('info', `it is ${value}`);
    agent.fail(new Error(`not ${value}`));
    await peer.next('job.error');
    expect(peer.sequenced()[0]).toMatchObject({ payload: { body: { message: 'it is [credential odd]' } } });
    expect(log.lines).toMatchObject([{ fields: { err: { message: 'not [credential odd]' } } }]);
  });

  test('§8 nor does an inline result bring one out', async () => {
    const { agent, up, peer } = await provisionedJob();
    agent.finish({ used: up.values[0] });
    const { payload } = await peer.next('job.result');
    expect(payload.result.used).toMatch(/^\[credential cred_/);
    expect(terminals(peer)).toHaveLength(1);
  });
});
