// §10: how the client of the Java SDK itself loses its session's connection, and has its session back (docs/interop.md).
import { describe, expect, test } from 'vitest';
import { keptStore } from '../../support/kept.ts';
import { tokens } from '../../support/runtime.ts';
import { aborted } from './java/clients.ts';
import { javaSuite } from './java/suite.ts';

const java = javaSuite();

describe.skipIf(java.isAbsent).each(java.queries)('§10 the client of the Java SDK itself %s', (query) => {
  test('loses its cable in the middle, resumes, and has every event once', async () => {
    const at = await java.stage(query);
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
    const at = await java.stage(query);
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
    const at = await java.stage(query);
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

  test('leaves in its own way: its session is kept, its jobs run on, and it can come back', async () => {
    const at = await java.stage(query);
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

  test('notices a dead cable by itself, and has its session back', async () => {
    const at = await java.stage(query, { heartbeatSec: 1 });
    const { client, cable } = await at.enter();
    const job = await client.submit('puppet');
    cable.pinch('toClient');
    at.agent.emit(2);
    await expect(job.result()).rejects.toMatchObject({ message: 'heartbeat lost' });
    const back = await at.enter({ ...(await client.ticket()), watching: [job.id] });
    expect(back.client.session.session_id).toBe(client.session.session_id);
    expect(await at.view(job.id).seen(2)).toHaveLength(2);
  });

  test('does not hang when the runtime shuts down; what it watched ends too', async () => {
    const at = await java.stage(query);
    const [{ client }, other] = [await at.enter(), await at.enter()];
    const job = await client.submit('puppet');
    const view = await other.client.subscribe(job.id, 0);
    await other.client.list();
    await at.runtime.close();
    await expect(job.result()).rejects.toThrow();
    expect(await view.ended()).toHaveProperty('failed');
  });

  test('hears that its resume token is not known, or another principal’s', async () => {
    const at = await java.stage(query);
    const { client, cable } = await at.enter();
    const unknown = at.enter({ resume_token: 'rt_unknown', last_event_seq: 0 });
    await expect(unknown).rejects.toMatchObject({ name: 'ResumeWindowExpiredException' });
    const ticket = await client.ticket();
    cable.cut();
    await expect(at.enter({ ...ticket, token: tokens.bob })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  test('is given a session over that another client has: the newer one goes on with it', async () => {
    const at = await java.stage(query);
    const { client } = await at.enter();
    const job = await client.submit('puppet');
    const back = await at.enter({ ...(await client.ticket()), watching: [job.id] });
    await expect(job.result()).rejects.toThrow();
    at.agent.emit(1);
    at.agent.finish('well');
    expect(await at.view(job.id).ended()).toMatchObject({ complete: true, events: { length: 1 } });
    expect((await back.client.wire()).seqs).toEqual([1, 2]);
  });

  test('hears that what it has acknowledged is no longer kept', async () => {
    const at = await java.stage(query);
    const { client, cable } = await at.enter({ ack: 'by hand' });
    const job = await client.submit('puppet');
    at.agent.emit(3);
    await (await job.events()).seen(3);
    await client.ask('ack', { seq: 2 });
    // Requests of one connection are handled in order: the acknowledgement is in.
    await client.list();
    cable.cut();
    await expect(job.result()).rejects.toThrow();
    const { resume_token } = client.session;
    const tooEarly = at.enter({ resume_token, last_event_seq: 1 });
    await expect(tooEarly).rejects.toMatchObject({ name: 'ResumeWindowExpiredException' });
    const back = await at.enter({ resume_token, last_event_seq: 2 });
    await back.client.list();
    expect((await back.client.wire()).seqs).toEqual([3]);
  });

  test('comes back to the next process of the runtime, over a store that outlives it', async () => {
    const store = keptStore();
    const first = await java.stage(query, { store });
    const { client } = await first.enter();
    const job = await client.submit('puppet');
    first.agent.emit(3);
    first.agent.finish('before');
    await job.result();
    await first.runtime.close();
    const next = await java.stage(query, { store: store.reopened() });
    const { resume_token } = client.session;
    const back = await next.enter({ resume_token, last_event_seq: 1, watching: [job.id] });
    expect(back.client.session.session_id).toBe(client.session.session_id);
    expect(await next.view(job.id).ended()).toMatchObject({ complete: true, events: { length: 2 } });
    expect((await back.client.wire()).seqs).toEqual([2, 3, 4]);
    expect(await back.client.list()).toMatchObject({ jobs: [{ job_id: job.id, status: 'success' }] });
  });
});
