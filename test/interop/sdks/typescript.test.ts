// §10: the client of the TypeScript SDK itself, unmodified, in a process of its own. docs/interop.md says what it is made from.
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { tokens } from '../../support/runtime.ts';
import { checkoutFrom } from './checkout.ts';
import { stage, unread } from './typescript/stage.ts';

const checkout = checkoutFrom('ARCP_TYPESCRIPT_SDK');
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const messages = (events: { body?: unknown }[]) => events.map(({ body }) => Object(body).message);

describe.skipIf(checkout === '')('§10 the client of the TypeScript SDK itself', () => {
  test('connects, submits, and reads every event and the result', async () => {
    const { client, sdk } = await stage(checkout);
    expect(client.welcome).toMatchObject({
      resume_token: expect.stringMatching(/^rt_/),
      resume_window_sec: 600,
      heartbeat_interval_sec: 30,
      capabilities: { agents: expect.arrayContaining([{ name: 'talker', versions: ['2.1.0'], default: '2.1.0' }]) },
    });
    expect(client.features).toHaveLength(10);
    const job = await client.submit('talker', { input: {}, traceId: trace });
    expect(job.accepted).toMatchObject({ agent: 'talker@2.1.0', traceId: trace, lease: {} });
    expect((await job.done()).result).toEqual({ final_status: 'success', result: { said: 8 } });
    expect(await job.events()).toEqual([
      ['log', { level: 'info', message: 'hello' }],
      ['thought', { text: 'let me see' }],
      ['status', { phase: 'working' }],
      ['status', { phase: 'still working' }],
      ['progress', { current: 1.5, total: 2.5, units: 'files' }],
      ['metric', { name: 'cost.usd', value: 0.1, unit: 'USD' }],
      ['artifact_ref', { uri: 'file:///x', content_type: 'text/plain' }],
      ['x-vendor.test.note', { anything: null }],
    ]);
    expect(client.seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await client.seen()).toMatchObject({ phase: 'accepted', seq: 9, broken: false });
    expect(unread(sdk)).toEqual([]);
  });

  test('has each event of a job as it is emitted', async () => {
    const { client, agent, sdk } = await stage(checkout);
    const job = await client.submit('puppet');
    agent.emit(2);
    expect(messages(await client.events(job.id, 2))).toEqual(['event 1', 'event 2']);
    agent.job.progress({ current: 3, total: 4 });
    expect((await client.events(job.id, 3)).at(-1)).toEqual({ kind: 'progress', body: { current: 3, total: 4 } });
    agent.finish('well');
    expect((await job.done()).result).toMatchObject({ result: 'well' });
    expect(unread(sdk)).toEqual([]);
  });

  test('has many submits under way, and takes each answer for its own', async () => {
    const { client, sdk } = await stage(checkout);
    const inputs = ['a', 'b', 'c', 'd', 'e'];
    const jobs = await Promise.all(inputs.map((input) => client.submit('echo', { input })));
    const ends = await Promise.all(jobs.map((job) => job.done()));
    expect(ends.map(({ result }) => result?.result)).toEqual(inputs);
    expect(unread(sdk)).toEqual([]);
  });

  test('loses its cable in the middle, resumes, and has every event once', async () => {
    const { client, enter, agent, sdk } = await stage(checkout);
    const job = await client.submit('puppet');
    agent.emit(3);
    await client.events(job.id, 3);
    client.cable.cut();
    await client.lost();
    agent.emit(4);
    const back = await enter({ resume: await client.ticket() });
    expect(await back.seen()).toMatchObject({ session_id: (await client.seen()).session_id });
    expect(back.welcome.resume_token).not.toBe(client.welcome.resume_token);
    agent.finish('done');
    expect(await back.ended(job.id)).toMatchObject({ ended: 'job.result', result: { result: 'done' } });
    expect(messages(await back.events(job.id, 4))).toEqual(['event 1', 'event 2', 'event 3', 'event 4']);
    expect([...client.seqs, ...back.seqs]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await back.seen()).toMatchObject({ seq: 8, broken: false });
    expect(unread(sdk)).toEqual([]);
  });

  test('closes its transport without a goodbye, resumes from the start, and is given the same frames again', async () => {
    const { client, enter, runtime } = await stage(checkout);
    const ticket = await client.ticket();
    const job = await client.submit('talker');
    await job.done();
    await client.call('drop');
    const back = await enter({ resume: ticket });
    await back.ended(job.id);
    const numbered = ({ frames }: typeof client) => frames.filter(({ event_seq }) => event_seq !== undefined);
    expect(numbered(back)).toEqual(numbered(client));
    expect(numbered(back)).toHaveLength(9);
    expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
  });

  test('takes its session over while the old connection is still there', async () => {
    const { client, enter, agent, runtime } = await stage(checkout);
    const job = await client.submit('puppet');
    agent.emit(1);
    await client.events(job.id, 1);
    const back = await enter({ resume: await client.ticket() });
    await client.lost();
    agent.emit(1);
    expect(messages(await back.events(job.id, 1))).toEqual(['event 1']);
    expect(runtime.sessions()).toHaveLength(1);
    expect([...client.seqs, ...back.seqs]).toEqual([1, 2]);
  });

  test('has a handle of its job again, after a resume, by the same key, and may cancel it', async () => {
    const { client, enter, agent } = await stage(checkout);
    const job = await client.submit('puppet', { idempotencyKey: 'k' });
    client.cable.cut();
    await client.lost();
    const back = await enter({ resume: await client.ticket() });
    const again = await back.submit('puppet', { idempotencyKey: 'k' });
    expect(again.id).toBe(job.id);
    await back.call('cancel', { jobId: again.id });
    await aborted(agent.job.signal);
    agent.fail(new Error('stopped'));
    expect(await again.done()).toMatchObject({ ended: 'error', error: { code: 'CANCELLED', retryable: false } });
  });

  test('acknowledges by itself what it has had, and cannot have it again', async () => {
    const { enter, agent } = await stage(checkout);
    const client = await enter({ autoAck: { intervalMs: 1, minSeqDelta: 1 } });
    const ticket = await client.ticket();
    const job = await client.submit('puppet');
    agent.emit(3);
    await client.events(job.id, 3);
    // Requests of one connection are answered in order: the acknowledgement has come in.
    await client.list();
    client.cable.cut();
    const wanted = enter({ resume: ticket });
    await expect(wanted).rejects.toMatchObject({ code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'trimmed' } });
    const back = await enter({ resume: { ...ticket, last_event_seq: 3 } });
    agent.finish();
    expect(await back.ended(job.id)).toMatchObject({ ended: 'job.result' });
  });

  test('hears that its token is not known', async () => {
    const { enter } = await stage(checkout);
    await expect(enter({ token: 'tok-nobody' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
  });

  test('hears that its resume token is not known, or another principal’s', async () => {
    const { client, enter } = await stage(checkout);
    const ticket = await client.ticket();
    const unknown = enter({ resume: { ...ticket, resume_token: 'rt_unknown' } });
    await expect(unknown).rejects.toMatchObject({ code: 'RESUME_WINDOW_EXPIRED' });
    const stolen = enter({ resume: ticket, token: tokens.bob });
    await expect(stolen).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await client.list()).toMatchObject({ jobs: [] });
  });

  test('answers heartbeats, and is not given up', async () => {
    const { client, runtime, sdk } = await stage(checkout, { heartbeatSec: 0.2 });
    expect(client.welcome.heartbeat_interval_sec).toBe(1);
    await client.heardFrame(() => client.frames.filter(({ type }) => type === 'session.ping').length >= 4);
    expect(runtime.sessions()).toMatchObject([{ state: 'live' }]);
    expect(unread(sdk)).toEqual([]);
  });

  test('notices a cable through which nothing comes, and comes back over another', async () => {
    const { client, enter, agent } = await stage(checkout, { heartbeatSec: 1 });
    const job = await client.submit('puppet');
    client.cable.pinch('toClient');
    expect((await client.lost()).lost).toMatch(/HeartbeatLostError/);
    agent.emit(2);
    const back = await enter({ resume: await client.ticket() });
    expect(await back.events(job.id, 2)).toHaveLength(2);
  });

  test('leaves in its own way: its session and its jobs end', async () => {
    const { client, agent, runtime } = await stage(checkout);
    const job = await client.submit('puppet');
    const { signal } = agent.job;
    await client.call('close', { reason: 'enough' });
    await aborted(signal);
    agent.fail(new Error('stopped'));
    expect(await job.done()).toMatchObject({ ended: 'error', error: { code: 'CANCELLED' } });
    expect(runtime.sessions().filter(({ state }) => state !== 'closed')).toEqual([]);
  });

  test('leaves in its own way, and its jobs run on where the runtime keeps them', async () => {
    const { client, enter, agent } = await stage(checkout, { onBye: 'keep' });
    const job = await client.submit('puppet');
    await client.call('close');
    const next = await enter();
    expect(await next.list({ status: ['running'] })).toMatchObject({ jobs: [{ job_id: job.id }] });
    agent.finish('meanwhile');
    await next.call('subscribe', { jobId: job.id, options: { history: true } }, 'watch');
    expect(await next.ended(job.id)).toMatchObject({ result: { result: 'meanwhile' } });
  });

  test('hears that the runtime goes', async () => {
    const { client, runtime } = await stage(checkout);
    await runtime.close();
    await client.lost();
    expect(client.frames.at(-1)).toMatchObject({ type: 'session.bye', payload: { reason: 'shutdown' } });
  });
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
