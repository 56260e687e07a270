// What a client does with the events of its jobs: each one once and in order, whenever it is read (§3, §6, §7).
import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../../src/clock.ts';
import { range, readAll, readSome, seqsOf, theatre } from './scripted.ts';

describe('exactly once', () => {
  test('events come in order with number, kind, time, body and job, and the iteration ends with the job', async () => {
    const { stage, job } = await theatre().running();
    stage.event('job_1', 1, { kind: 'progress', ts: '2026-01-01T00:00:00.000Z', body: { current: 1, total: 2 } });
    stage.event('job_1', 2, { kind: 'x-vendor.acme.mood', body: 'good' });
    stage.result('job_1', 3);
    expect(await readAll(job)).toEqual([
      { seq: 1, jobId: 'job_1', kind: 'progress', ts: '2026-01-01T00:00:00.000Z', body: { current: 1, total: 2 } },
      { seq: 2, jobId: 'job_1', kind: 'x-vendor.acme.mood', ts: 'now', body: 'good' },
    ]);
    expect(await job.result()).toEqual({ done: 3 });
  });

  test('an event that comes twice is given once', async () => {
    const { stage, job } = await theatre().running();
    stage.events('job_1', 1, 3);
    stage.events('job_1', 2, 5);
    stage.result('job_1', 6);
    stage.result('job_1', 6);
    expect(seqsOf(await readAll(job))).toEqual(range(1, 5));
  });

  test('a missing event breaks the connection, and the resume asks for what is after the last one seen', async () => {
    const place = theatre();
    const { stage, job } = await place.running();
    stage.events('job_1', 1, 2);
    stage.event('job_1', 4);
    expect(await stage.closed).toMatchObject({ code: 1000 });
    const again = await place.next();
    expect((await again.welcome()).payload.resume).toMatchObject({ last_event_seq: 2 });
    again.events('job_1', 3, 5);
    again.result('job_1', 6);
    expect(seqsOf(await readAll(job))).toEqual(range(1, 5));
    expect(place.states).toContainEqual({ state: 'waiting', reason: 'event 3 is missing before 4' });
  });

  test('frames of types and kinds this client does not know are passed over, and count', async () => {
    const { stage, job } = await theatre().running();
    stage.send('session.weather', { rain: true });
    stage.send('job.rumour', { about: 'job_1' }, { job_id: 'job_1', event_seq: 1 });
    stage.event('job_1', 2, { kind: 'brand_new', body: null });
    stage.result('job_1', 3);
    expect(await readAll(job)).toMatchObject([{ seq: 2, kind: 'brand_new', body: null }]);
  });

  test('events of two jobs share one counter and do not mix', async () => {
    const { client, stage, job } = await theatre().running();
    const submitting = client.submit('counter', { count: 1 });
    await stage.accept('job_2');
    const second = await submitting;
    stage.event('job_1', 1);
    stage.event('job_2', 2);
    stage.event('job_1', 3);
    stage.result('job_2', 4);
    stage.result('job_1', 5);
    expect(seqsOf(await readAll(job))).toEqual([1, 3]);
    expect(seqsOf(await readAll(second))).toEqual([2]);
  });

  test('a loop can be broken off and taken up again, and two at once are refused', async () => {
    const { stage, job } = await theatre().running();
    stage.events('job_1', 1, 4);
    stage.result('job_1', 5);
    expect(seqsOf(await readSome(job, 2))).toEqual([1, 2]);
    const reading = job[Symbol.asyncIterator]();
    expect(() => job[Symbol.asyncIterator]()).toThrow(TypeError);
    expect(await reading.next()).toMatchObject({ value: { seq: 3 } });
    await reading.return?.();
    expect(await reading.next()).toEqual({ done: true, value: undefined });
    expect(seqsOf(await readAll(job))).toEqual([4]);
  });

  test('a failed job ends its iteration, and its result throws the error with code and retryable', async () => {
    const { stage, job } = await theatre().running();
    stage.event('job_1', 1);
    stage.failure('job_1', 2, 'TIMEOUT');
    expect(seqsOf(await readAll(job))).toEqual([1]);
    await expect(job.result()).rejects.toMatchObject({ name: 'ArcpError', code: 'TIMEOUT', retryable: true });
  });

  test('an error code that is not the protocol’s is an INTERNAL_ERROR that keeps it', async () => {
    const { stage, job } = await theatre().running();
    stage.failure('job_1', 1, 'E_ODD');
    await expect(job.result()).rejects.toMatchObject({ code: 'INTERNAL_ERROR', details: { code: 'E_ODD' } });
  });
});

describe('reading late', () => {
  const small = { bufferEvents: 10 };

  test('what arrived before anybody read is there', async () => {
    const { client, stage, job } = await theatre().running();
    stage.events('job_1', 1, 500);
    stage.result('job_1', 501);
    await stage.delivered(client);
    expect(seqsOf(await readAll(job))).toEqual(range(1, 500));
  });

  test('with its buffer full a client takes and acknowledges no more, and fetches the rest once half is read', async () => {
    const place = theatre();
    const { client, stage, job } = await place.running(small);
    stage.events('job_1', 1, 25);
    stage.result('job_1', 26);
    await stage.delivered(client);
    expect(client.ticket.lastEventSeq).toBe(10);
    const reading = readAll(job);
    const again = await place.next();
    expect((await again.welcome()).payload.last_event_seq).toBe(10);
    again.events('job_1', 11, 25);
    again.result('job_1', 26);
    expect(seqsOf(await reading)).toEqual(range(1, 25));
    expect(place.states).toContainEqual({ state: 'waiting', reason: 'fetching what had no room' });
  });

  test('bytes fill the buffer as well as events', async () => {
    const { client, stage } = await theatre().running({ bufferBytes: 1000 });
    const body = { level: 'info', message: 'x'.repeat(600) };
    for (const seq of range(1, 4)) stage.event('job_1', seq, { body });
    await stage.delivered(client);
    expect(client.ticket.lastEventSeq).toBe(2);
  });

  test('whoever waits for the result alone gets it, however many events nobody reads', async () => {
    const { stage, job } = await theatre().running(small);
    const result = job.result();
    stage.events('job_1', 1, 25);
    stage.result('job_1', 26);
    expect(await result).toEqual({ done: 26 });
    await expect(readAll(job)).rejects.toThrow(/bufferEvents/);
  });

  test('asking for the result lets nothing go while there is room', async () => {
    const { client, stage, job } = await theatre().running();
    stage.events('job_1', 1, 5);
    await stage.delivered(client);
    const result = job.result();
    stage.result('job_1', 6);
    expect(await result).toEqual({ done: 6 });
    expect(seqsOf(await readAll(job))).toEqual(range(1, 5));
  });

  test('asking for the result of a job whose events filled the buffer lets them go', async () => {
    const place = theatre();
    const { client, stage, job } = await place.running(small);
    stage.events('job_1', 1, 25);
    await stage.delivered(client);
    const result = job.result();
    const again = await place.next();
    await again.welcome();
    again.events('job_1', 11, 25);
    again.result('job_1', 26);
    expect(await result).toEqual({ done: 26 });
  });

  test('a job nobody asked for does not stand in the way of the others', async () => {
    const { stage, job } = await theatre().running(small);
    stage.events('job_stranger', 1, 30);
    stage.event('job_1', 31);
    stage.result('job_1', 32);
    expect(seqsOf(await readAll(job))).toEqual([31]);
  });
});

describe('acks (§6.5)', () => {
  test('a few events share one ack, sent a moment after the first of them', async () => {
    const clock = simulatedClock();
    const { client, stage } = await theatre().running({ clock });
    stage.events('job_1', 1, 5);
    await stage.delivered(client);
    clock.advance(100);
    expect((await stage.next('session.ack')).payload).toEqual({ last_processed_seq: 5 });
  });

  test('many events are acknowledged without waiting for the clock', async () => {
    const { stage } = await theatre().running({ clock: simulatedClock() });
    stage.events('job_1', 1, 600);
    expect((await stage.next('session.ack')).payload).toEqual({ last_processed_seq: 256 });
    expect((await stage.next('session.ack')).payload).toEqual({ last_processed_seq: 512 });
  });

  test('a client that opted out of acks sends none', async () => {
    const clock = simulatedClock();
    const welcome = { capabilities: { encodings: ['json'], features: ['progress'], agents: [] } };
    const { client, stage } = await theatre().running({ clock, features: ['progress'] }, welcome);
    stage.events('job_1', 1, 600);
    clock.advance(1000);
    const closing = client.close();
    stage.answer(await stage.next('session.close'), 'session.closed');
    await closing;
    expect(stage.frames.filter(({ type }) => type === 'session.ack')).toEqual([]);
  });
});

describe('streamed results (§7)', () => {
  const chunk = (seq: number, data: string, more: boolean, encoding = 'utf8') =>
    ({ kind: 'result_chunk', body: { result_id: 'res_1', chunk_seq: seq, data, encoding, more } }) as const;

  test('utf8 chunks become one string, and are events too', async () => {
    const { stage, job } = await theatre().running();
    stage.event('job_1', 1, chunk(0, 'Grüße, ', true));
    stage.event('job_1', 2, chunk(1, 'Welt', false));
    stage.result('job_1', 3, { result_id: 'res_1', result_size: 13 });
    expect(await job.result()).toBe('Grüße, Welt');
    expect(await readAll(job)).toMatchObject([{ kind: 'result_chunk' }, { kind: 'result_chunk' }]);
  });

  test('base64 chunks become bytes', async () => {
    const { stage, job } = await theatre().running();
    stage.event('job_1', 1, chunk(0, 'AAEC', true, 'base64'));
    stage.event('job_1', 2, chunk(1, '/w==', false, 'base64'));
    stage.result('job_1', 3, { result_id: 'res_1', result_size: 4 });
    expect(await job.result()).toEqual(new Uint8Array([0, 1, 2, 255]));
  });

  test('chunks survive a drop between them', async () => {
    const place = theatre();
    const { stage, job } = await place.running();
    stage.event('job_1', 1, chunk(0, 'one ', true));
    await readSome(job, 1);
    stage.drop();
    const again = await place.next();
    await again.welcome();
    again.event('job_1', 1, chunk(0, 'one ', true));
    again.event('job_1', 2, chunk(1, 'two', false));
    again.result('job_1', 3, { result_id: 'res_1', result_size: 7 });
    expect(await job.result()).toBe('one two');
  });

  test('a result that is not whole is an error, not a part of it', async () => {
    const wrongs: [object[], object, RegExp][] = [
      [[chunk(0, 'a', true)], {}, /last chunk is missing/],
      [[chunk(1, 'b', false)], {}, /chunk 0 is missing/],
      [[], {}, /none of its chunks/],
      [[chunk(0, 'abc', false)], { result_size: 4 }, /3 bytes came of 4/],
    ];
    for (const [chunks, payload, problem] of wrongs) {
      const { stage, job } = await theatre().running();
      for (const [index, content] of chunks.entries()) stage.event('job_1', index + 1, content);
      stage.result('job_1', chunks.length + 1, { result_id: 'res_1', ...payload });
      await expect(job.result()).rejects.toThrow(problem);
      await expect(job.result()).rejects.toMatchObject({ code: 'INTERNAL_ERROR', details: { result_id: 'res_1' } });
    }
  });
});
