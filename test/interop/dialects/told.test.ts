// §10: by what a dialect is told, and what becomes of a name that there is not.
import { expect, test } from 'vitest';
import { defineAgent } from '../../../src/index.ts';
import { memoryPair } from '../../../src/transports/memory.ts';
import { dialectNames } from '../../../src/wire/dialects.ts';
import type { Peer } from '../../support/peer.ts';
import { simulatedRuntime, tokens } from '../../support/runtime.ts';
import { socketRuntime } from '../../support/socket.ts';
import { refusedUpgrade } from '../../transports/echo-door.ts';

const ulid = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const uuid7 = '018f3b1e-7c1a-7d4e-9b3f-0123456789ab';
const uuid4 = '018f3b1e-7c1a-4d4e-9b3f-0123456789ab';
const auth = { scheme: 'bearer', token: tokens.alice };
const client = { name: 'c', version: '1' };
const echo = defineAgent({ name: 'echo', run: (job) => job.input });

/** Says hello with an id and some more, submits to nobody, and tells the frames that answered the submit. */
async function refusedSubmit(
  peer: Peer,
  { id = 'c-1', envelope = {}, payload = {} }: { id?: string; envelope?: object; payload?: object } = {},
) {
  peer.raw(JSON.stringify({ arcp: '1.1', id, type: 'session.hello', ...envelope, payload: { auth, ...payload } }));
  await peer.next('session.welcome');
  const request = peer.send('job.submit', { agent: 'nobody' });
  await peer.settle();
  return { request, welcome: peer.frames[0], answers: peer.frames.slice(1, -1) };
}

const plain = ['session.error'];
const asJobError = ['job.error'];
const both = ['job.error', 'session.error'];
const hellos: [string, Parameters<typeof refusedSubmit>[1], string[]][] = [
  ['any id', { id: 'c-1' }, plain],
  ["our own client's id", { id: `req_${ulid}` }, plain],
  ['msg_ and a ULID: TypeScript', { id: `msg_${ulid}` }, asJobError],
  ['msg_ and no ULID', { id: 'msg_1' }, plain],
  ['msg_, a ULID and a time: C#', { id: `msg_${ulid}`, envelope: { timestamp: '2026-01-01T00:00:00Z' } }, plain],
  ['a UUIDv7 and a client: Go', { id: uuid7, payload: { client } }, plain],
  ['a UUIDv4', { id: uuid4 }, plain],
  ['a flat client name: Ruby', { id: `msg_${ulid}`, payload: { client_name: 'r', client_version: '1' } }, plain],
  ['a bare ULID', { id: ulid }, both],
  ['a ULID in lower case', { id: ulid.toLowerCase() }, plain],
  ['a bare ULID and a list of agents: Python', { id: ulid, payload: { client, capabilities: { agents: [] } } }, plain],
];

// proves P10.01
test.each(hellos)('§10 a hello with %s is answered in the form of its client', async (_what, hello, types) => {
  const at = simulatedRuntime({ agents: [] });
  const { answers } = await refusedSubmit(at.open(), hello);
  expect(answers.map(({ type }) => type)).toEqual(types);
  for (const answer of answers) {
    expect(answer).not.toHaveProperty('event_seq');
    expect(answer.payload).toMatchObject({ code: 'AGENT_NOT_AVAILABLE', retryable: false, request_id: 'req_1' });
  }
});

test('§10 a first frame that is a resume tells its client too', async () => {
  const at = simulatedRuntime({ agents: [] });
  const { welcome } = await refusedSubmit(at.open());
  const back = at.open();
  const payload = { auth, resume_token: welcome?.payload.resume_token, last_event_seq: 0 };
  back.raw(JSON.stringify({ arcp: '1.1', id: `msg_${ulid}`, type: 'session.resume', payload }));
  await back.next('session.welcome');
  expect(await back.ask('job.submit', { agent: 'nobody' })).toMatchObject({ type: 'job.error' });
});

// proves P10.11
test('§10 a bare-ULID client has job.error first, of no job and with the id of the request, then session.error with another', async () => {
  const at = simulatedRuntime({ agents: [] });
  const { request, answers } = await refusedSubmit(at.open(), { id: ulid });
  const [first, second] = answers;
  expect(first).toMatchObject({ type: 'job.error', id: request, payload: { final_status: 'error' } });
  expect(first).not.toHaveProperty('job_id');
  expect(first?.payload).not.toHaveProperty('job_id');
  expect(second).toMatchObject({ type: 'session.error', payload: { request_id: request, reply_to: request } });
  expect(second?.id).toMatch(/^msg_[0-9A-HJKMNP-TV-Z]{26}$/);
});

// proves P10.03
test('§10 a TypeScript client has a job.error of a job there never was, and of the very job for a cancel', async () => {
  const at = simulatedRuntime({ agents: [echo] });
  const peer = at.open();
  const { answers, request } = await refusedSubmit(peer, { id: `msg_${ulid}` });
  expect(answers[0]).toMatchObject({
    id: request,
    job_id: expect.stringMatching(/^job_/),
    payload: { final_status: 'error' },
  });
  expect(answers[0]?.payload.job_id).toBe(answers[0]?.job_id);
  const cancelled = await peer.ask('job.cancel', { reason: 'x' }, { job_id: 'job_unknown' });
  expect(cancelled).toMatchObject({ type: 'job.error', job_id: 'job_unknown', payload: { code: 'JOB_NOT_FOUND' } });
  // What is neither has the one form there is.
  expect(await peer.ask('session.nonsense')).toMatchObject({ type: 'session.error' });
  // A submit that is no submit is refused like one.
  expect(await peer.ask('job.submit', { agent: 7 })).toMatchObject({
    type: 'job.error',
    payload: { code: 'INVALID_REQUEST' },
  });
});

// proves P10.08
test('§10 Java has what is refused as a job.error of no job, with the id of the request, and nothing else', async () => {
  const at = simulatedRuntime({ agents: [] });
  const peer = at.open({ dialect: 'java' });
  const { answers, request } = await refusedSubmit(peer);
  expect(answers).toMatchObject([{ type: 'job.error', id: request, payload: { code: 'AGENT_NOT_AVAILABLE' } }]);
  const cancelled = await peer.ask('job.cancel', { reason: 'x' }, { job_id: 'job_unknown' });
  expect(cancelled).toMatchObject({ type: 'job.error', payload: { code: 'JOB_NOT_FOUND' } });
  const unlisted = await peer.ask('session.list_jobs', { cursor: 'nonsense' });
  expect(unlisted).toMatchObject({ type: 'job.error', payload: { code: 'INVALID_REQUEST' } });
  for (const refusal of [...answers, cancelled, unlisted]) {
    expect(refusal).not.toHaveProperty('job_id');
    expect(refusal.payload).not.toHaveProperty('job_id');
  }
  await peer.settle();
  expect(peer.frames.filter(({ type }) => type === 'session.error')).toEqual([]);
});

// proves P10.08
test('§10 Java has a refused watch as the end of that job, where it is none of its own', async () => {
  const at = simulatedRuntime({ agents: [defineAgent({ name: 'endless', run: () => new Promise(() => {}) })] });
  const peer = at.open({ dialect: 'java' });
  await peer.hello(tokens.alice, { features: [] });
  const { payload } = await peer.ask('job.submit', { agent: 'endless' });
  const own = await peer.ask('job.subscribe', { job_id: payload.job_id }, { job_id: payload.job_id });
  expect(own).toMatchObject({ type: 'job.error', payload: { code: 'INVALID_REQUEST' } });
  expect(own).not.toHaveProperty('job_id');
  const watcher = at.open({ dialect: 'java' });
  await watcher.hello(tokens.bob, { features: ['subscribe'] });
  const other = await watcher.ask('job.subscribe', { job_id: payload.job_id });
  expect(other).toMatchObject({ type: 'job.error', job_id: payload.job_id, payload: { code: 'JOB_NOT_FOUND' } });
});

// proves P10.05, P10.08
test('§10 before the welcome there is one form for all but Java, and C# and Java are hung up on', async () => {
  const wrong = { auth: { scheme: 'bearer', token: tokens.alice }, resume_token: 'rt_unknown', client };
  for (const [dialect, ends, type] of [
    ['typescript', false, 'session.error'],
    ['go', false, 'session.error'],
    ['csharp', true, 'session.error'],
    ['java', true, 'job.error'],
  ] as const) {
    const at = simulatedRuntime({ agents: [] });
    const peer = at.open({ dialect });
    expect(await peer.ask('session.hello', wrong)).toMatchObject({ type, payload: { code: 'RESUME_WINDOW_EXPIRED' } });
    if (ends) expect(await peer.closed).toMatchObject({ code: 1008 });
    else expect(await peer.hello(tokens.alice)).toMatchObject({ type: 'session.welcome' });
  }
});

// proves P10.11
test('§10 a bare-ULID client has a refused hello, list and watch in both forms too', async () => {
  const at = simulatedRuntime({ agents: [] });
  const refused = at.open();
  const wrong = { auth: { scheme: 'bearer', token: 'tok-nobody' }, client };
  refused.raw(JSON.stringify({ arcp: '1.1', id: ulid, type: 'session.hello', payload: wrong }));
  expect(await refused.closed).toMatchObject({ code: 1008 });
  expect(refused.frames.map(({ id, type, payload }) => [id, type, payload.code])).toEqual([
    [ulid, 'session.error', 'UNAUTHENTICATED'],
    [ulid, 'job.error', 'UNAUTHENTICATED'],
  ]);
  const peer = at.open();
  await refusedSubmit(peer, { id: ulid, payload: { capabilities: { features: ['list_jobs', 'subscribe'] } } });
  const before = peer.frames.length;
  const list = peer.send('session.list_jobs', { cursor: 'nonsense' });
  const watch = peer.send('job.subscribe', { job_id: 'job_unknown' });
  await peer.settle();
  const told = peer.frames.slice(before, before + 4);
  expect(told.map(({ type, job_id, payload }) => [type, job_id, payload.request_id])).toEqual([
    ['job.error', undefined, list],
    ['session.error', undefined, list],
    ['session.error', undefined, watch],
    ['job.error', 'job_unknown', watch],
  ]);
  expect(told.map(({ id }) => id === list || id === watch)).toEqual([true, false, true, true]);
});

// proves P10.02
test('§10 a dialect that is named counts, whatever the hello looks like', async () => {
  const at = simulatedRuntime({ agents: [] });
  const named = await refusedSubmit(at.open({ dialect: 'plain' }), { id: ulid });
  expect(named.answers.map(({ type }) => type)).toEqual(plain);
  const ruby = await refusedSubmit(at.open({ dialect: 'ruby' }));
  expect(ruby.welcome?.payload).toMatchObject({ runtime_name: 'arcp-xstate', runtime: { name: 'arcp-xstate' } });
});

// proves P10.02
test('§10 over a WebSocket ?dialect= names it; a name there is not is answered 400, with those there are', async () => {
  const at = await socketRuntime({ agents: [] });
  const { port } = new URL(at.url);
  const refused = await refusedUpgrade(Number(port), { path: '/arcp?dialect=cobol' });
  expect(refused.status).toBe(400);
  expect(refused.body).toBe(`Unknown dialect; there are ${dialectNames.join(', ')}\n`);
  for (const path of ['/arcp?dialect=', '/arcp?dialect=TypeScript', '/arcp?dialect=__proto__', '/arcp?dialect=ulid']) {
    expect((await refusedUpgrade(Number(port), { path })).status).toBe(400);
  }
  const peer = await at.open({}, '?x=1&dialect=typescript');
  expect((await refusedSubmit(peer)).answers.map(({ type }) => type)).toEqual(asJobError);
});

test('§10 an embedder that names a dialect there is not is told', () => {
  const { runtime } = simulatedRuntime({ agents: [] });
  const facts = JSON.parse('{"dialect":"constructor"}');
  expect(() => runtime.accept(memoryPair()[1], facts)).toThrow('unknown dialect; there are plain, typescript');
});
