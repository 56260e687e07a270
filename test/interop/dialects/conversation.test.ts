// §10: a whole conversation as the client of each official SDK would have it, over a real WebSocket.
import { describe, expect, test } from 'vitest';
import { SdkError } from './sdk-client.ts';
import { sdks } from './sdks.ts';
import { assembled, stage } from './stage.ts';

/** Those whose clients end everything under way with any `session.error`: nothing a runtime says can help that. */
const failAllAtOnce = ['csharp', 'python'];
/** Those whose clients cannot ask for a session back. */
const neverResume = ['csharp', 'fsharp'];
/** Those whose clients wait in vain for the acceptance of a job that they have already: another session is answered. */
const hasOnceOnly = ['go'];
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
/** Those whose clients cannot read an envelope with a whole traceparent. */
const wantBareTraces = ['typescript', 'ruby', 'python'];

describe.each(Object.keys(sdks))('§10 the client of the %s SDK', (sdk) => {
  // proves P10.06, P10.07, P10.08, P10.09, P10.10
  test('connects, submits, and reads every event and the result', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const job = await client.submit('talker', { input: {} }, trace);
    expect(await job.done).toEqual({ said: 8 });
    const kinds = ['log', 'thought', 'status', 'status', 'progress', 'metric', 'artifact_ref', 'x-vendor.test.note'];
    expect(job.events.map(({ kind }) => kind)).toEqual(kinds);
    expect(job.accepted).toMatchObject({ trace_id: trace, payload: { agent: 'talker@2.1.0', trace_id: trace } });
    expect(client.unread).toEqual([]);
    expect(client.lastSeq).toBe(9);
  });

  test('can read the frames of a job whose trace is a whole traceparent', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const job = await client.submit('talker', {}, traceparent);
    expect(await job.done).toEqual({ said: 8 });
    const told = wantBareTraces.includes(sdk) ? trace : traceparent;
    expect(new Set(client.frames.slice(1).map((frame) => frame.trace_id))).toEqual(new Set([told]));
    expect(job.accepted.payload.trace_id).toBe(traceparent);
    expect(client.unread).toEqual([]);
  });

  // proves P10.04
  test('has many submits under way, and takes each answer for its own', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const inputs = ['a', 'b', 'c', 'd', 'e'];
    const jobs = await Promise.all(inputs.map((input) => client.submit('echo', { input })));
    expect(await Promise.all(jobs.map((job) => job.done))).toEqual(inputs);
    expect(client.unread).toEqual([]);
  });

  test('is granted a lease and a budget, and reads what its job may not do', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const lease = { 'fs.read': ['/data/**'], 'tool.call': ['read'], 'cost.budget': ['USD:1.50'] };
    const expires = { lease_constraints: { expires_at: '2099-01-01T00:00:00Z' } };
    const job = await client.submit('spender', { lease_request: lease, ...expires });
    expect(job.accepted.payload).toMatchObject({ lease, ...expires });
    await job.done;
    const told = job.events.map(({ kind, body }) => [kind, Object(Object(body).error).code]);
    expect(told).toContainEqual(['tool_result', 'PERMISSION_DENIED']);
    expect(client.unread).toEqual([]);
  });

  test('takes no acceptance of a delegated job for that of its next submit', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const first = client.submit('boss', { lease_request: { 'agent.delegate': ['echo'] } });
    const second = client.submit('echo', { input: 'my own' });
    expect(await (await first).done).toBe('from the boss');
    expect(await (await second).done).toBe('my own');
    const [delegated] = (await first).events;
    expect(delegated).toMatchObject({ kind: 'delegate', body: { agent: 'echo' } });
    expect(client.unread).toEqual([]);
  });

  test('puts a streamed result together', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const job = await client.submit('streamer');
    await job.done;
    expect(assembled(job.events)).toBe('abcdef');
    expect(client.frames.at(-1)).toMatchObject({ type: 'job.result', payload: { result_size: 6 } });
    expect(client.unread).toEqual([]);
  });

  test('cancels a job, and hears that it was cancelled', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const job = await client.submit('puppet');
    client.cancel(job.id);
    await client.heard((frame) => frame.type === 'job.cancelled');
    at.agent.fail(new Error('stopped'));
    await expect(job.done).rejects.toMatchObject({ code: 'CANCELLED' });
    const next = await client.submit('echo', { input: 'still served' });
    expect(await next.done).toBe('still served');
    expect(client.unread).toEqual([]);
  });

  // proves P10.03
  test('asks twice with one key and gets one job; with other parameters it is told which job there is', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const submit = (input: string, by = client) => by.submit('puppet', { input, idempotency_key: 'k' });
    const other = hasOnceOnly.includes(sdk) ? await at.enter() : client;
    const [first, again] = [await submit('a'), await submit('a', other)];
    expect(again.id).toBe(first.id);
    expect(at.agent.jobs).toHaveLength(1);
    const changed = submit('b');
    await expect(changed).rejects.toBeInstanceOf(SdkError);
    await expect(changed).rejects.toMatchObject({ code: 'DUPLICATE_KEY', details: { existing_job_id: first.id } });
    expect(client.unread).toEqual([]);
  });

  // proves P10.03, P10.08
  test('hears that a submit was refused', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    await expect(client.submit('nobody')).rejects.toMatchObject({ code: 'AGENT_NOT_AVAILABLE' });
    const job = await client.submit('echo', { input: 1 });
    expect(await job.done).toBe(1);
    expect(client.unread).toEqual([]);
  });

  test.skipIf(failAllAtOnce.includes(sdk))(
    'goes on with its running jobs when a submit or a cancel is refused',
    async () => {
      const at = await stage(sdk);
      const client = await at.enter();
      const running = await client.submit('puppet');
      await expect(client.submit('nobody')).rejects.toMatchObject({ code: 'AGENT_NOT_AVAILABLE' });
      const over = await client.submit('echo', { input: 'over' });
      await over.done;
      client.cancel(over.id);
      await client.heard(({ payload }) => payload.code === 'JOB_NOT_FOUND');
      at.agent.emit(2);
      at.agent.finish('well');
      expect(await running.done).toBe('well');
      expect(running.events).toHaveLength(2);
    },
  );

  test('fails, and does not hang, when its token is not known', async () => {
    const at = await stage(sdk, { authenticate: () => null });
    const client = await at.dial();
    await expect(client.connect()).rejects.toThrow();
  });

  test('fails, and does not hang, when there is no room for another session', async () => {
    const at = await stage(sdk, { maxSessionsPerPrincipal: 1, handshakeTimeoutSec: 3600 });
    await at.enter();
    const client = await at.dial();
    await expect(client.connect()).rejects.toThrow();
  });

  test.skipIf(neverResume.includes(sdk))('drops in the middle, resumes, and has every event once', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    await client.submit('puppet');
    at.agent.emit(3);
    await client.heard((frame) => frame.event_seq === 3);
    client.drop();
    await client.closed;
    at.agent.emit(4);
    const back = await at.enter(client.ticket);
    expect(back.welcome?.session_id).toBe(client.welcome?.session_id);
    at.agent.finish('done');
    await back.heard((frame) => frame.type === 'job.result');
    const seqs = [...client.frames, ...back.frames].flatMap((frame) => frame.event_seq ?? []);
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(back.unread).toEqual([]);
  });

  test.skipIf(neverResume.includes(sdk))('is given the same bytes again', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    const { ticket } = client;
    const job = await client.submit('talker');
    await job.done;
    client.drop();
    await client.closed;
    const back = await at.enter(ticket);
    await back.heard((frame) => frame.type === 'job.result');
    const numbered = ({ texts }: { texts: string[] }) => texts.filter((text) => text.includes('"event_seq"'));
    expect(numbered(back)).toEqual(numbered(client));
    expect(numbered(back)).toHaveLength(9);
  });

  // proves P10.04
  test('has a frame from us each heartbeat interval, however much it says itself', async () => {
    const at = await stage(sdk, { heartbeatSec: 0.2 });
    const client = await at.enter();
    expect(client.welcome?.payload.heartbeat_interval_sec).toBe(1);
    const isPing = (count: number) => () =>
      client.frames.filter((frame) => frame.type === 'session.ping').length >= count;
    client.send('session.ack', { last_processed_seq: 0 });
    await client.heard(isPing(1));
    client.send('session.ack', { last_processed_seq: 0 });
    await client.heard(isPing(3));
    expect(client.unread).toEqual([]);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }]);
  });

  test('leaves in its own way, and is answered', async () => {
    const at = await stage(sdk);
    const client = await at.enter();
    client.close();
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(client.frames.at(-1)).toMatchObject({ type: 'session.closed' });
    const isBye = ['typescript', 'ruby', 'csharp'].includes(sdk);
    expect(at.runtime.sessions().map(({ state }) => state)).toEqual(isBye ? [] : ['detached']);
  });
});
