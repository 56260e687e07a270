// §10: the client of the Java SDK itself, unmodified, in a JVM of its own. docs/interop.md says what it is built from.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokens } from '../../support/runtime.ts';
import { checkoutFrom } from './checkout.ts';
import { stage } from './java/clients.ts';
import { Jvm } from './java/jvm.ts';

const checkout = checkoutFrom('ARCP_JAVA_SDK');

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

let jvm: Jvm;
beforeAll(async () => {
  if (checkout !== '') jvm = await Jvm.start(checkout);
}, 300_000);
afterAll(() => jvm?.end());

describe.skipIf(checkout === '').each(['', '?dialect=java'])('§10 the client of the Java SDK itself %s', (query) => {
  test('connects, submits, and reads every event and the result', async () => {
    const at = await stage(jvm, { query });
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
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // It knows no kinds of vendors.
    expect(unread).toEqual(['job.event: unknown event kind: x-vendor.test.note']);
  });

  test('has each event of a job as it is emitted', async () => {
    const at = await stage(jvm, { query });
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
    const at = await stage(jvm, { query });
    const { client } = await at.enter();
    const inputs = ['a', 'b', 'c', 'd', 'e'];
    const jobs = await Promise.all(inputs.map((input) => client.submit('echo', { input })));
    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(results.map(({ result }) => result)).toEqual(inputs);
  });

  test('loses its cable in the middle, resumes, and has every event once', async () => {
    const at = await stage(jvm, { query });
    const { client, cable } = await at.enter();
    const job = await client.submit('puppet', { key: 'one job' });
    const view = await job.events();
    at.agent.emit(3);
    await view.seen(3);
    cable.cut();
    await expect(job.result()).rejects.toThrow();
    at.agent.emit(4);
    const ticket = await client.ticket();
    expect(ticket.last_event_seq).toBe(3);
    const back = await at.enter({ ...ticket, watching: [job.id] });
    expect(back.client.session.session_id).toBe(client.session.session_id);
    expect(back.client.session.resume_token).not.toBe(client.session.resume_token);
    at.agent.finish('done');
    const { complete, events } = await at.view(job.id).ended();
    expect(complete).toBe(true);
    expect(events.map(({ body }) => body.message)).toEqual(['event 1', 'event 2', 'event 3', 'event 4']);
    const wires = [await client.wire(), await back.client.wire()];
    expect(wires.flatMap(({ seqs }) => seqs)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(wires.flatMap(({ unread }) => unread)).toEqual([]);
  });

  test('resumes before it has had any event', async () => {
    const at = await stage(jvm, { query });
    const { client, cable } = await at.enter();
    const job = await client.submit('puppet');
    cable.cut();
    await expect(job.result()).rejects.toThrow();
    at.agent.emit(2);
    const ticket = await client.ticket();
    expect(ticket.last_event_seq).toBe(-1);
    await at.enter({ ...ticket, watching: [job.id] });
    expect(await at.view(job.id).seen(2)).toHaveLength(2);
  });

  test('has a handle of its job again, after a resume, by the same key, and may cancel it', async () => {
    const at = await stage(jvm, { query });
    const { client, cable } = await at.enter();
    const job = await client.submit('puppet', { key: 'k' });
    cable.cut();
    await expect(job.result()).rejects.toThrow();
    const back = await at.enter(await client.ticket());
    const again = await back.client.submit('puppet', { key: 'k' });
    expect(again.id).toBe(job.id);
    await again.cancel();
    await aborted(at.agent.job.signal);
    at.agent.fail(new Error('stopped'));
    await expect(again.result()).rejects.toMatchObject({ name: 'CancelledException', code: 'CANCELLED' });
  });

  test('cancels a job, and hears that it was cancelled; the next one is served', async () => {
    const at = await stage(jvm, { query });
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
    const at = await stage(jvm, { query });
    const [{ client }, other] = [await at.enter(), await at.enter()];
    const first = await client.submit('puppet', { input: 'a', key: 'k' });
    const again = await other.client.submit('puppet', { input: 'a', key: 'k' });
    expect(again.accepted).toEqual(first.accepted);
    expect(at.agent.jobs).toHaveLength(1);
    const wrong = client.submit('puppet', { input: 'b', key: 'k' });
    await expect(wrong).rejects.toMatchObject({ name: 'DuplicateKeyException', code: 'DUPLICATE_KEY' });
    at.agent.finish('once');
    expect(await first.result()).toMatchObject({ result: 'once' });
  });

  test('puts a streamed result together', async () => {
    const at = await stage(jvm, { query });
    const { client } = await at.enter();
    const job = await client.submit('streamer');
    expect(await job.result()).toMatchObject({ result_size: 6, result_id: expect.stringMatching(/^res_/) });
    expect(await job.ask('assembled')).toEqual({ complete: true, bytes: 6, text: 'abcdef' });
    const { unread } = await client.wire();
    expect(unread).toEqual([]);
  });

  test('leaves in its own way: its session is kept, its jobs run on, and it can come back', async () => {
    const at = await stage(jvm, { query });
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    const ticket = await client.ticket();
    await client.close();
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
    at.agent.emit(1);
    at.agent.finish('meanwhile');
    const back = await at.enter({ ...ticket, watching: [job.id] });
    expect(await at.view(job.id).ended()).toMatchObject({ complete: true, events: { length: 1 } });
    expect(await back.client.list()).toMatchObject({ jobs: [{ job_id: job.id, status: 'success' }] });
  });

  test('answers heartbeats, and lives', async () => {
    const at = await stage(jvm, { query, heartbeatSec: 1 });
    const { client } = await at.enter();
    expect(client.session.heartbeat_sec).toBe(1);
    await client.ask('heard', { type: 'session.ping', count: 3 });
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }]);
    const job = await client.submit('echo', { input: 'alive' });
    expect(await job.result()).toMatchObject({ result: 'alive' });
  });

  test('notices a dead cable by itself, and has its session back', async () => {
    const at = await stage(jvm, { query, heartbeatSec: 1 });
    const { client, cable } = await at.enter();
    const job = await client.submit('puppet');
    cable.pinch('toClient');
    at.agent.emit(2);
    await expect(job.result()).rejects.toMatchObject({ message: 'heartbeat lost' });
    const back = await at.enter({ ...(await client.ticket()), watching: [job.id] });
    expect(back.client.session.session_id).toBe(client.session.session_id);
    expect(await at.view(job.id).seen(2)).toHaveLength(2);
  });

  test('has thousands of events in order, however fast they are emitted', async () => {
    const at = await stage(jvm, { query });
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

  test('does not hang when the runtime shuts down; what it watched ends too', async () => {
    const at = await stage(jvm, { query });
    const [{ client }, other] = [await at.enter(), await at.enter()];
    const job = await client.submit('puppet');
    const view = await other.client.subscribe(job.id, 0);
    await other.client.list();
    await at.runtime.close();
    await expect(job.result()).rejects.toThrow();
    expect(await view.ended()).toHaveProperty('failed');
  });

  test('hears that its token is not known', async () => {
    const at = await stage(jvm, { query });
    await expect(at.enter({ token: 'tok-nobody' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('hears that its resume token is not known, or another principal’s', async () => {
    const at = await stage(jvm, { query });
    const { client, cable } = await at.enter();
    const unknown = at.enter({ resume_token: 'rt_unknown', last_event_seq: 0 });
    await expect(unknown).rejects.toMatchObject({ name: 'ResumeWindowExpiredException' });
    const ticket = await client.ticket();
    cable.cut();
    await expect(at.enter({ ...ticket, token: tokens.bob })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
