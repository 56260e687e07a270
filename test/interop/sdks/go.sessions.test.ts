// §10: sessions of the client of the Go SDK itself, unmodified: drops, listing, watching, leaving.
import { describe, expect, test } from 'vitest';
import { tokens } from '../../support/runtime.ts';
import { checkoutFrom } from './checkout.ts';
import { built } from './go/build.ts';
import { range, scene, seqs } from './go/scene.ts';

const checkout = checkoutFrom('ARCP_GO_SDK');
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

const program = built(checkout);

describe.skipIf(checkout === '').each(['', '?dialect=go'])('§10 the client of the Go SDK itself %s', (query) => {
  const entered = (options: Parameters<typeof scene>[1] = {}) => scene(program(), { query, ...options });

  test('reads what the runtime can, and what agents it has', async () => {
    const at = await entered({ heartbeatSec: 7, resumeWindowSec: 60 });
    const { session_id: id, features, welcome } = await at.enter('other');
    expect(id).toMatch(/^sess_/);
    expect(features).toHaveLength(10);
    expect(welcome).toMatchObject({
      runtime: { name: 'arcp-xstate' },
      resume_token: expect.stringMatching(/^rt_/),
      resume_window_sec: 60,
      heartbeat_interval_sec: 7,
      capabilities: {
        agents: expect.arrayContaining([{ name: 'talker', versions: ['2.1.0'], default: '2.1.0' }]),
      },
    });
    const { features: few } = await at.enter('modest', { Features: ['ack', 'nonsense'] });
    expect(few).toEqual(['ack']);
  });

  test('is cut off in the middle, comes back, and is given every event once; its job did not notice', async () => {
    const at = await entered();
    const cable = await at.cable();
    await at.enter('cut', { over: cable });
    const { job_id: jobId } = await at.submit('job', { Agent: 'puppet' }, 'cut');
    at.agent.emit(3);
    await at.go.heard(({ frame }) => frame?.event_seq === 3);
    cable.cut();
    expect(await at.go.ended('job')).toMatchObject({ error: { other: expect.any(String) } });
    at.agent.emit(4);
    const Resume = await at.ticket('cut');
    const welcome = await at.enter('back', { Resume });
    expect(welcome.session_id).toBe(Resume.session_id);
    expect(welcome.welcome.resume_token).not.toBe(Resume.resume_token);
    await at.go.heard(({ of, frame }) => of === 'back' && frame?.event_seq === 7);
    // It has no handle for a job of before: a watch shows what comes.
    await at.subscribe('watch', jobId, { on: 'back' });
    at.agent.emit(2);
    at.agent.finish('well');
    expect(await at.go.ended('watch')).toMatchObject({ ended: 'well' });
    expect(at.go.events('watch')).toHaveLength(2);
    expect(seqs([...at.go.frames('cut'), ...at.go.frames('back')])).toEqual(range(1, 10));
    await cable.end();
  });

  test('has its job in hand again by a submit with the same key', async () => {
    const at = await entered();
    const cable = await at.cable();
    await at.enter('cut', { over: cable });
    const args = { Agent: 'puppet', IdempotencyKey: 'k' };
    const accepted = await at.submit('job', args, 'cut');
    cable.cut();
    await at.go.ended('job');
    await at.enter('back', { Resume: await at.ticket('cut') });
    expect(await at.submit('again', args, 'back')).toEqual(accepted);
    at.agent.emit(2);
    await at.go.heard(() => at.go.events('again').length === 2);
    await at.go.call('cancel', { on: 'again' });
    expect(await at.go.ended('again')).toMatchObject({ error: { code: 'CANCELLED' } });
    expect(at.agent.jobs).toHaveLength(1);
    await cable.end();
  });

  test('is cut off ten times while its job goes on, and misses nothing', async () => {
    const at = await entered();
    const clients = range(0, 10).map((drops) => `after drop ${drops}`);
    let Resume: object | undefined;
    for (const as of clients) {
      const cable = await at.cable();
      const entering = at.enter(as, { over: cable, ...(Resume ? { Resume } : {}) });
      if (Resume) at.agent.emit(200);
      await entering;
      if (!Resume) await at.submit('job', { Agent: 'puppet' }, as);
      at.agent.emit(200);
      await at.go.heard(({ of, frame }) => of === as && frame?.event_seq !== undefined);
      cable.cut();
      await at.go.heard(({ of, lost }) => of === as && lost !== undefined);
      Resume = await at.ticket(as);
      await cable.end();
    }
    at.agent.finish();
    await at.enter('last', { Resume });
    await at.go.heard(({ of, frame }) => of === 'last' && frame?.type === 'job.result');
    const frames = [...clients, 'last'].flatMap(at.go.frames.bind(at.go));
    const logs = frames.filter(({ payload }) => payload.kind === 'log');
    expect(logs).toHaveLength(200 + 10 * 400);
    const numbered = seqs(frames);
    expect(numbered).toEqual(range(1, numbered.length));
  });

  test('is given the very same frames again, again and again', async () => {
    const at = await entered();
    const Resume = await at.ticket('client');
    await at.submit('job', { Agent: 'talker', TraceID: trace });
    await at.go.ended('job');
    const numbered = (of: string) => at.go.frames(of).filter(({ event_seq: seq }) => seq !== undefined);
    let last = Resume;
    for (const of of ['one', 'two', 'three']) {
      await at.enter(of, { Resume: { ...last, last_event_seq: 0 } });
      await at.go.heard((line) => line.of === of && line.frame?.event_seq === 9);
      expect(numbered(of)).toEqual(numbered('client'));
      last = await at.ticket(of);
    }
    // Each took the session over from the one before.
    await at.go.heard(({ of, lost }) => of === 'two' && lost !== undefined && lost.includes('4001'));
  });

  test('hears why it cannot come back', async () => {
    const at = await entered();
    await at.submit('job', { Agent: 'puppet' });
    at.agent.emit(10);
    await at.go.heard(({ frame }) => frame?.event_seq === 10);
    await at.go.call('ack', { on: 'client', args: 5 });
    await at.list();
    const good = await at.ticket('client');
    const code = 'RESUME_WINDOW_EXPIRED';
    const back = (Resume: object, more: object = {}) => at.enter('back', { Resume: { ...good, ...Resume }, ...more });
    await expect(back({ last_event_seq: 0 })).rejects.toMatchObject({ code, details: { reason: 'trimmed' } });
    await expect(back({ last_event_seq: 11 })).rejects.toMatchObject({ code, details: { reason: 'ahead' } });
    await expect(back({ resume_token: 'rt_no' })).rejects.toMatchObject({ code, details: { reason: 'unknown' } });
    const thief = { Token: tokens.bob };
    await expect(back({}, thief)).rejects.toMatchObject({ code: 'PERMISSION_DENIED', retryable: false });
    await expect(back({ session_id: 'sess_x' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    // None of this has cost the session anything.
    await back({ last_event_seq: 5 });
    await at.go.heard(({ of, frame }) => of === 'back' && frame?.event_seq === 10);
    expect(seqs(at.go.frames('back'))).toEqual(range(6, 10));
  });

  test('hears that its token is not known', async () => {
    const at = await entered();
    for (const Token of ['tok-nobody', '']) {
      await expect(at.enter('thief', { Token })).rejects.toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
    }
  });

  test('lists jobs, by filters, page by page', async () => {
    const at = await entered();
    await at.enter('other');
    const ids: string[] = [];
    for (const as of ['a', 'b', 'c']) ids.unshift((await at.submit(as, { Agent: 'puppet', TraceID: trace })).job_id);
    await at.submit('over', { Agent: 'echo' }, 'other');
    await at.go.ended('over');
    const found = async (Filter: object, more: object = {}) =>
      (await at.list({ Filter, ...more })).Jobs.map((job: { job_id: string }) => job.job_id);
    expect(await found({ status: ['running'] })).toEqual(ids);
    expect(await found({ agent: 'puppet' })).toEqual(ids);
    expect(await found({ status: ['success', 'error'] })).toHaveLength(1);
    expect(await found({ created_after: '2020-01-01T00:00:00.123456789+02:00' })).toHaveLength(4);
    expect(await found({ created_before: '2020-01-01T00:00:00.123456789+02:00' })).toEqual([]);
    const first = await at.list({ Filter: { status: ['running'] }, Limit: 2 });
    expect(first.Jobs).toMatchObject(ids.slice(0, 2).map((job_id) => ({ job_id, status: 'running', trace_id: trace })));
    const last = await at.list({ Cursor: first.NextCursor });
    expect(last).toMatchObject({ Jobs: [{ job_id: ids[2], agent: 'puppet@1.0.0' }], NextCursor: '' });
    await expect(at.list({ Cursor: 'no' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(at.list({ Filter: { status: ['asleep'] } })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  test('watches a job of another session, what was and what comes, each event once', async () => {
    const at = await entered();
    for (const as of ['watcher', 'latecomer', 'guest']) await at.enter(as);
    const lease = { 'fs.read': ['/data/**'] };
    const { job_id: jobId } = await at.submit('job', { Agent: 'puppet', LeaseRequest: lease, TraceID: trace });
    at.agent.emit(200);
    at.agent.job.progress({ current: 1.5 });
    await at.go.heard(({ frame }) => frame?.event_seq === 201);
    const facts = { status: 'running', agent: 'puppet@1.0.0', lease, trace, from: 201 };
    const whole = await at.subscribe('whole', jobId, { on: 'watcher', History: true });
    expect(whole).toMatchObject({ ...facts, replayed: true });
    await at.subscribe('part', jobId, { on: 'latecomer', History: true, FromEventSeq: 200 });
    expect(await at.subscribe('live', jobId, { on: 'guest' })).toMatchObject({ ...facts, replayed: false });
    at.agent.emit(1);
    at.agent.finish({ well: true });
    for (const of of ['whole', 'part', 'live']) expect(await at.go.ended(of)).toMatchObject({ ended: 'well' });
    await at.go.ended('job');
    const told = (of: string) => at.go.events(of).map(({ of: _of, ...event }) => event);
    expect(told('job')).toHaveLength(202);
    expect(told('whole')).toEqual(told('job'));
    expect(told('part')).toEqual(told('job').slice(200));
    expect(told('live')).toEqual(told('job').slice(201));
  });

  test('watches a job that is over, one that fails, and one no longer', async () => {
    const at = await entered();
    await at.enter('watcher');
    const on = 'watcher';
    const over = await at.submit('over', { Agent: 'talker' });
    await at.go.ended('over');
    expect(await at.subscribe('past', over.job_id, { on, History: true })).toMatchObject({ status: 'success' });
    expect(await at.go.ended('past')).toMatchObject({ ended: 'well' });
    expect(at.go.events('past')).toHaveLength(8);
    const fails = await at.submit('fails', { Agent: 'puppet' });
    await at.subscribe('watch', fails.job_id, { on });
    at.agent.fail(new Error('of its own'));
    expect(await at.go.ended('watch')).toMatchObject({ error: { code: 'INTERNAL_ERROR' } });
    const left = await at.submit('left', { Agent: 'puppet' });
    await at.subscribe('gone', left.job_id, { on });
    await at.go.call('unsubscribe', { on: 'gone' });
    await at.list({}, on);
    const before = await at.go.call('highest_seq', { on });
    at.agent.emit(3);
    at.agent.finish();
    await at.go.ended('left');
    await at.list({}, on);
    expect(await at.go.call('highest_seq', { on })).toBe(before);
    await expect(at.subscribe('x', 'job_unknown')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await at.enter('stranger', { Token: tokens.bob });
    const foreign = at.subscribe('x', left.job_id, { on: 'stranger' });
    await expect(foreign).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  test('answers pings, and is there for as long as it does', async () => {
    const at = await entered({ heartbeatSec: 0.2 });
    const pings = () => at.go.frames('client').filter(({ type }) => type === 'session.ping');
    await at.go.heard(() => pings().length === 5);
    const nonce = pings()[0]?.payload.nonce;
    await at.go.heard(({ sent }) => sent?.type === 'session.pong' && sent.payload.ping_nonce === nonce);
    expect(at.runtime.sessions()).toMatchObject([{ state: 'live' }]);
    await at.submit('job', { Agent: 'echo', Input: 'still served' });
    expect((await at.go.ended('job')).result?.output).toBe('still served');
  });

  test('acknowledges what it has had by itself', async () => {
    const at = await entered();
    await at.enter('acking', { AutoAckWindow: 1 });
    await at.submit('job', { Agent: 'talker' }, 'acking');
    await at.go.heard(({ sent }) => sent?.type === 'session.ack' && sent.payload.last_processed_seq === 9);
    const Resume = { ...(await at.ticket('acking')), last_event_seq: 0 };
    await at.list({}, 'acking');
    const trimmed = { code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'trimmed' } };
    await expect(at.enter('back', { Resume })).rejects.toMatchObject(trimmed);
  });

  test('leaves in its own way; its job runs on, and it can come back', async () => {
    const at = await entered();
    await at.submit('job', { Agent: 'puppet' });
    const Resume = await at.ticket('client');
    expect(await at.go.call('close', { on: 'client' })).toBeNull();
    expect(at.go.lines).toContainEqual(
      expect.objectContaining({ sent: expect.objectContaining({ type: 'session.close' }) }),
    );
    expect(await at.go.ended('job')).toMatchObject({ ended: 'error' });
    at.agent.emit(2);
    expect((await at.enter('back', { Resume })).session_id).toBe(Resume.session_id);
    at.agent.finish('well');
    const end = await at.go.heard(({ of, frame }) => of === 'back' && frame?.type === 'job.result');
    expect(end.frame?.payload.output).toBe('well');
    expect(seqs(at.go.frames('back'))).toEqual([1, 2, 3]);
  });
});
