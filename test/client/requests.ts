// What a client asks of the runtime, and that every question has one answer, drops or not (§7).
import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../../src/clock.ts';
import { range, readAll, seqsOf, theatre } from './scripted.ts';

describe('submitting', () => {
  test('a submit carries agent, input, lease, key and time limit in the wire’s spelling', async () => {
    const { client, stage } = await theatre().live();
    const submitting = client.submit(
      'counter@1',
      { count: 5 },
      {
        lease: { 'fs.read': ['/data/**'] },
        leaseConstraints: { expires_at: '2030-01-01T00:00:00Z' },
        idempotencyKey: 'key-1',
        maxRuntimeSec: 60,
      },
    );
    const submit = await stage.accept('job_1');
    expect(submit).toMatchObject({ session_id: 'sess_1', id: expect.stringMatching(/^req_/) });
    expect(submit.payload).toEqual({
      agent: 'counter@1',
      input: { count: 5 },
      lease_request: { 'fs.read': ['/data/**'] },
      lease_constraints: { expires_at: '2030-01-01T00:00:00Z' },
      idempotency_key: 'key-1',
      max_runtime_sec: 60,
    });
    const job = await submitting;
    expect(job).toMatchObject({ id: 'job_1', agent: 'counter@1.0.0', accepted: { accepted_at: 'now' } });
  });

  test('without a key of the caller’s it carries one of its own, another for each submit', async () => {
    const { client, stage } = await theatre().live();
    void client.submit('counter');
    void client.submit('counter');
    const keys = [await stage.accept('job_1'), await stage.accept('job_2')].map(
      ({ payload }) => payload.idempotency_key,
    );
    expect(keys[0]).toMatch(/^req_/);
    expect(keys[1]).not.toBe(keys[0]);
  });

  test('a refused submit rejects with the runtime’s error, and the session lives on', async () => {
    const { client, stage } = await theatre().live();
    const submitting = expect(client.submit('nobody')).rejects.toMatchObject({
      code: 'AGENT_NOT_AVAILABLE',
      details: { agents: ['counter'] },
    });
    stage.refuse(await stage.next('job.submit'), 'AGENT_NOT_AVAILABLE', { agents: ['counter'] });
    await submitting;
    expect(client.state).toBe('live');
  });

  test('replies are told apart by request_id alone, by reply_to alone, and by the envelope id alone', async () => {
    const { client, stage } = await theatre().live();
    const submitting = [client.submit('a'), client.submit('b'), client.submit('c')];
    const asked = [];
    for (const _ of submitting) asked.push((await stage.next('job.submit')).id);
    const payload = { agent: 'x@1', lease: {}, accepted_at: 'now' };
    stage.send('job.accepted', { ...payload, job_id: 'job_c' }, { id: asked[2] });
    stage.send('job.accepted', { ...payload, job_id: 'job_b', reply_to: asked[1] });
    stage.send('job.accepted', { ...payload, job_id: 'job_a', request_id: asked[0] });
    expect((await Promise.all(submitting)).map(({ id }) => id)).toEqual(['job_a', 'job_b', 'job_c']);
  });

  test('a submit whose answer was lost is sent again as the same request with the same key', async () => {
    const place = theatre();
    const { client, stage } = await place.live();
    const submitting = client.submit('counter', { count: 1 });
    const first = await stage.next('job.submit');
    stage.drop();
    const again = await place.next();
    await again.welcome();
    const second = await again.accept('job_1');
    expect(second).toEqual(first);
    expect((await submitting).id).toBe('job_1');
  });

  test('events that are replayed before their job’s acceptance is are not lost', async () => {
    const place = theatre();
    const { client, stage } = await place.live({ bufferEvents: 10 });
    const submitting = client.submit('counter');
    await stage.next('job.submit');
    stage.drop();
    const again = await place.next();
    await again.welcome();
    again.events('job_1', 1, 8);
    await again.accept('job_1');
    again.result('job_1', 9);
    expect(seqsOf(await readAll(await submitting))).toEqual(range(1, 8));
  });

  test('requests without an answer have a limit', async () => {
    const { client, stage } = await theatre().live({ unansweredMax: 2 });
    void client.submit('a');
    void client.submit('b');
    await expect(client.submit('c')).rejects.toThrow(/unansweredMax/);
    await stage.accept('job_1');
    await stage.accept('job_2');
  });

  test('an input that is not JSON rejects, and nothing is sent', async () => {
    const { client, stage } = await theatre().live();
    await expect(client.submit('counter', { count: 1n })).rejects.toThrow(TypeError);
    expect(stage.frames.map(({ type }) => type)).toEqual(['session.hello']);
  });

  test('a frame too big for the runtime fails the submit it was, not the session', async () => {
    const place = theatre();
    const { client, stage } = await place.live();
    const small = client.submit('counter', 'x');
    const big = expect(client.submit('counter', 'x'.repeat(5000))).rejects.toThrow(/limit for one frame/);
    await stage.next('job.submit');
    stage.end(1009, '');
    await big;
    const again = await place.next();
    await again.welcome();
    await again.accept('job_1');
    expect((await small).id).toBe('job_1');
    expect(again.frames.filter(({ type }) => type === 'job.submit')).toHaveLength(1);
  });
});

describe('cancelling', () => {
  test('cancel names the job and its reason, and resolves when it is acknowledged', async () => {
    const { stage, job } = await theatre().running();
    const cancelling = job.cancel('changed my mind');
    const cancel = await stage.next('job.cancel');
    expect(cancel).toMatchObject({ job_id: 'job_1', payload: { job_id: 'job_1', reason: 'changed my mind' } });
    stage.answer(cancel, 'job.cancelled', { job_id: 'job_1' });
    await cancelling;
    stage.failure('job_1', 1, 'CANCELLED');
    await expect(job.result()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('cancelling a job that is over rejects', async () => {
    const { stage, job } = await theatre().running();
    const cancelling = expect(job.cancel()).rejects.toMatchObject({
      code: 'JOB_NOT_FOUND',
      details: { reason: 'ended' },
    });
    stage.refuse(await stage.next('job.cancel'), 'JOB_NOT_FOUND', { reason: 'ended' });
    await cancelling;
  });

  test('so does a cancel asked for while waiting, and sent but once', async () => {
    const place = theatre();
    const { stage, job } = await place.running();
    stage.drop();
    await place.until('waiting');
    const cancelling = expect(job.cancel()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    const again = await place.next();
    await again.welcome();
    again.refuse(await again.next('job.cancel'), 'JOB_NOT_FOUND', { reason: 'ended' });
    await cancelling;
  });

  test('a cancel whose acknowledgement was lost is sent again, and a job ended meanwhile is what was asked for', async () => {
    const place = theatre();
    const { stage, job } = await place.running();
    const cancelling = job.cancel();
    const first = await stage.next('job.cancel');
    stage.drop();
    const again = await place.next();
    await again.welcome();
    const second = await again.next('job.cancel');
    expect(second).toEqual(first);
    again.failure('job_1', 1, 'CANCELLED');
    again.refuse(second, 'JOB_NOT_FOUND', { reason: 'ended' });
    await cancelling;
  });
});

test('ping resolves with the milliseconds the answer took', async () => {
  const clock = simulatedClock();
  const { client, stage } = await theatre().live({ clock });
  const pinging = client.ping();
  const ping = await stage.next('session.ping');
  clock.advance(25);
  // Some runtimes name the ping by its nonce alone.
  stage.send('session.pong', { ping_nonce: ping.payload.nonce, received_at: 'now' });
  expect(await pinging).toBe(25);
});

describe('a ticket', () => {
  test('is JSON, and brings another process back to the session and its jobs', async () => {
    const place = theatre();
    const { client, stage, job } = await place.running();
    stage.events('job_1', 1, 2);
    await job[Symbol.asyncIterator]().next();
    const closing = client.close();
    stage.answer(await stage.next('session.close'), 'session.closed');
    await closing;

    const ticket = JSON.parse(JSON.stringify(client.ticket));
    const elsewhere = theatre();
    const connecting = elsewhere.connect({ resume: ticket });
    const again = await elsewhere.next();
    const hello = await again.welcome({ resume_token: 'rt_2' });
    expect(hello.payload.resume).toEqual({ session_id: 'sess_1', resume_token: 'rt_1', last_event_seq: 2 });
    const second = await connecting;
    expect(second.state).toBe('resumed');
    again.events('job_1', 3, 4);
    again.result('job_1', 5);
    const same = second.job('job_1');
    expect(same.accepted).toBeUndefined();
    expect(seqsOf(await readAll(same))).toEqual([3, 4]);
    expect(await same.result()).toEqual({ done: 5 });
    expect(second.ticket).toEqual({ sessionId: 'sess_1', resumeToken: 'rt_2', lastEventSeq: 5 });
  });

  test('a streamed result of which another process had the beginning is an error that says so', async () => {
    const place = theatre();
    const connecting = place.connect({ resume: { sessionId: 'sess_1', resumeToken: 'rt_1', lastEventSeq: 1 } });
    const stage = await place.next();
    await stage.welcome();
    const job = (await connecting).job('job_1');
    const body = { result_id: 'res_1', chunk_seq: 1, data: 'b', encoding: 'utf8', more: false };
    stage.event('job_1', 2, { kind: 'result_chunk', body });
    stage.result('job_1', 3, { result_id: 'res_1', result_size: 2 });
    await expect(job.result()).rejects.toThrow(/another client/);
  });
});
