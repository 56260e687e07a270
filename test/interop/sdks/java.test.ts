// §10: the client of the Java SDK itself, unmodified, in a JVM of its own. docs/interop.md says what it is built from.
import { describe, expect, test } from 'vitest';
import { aborted } from './java/clients.ts';
import { javaSuite } from './java/suite.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

const java = javaSuite();

describe.skipIf(java.isAbsent).each(java.queries)('§10 the client of the Java SDK itself %s', (query) => {
  test('connects, submits, and reads every event and the result', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    expect(client.session).toMatchObject({
      session_id: expect.stringMatching(/^sess_/),
      resume_token: expect.stringMatching(/^rt_/),
      heartbeat_sec: 30,
      agents: expect.arrayContaining([{ name: 'talker', versions: ['2.1.0'], default: '2.1.0' }]),
    });
    expect(client.session.features).toHaveLength(10);
    const job = await client.submit('talker', { input: {}, trace });
    expect(job.accepted).toMatchObject({ agent: 'talker@2.1.0', trace_id: trace });
    expect(await job.result()).toEqual({ final_status: 'success', result: { said: 8 } });
    const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
    const traced = await client.submit('echo', { trace: traceparent });
    expect(traced.accepted.trace_id).toBe(traceparent);
    await traced.result();
    const { events } = await (await job.events()).ended();
    expect(events.map(({ kind, body }) => [kind, body])).toEqual([
      ['log', { level: 'info', message: 'hello' }],
      ['thought', { text: 'let me see' }],
      ['status', { phase: 'working' }],
      ['status', { phase: 'still working' }],
      ['progress', { current: 1, total: 2, units: 'files' }],
      ['metric', { name: 'cost.usd', value: 0.1, unit: 'USD' }],
      ['artifact_ref', { uri: 'file:///x', content_type: 'text/plain' }],
    ]);
    const { seqs, unread } = await client.wire();
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    // It knows no kinds of vendors.
    expect(unread).toEqual(['job.event: unknown event kind: x-vendor.test.note']);
  });

  test('has each event of a job as it is emitted', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    const view = await job.events();
    at.agent.emit(2);
    expect((await view.seen(2)).map(({ body }) => body.message)).toEqual(['event 1', 'event 2']);
    at.agent.job.progress({ current: 3, total: 4 });
    expect((await view.seen(3)).at(-1)).toEqual({ kind: 'progress', body: { current: 3, total: 4 } });
    at.agent.finish('well');
    expect(await job.result()).toMatchObject({ result: 'well' });
    expect(await view.ended()).toMatchObject({ complete: true, events: { length: 3 } });
  });

  test('has many submits under way, and takes each answer for its own', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const inputs = ['a', 'b', 'c', 'd', 'e'];
    const jobs = await Promise.all(inputs.map((input) => client.submit('echo', { input })));
    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(results.map(({ result }) => result)).toEqual(inputs);
  });

  test('cancels a job, and hears that it was cancelled; the next one is served', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    const view = await job.events();
    await job.cancel();
    await aborted(at.agent.job.signal);
    at.agent.fail(new Error('stopped'));
    await expect(job.result()).rejects.toMatchObject({ name: 'CancelledException', retryable: false });
    expect(await view.ended()).toEqual({ complete: true, events: [] });
    const next = await client.submit('echo', { input: 'still served' });
    expect(await next.result()).toMatchObject({ result: 'still served' });
    expect(await client.wire()).toMatchObject({ unread: [], types: expect.arrayContaining(['job.cancelled']) });
  });

  test('asks twice with one key and gets one job, also from another session; with other parameters it is told', async () => {
    const at = await java.stage(query);
    const [{ client }, other] = [await at.enter(), await at.enter()];
    const first = await client.submit('puppet', { input: 'a', key: 'k' });
    const again = await other.client.submit('puppet', { input: 'a', key: 'k' });
    expect(again.accepted).toEqual(first.accepted);
    expect(at.agent.jobs).toHaveLength(1);
    const wrong = client.submit('puppet', { input: 'b', key: 'k' });
    await expect(wrong).rejects.toMatchObject({ name: 'DuplicateKeyException', code: 'DUPLICATE_KEY' });
    // Who asked again has no authority over the job.
    await again.cancel();
    await other.client.list();
    expect(at.agent.job.signal.aborted).toBe(false);
    at.agent.finish('once');
    expect(await first.result()).toMatchObject({ result: 'once' });
  });

  test('puts a streamed result together', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('streamer');
    expect(await job.result()).toMatchObject({ result_size: 6, result_id: expect.stringMatching(/^res_/) });
    expect(await job.ask('assembled')).toEqual({ complete: true, bytes: 6, text: 'abcdef' });
    const next = await client.submit('puppet');
    const parts = Array.from({ length: 300 }, (_, i) => `${i}: €\n`);
    const result = at.agent.job.result({ encoding: 'utf8' });
    for (const part of parts) result.write(part);
    result.end();
    at.agent.finish();
    const text = parts.join('');
    expect(await next.result()).toMatchObject({ result_size: Buffer.byteLength(text) });
    expect(await next.ask('assembled')).toEqual({ complete: true, bytes: Buffer.byteLength(text), text });
    const { unread } = await client.wire();
    expect(unread).toEqual([]);
  });

  test('answers heartbeats, and lives', async () => {
    const at = await java.stage(query, { heartbeatSec: 1 });
    const { client } = await at.enter();
    expect(client.session.heartbeat_sec).toBe(1);
    await client.ask('heard', { type: 'session.ping', count: 3 });
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }]);
    const job = await client.submit('echo', { input: 'alive' });
    expect(await job.result()).toMatchObject({ result: 'alive' });
  });

  test('has thousands of events in order, however fast they are emitted', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    const view = await job.events();
    at.agent.emit(5000);
    at.agent.finish();
    await job.result();
    const { events } = await view.ended();
    const logged = events.flatMap(({ kind, body }) => (kind === 'log' ? [body.message] : []));
    expect(logged).toEqual(Array.from({ length: 5000 }, (_, i) => `event ${i + 1}`));
    // The rest says that it lags: its acks come once in 200 ms.
    const others = events.filter(({ kind }) => kind !== 'log');
    expect(new Set(others.map(({ body }) => body.phase))).toEqual(new Set(['back_pressure']));
  });

  test('hears that its token is not known, and that nobody is let in without one', async () => {
    const at = await java.stage(query);
    const failure = { name: 'UnauthenticatedException', code: 'UNAUTHENTICATED' };
    await expect(at.enter({ token: 'tok-nobody' })).rejects.toMatchObject(failure);
    await expect(at.enter({ token: undefined })).rejects.toMatchObject(failure);
  });
});
