// §10: the client of the TypeScript SDK itself, unmodified: what it can be put through (docs/interop.md).
import { describe, expect, test } from 'vitest';
import { keptStore } from '../../support/kept.ts';
import { tokens } from '../../support/runtime.ts';
import { checkoutFrom } from './checkout.ts';
import { type SdkClient, stage, unread } from './typescript/stage.ts';

const checkout = checkoutFrom('ARCP_TYPESCRIPT_SDK');
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe.skipIf(checkout === '')('§10 the client of the TypeScript SDK itself', () => {
  test('is cut off ten times while its job goes on, and misses nothing', async () => {
    const { client, enter, agent, sdk } = await stage(checkout);
    await client.submit('puppet');
    const clients: SdkClient[] = [client];
    for (const _drop of range(1, 10)) {
      const last = clients.at(-1) ?? client;
      agent.emit(200);
      await last.heardFrame(({ event_seq }) => event_seq !== undefined);
      last.cable.cut();
      await last.lost();
      const entering = enter({ resume: await last.ticket() });
      agent.emit(200);
      clients.push(await entering);
    }
    agent.finish();
    await clients.at(-1)?.heardFrame(({ type }) => type === 'job.result');
    const seqs = clients.flatMap((one) => one.seqs);
    expect(seqs).toEqual(range(1, seqs.length));
    const logs = clients.flatMap(({ frames }) => frames.filter(({ payload }) => payload.kind === 'log'));
    expect(logs).toHaveLength(10 * 400);
    for (const one of clients) expect(await one.seen()).toMatchObject({ broken: false });
    expect(unread(sdk)).toEqual([]);
  });

  test('is given five thousand events at once, and keeps up with acknowledgements of its own', async () => {
    const { enter, agent, sdk } = await stage(checkout);
    const client = await enter({ autoAck: true });
    const job = await client.submit('puppet');
    agent.emit(5000);
    agent.finish();
    const logged = (await job.events()).flatMap(([kind, body]) => (kind === 'log' ? [Object(body).message] : []));
    expect(logged).toEqual(range(1, 5000).map((n) => `event ${n}`));
    expect(client.seqs).toEqual(range(1, client.seqs.length));
    expect(await client.seen()).toMatchObject({ broken: false });
    expect(unread(sdk)).toEqual([]);
  });

  test('hears why it cannot come back', async () => {
    const { client, enter, agent } = await stage(checkout);
    const job = await client.submit('puppet');
    agent.emit(10);
    await client.events(job.id, 10);
    await client.call('ack', { seq: 5 });
    // Requests of one connection are handled in order: the acknowledgement is in.
    await client.list();
    const good = await client.ticket();
    const code = 'RESUME_WINDOW_EXPIRED';
    const back = (ticket: object, more: object = {}) => enter({ resume: { ...good, ...ticket }, ...more });
    await expect(back({ last_event_seq: 0 })).rejects.toMatchObject({ code, details: { reason: 'trimmed' } });
    await expect(back({ last_event_seq: 11 })).rejects.toMatchObject({ code, details: { reason: 'ahead' } });
    await expect(back({ resume_token: 'rt_no' })).rejects.toMatchObject({ code, details: { reason: 'unknown' } });
    const thief = { token: tokens.bob };
    await expect(back({}, thief)).rejects.toMatchObject({ code: 'PERMISSION_DENIED', retryable: false });
    await expect(back({ session_id: 'sess_x' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    // None of this has cost the session anything.
    const welcomed = await back({ last_event_seq: 5 });
    await welcomed.heardFrame(({ event_seq }) => event_seq === 10);
    expect(welcomed.seqs).toEqual(range(6, 10));
  });

  test('comes too late to come back', async () => {
    const { client, enter, runtime } = await stage(checkout, { resumeWindowSec: 0.05 });
    const ticket = await client.ticket();
    client.cable.cut();
    await expect.poll(() => runtime.sessions(), { timeout: 20_000 }).toEqual([]);
    await expect(enter({ resume: ticket })).rejects.toMatchObject({ code: 'RESUME_WINDOW_EXPIRED' });
  });

  test('is sent away by a runtime that is shut down, and comes back to the next one over the same store', async () => {
    const store = keptStore();
    const first = await stage(checkout, { store, drainSec: 0.1 });
    const { client, agent } = first;
    const job = await client.submit('puppet', { idempotencyKey: 'k' });
    agent.emit(3);
    await client.events(job.id, 3);
    await first.runtime.close();
    await client.lost();
    const next = await stage(checkout, { store: store.reopened() });
    const back = await next.enter({ resume: await client.ticket() });
    expect(await back.seen()).toMatchObject({ session_id: (await client.seen()).session_id });
    const failed = { ended: 'job.error', result: { code: 'INTERNAL_ERROR', retryable: true } };
    expect(await back.ended(job.id)).toMatchObject(failed);
    expect(back.seqs).toEqual([4]);
    expect((await back.submit('puppet', { idempotencyKey: 'k' })).id).toBe(job.id);
    expect(await back.list()).toMatchObject({ jobs: [{ job_id: job.id, status: 'error' }] });
    expect([...unread(first.sdk), ...unread(next.sdk)]).toEqual([]);
  });

  test('can read the frames of a job whose trace another client gave as a whole traceparent', async () => {
    const { client, open, agent, sdk } = await stage(checkout);
    const peer = await open();
    await peer.hello(tokens.alice);
    const submit = peer.ask('job.submit', { agent: 'puppet' }, { trace_id: `00-${trace}-00f067aa0ba902b7-01` });
    const { job_id: jobId } = (await submit).payload;
    await client.call('subscribe', { jobId }, 'watch');
    agent.emit(1);
    agent.finish();
    await client.ended(jobId);
    expect(await client.events(jobId, 1)).toHaveLength(1);
    expect(new Set(client.frames.map(({ trace_id }) => trace_id))).toEqual(new Set([undefined, trace]));
    expect(unread(sdk)).toEqual([]);
  });
});
