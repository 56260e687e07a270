// §10: what is numbered is written once, as the session's first client reads it, and never again otherwise.
import { expect, test } from 'vitest';
import { defineAgent, type Provisioner, simulatedClock } from '../../../src/index.ts';
import type { DialectName } from '../../../src/wire/dialects.ts';
import { puppet, simulatedRuntime, tokens } from '../../support/runtime.ts';
import { cut, turn } from '../../support/session.ts';
import { upstream } from '../../support/upstream.ts';

const teller = defineAgent({
  name: 'teller',
  run(job) {
    job.progress({ current: 0.9, total: -1.5 });
    job.progress({ current: 3.2, total: 3.3 });
    job.emit('status', { phase: 'x', message: null });
    job.emit('tool_result', { call_id: 'c', result: null });
    return { answer: null };
  },
});

async function told(dialect: DialectName) {
  const at = simulatedRuntime({ agents: [teller] });
  const peer = at.open({ dialect });
  await peer.hello(tokens.alice);
  await peer.ask('job.submit', { agent: 'teller' });
  await peer.next('job.result');
  return peer.sequenced().map(({ payload }) => payload.body ?? payload);
}

// proves P10.01
test('§10 the plain form has what the agent gave, and nothing else', async () => {
  const [first, , status, tool, result] = await told('plain');
  expect(first).toEqual({ current: 0.9, total: -1.5 });
  expect(status).toEqual({ phase: 'x', message: null });
  expect(tool).toEqual({ call_id: 'c', result: null });
  expect(Object.keys(result)).toEqual(['job_id', 'final_status', 'completed_at', 'result']);
});

// proves P10.06
test('§10 Go has whole numbers of progress, current at most total, and output beside result', async () => {
  const [first, second, , , result] = await told('go');
  expect([first, second]).toEqual([
    { current: 0, total: 0 },
    { current: 3, total: 4 },
  ]);
  expect(result).toMatchObject({ result: { answer: null }, output: { answer: null } });
});

test('§10 Go has a long result once, in output: it drops the connection at a frame of more than 1 MiB', async () => {
  const echo = defineAgent({ name: 'echo', run: (job) => job.input });
  const at = simulatedRuntime({ agents: [echo], maxFrameBytes: 2 ** 21 });
  const lengths = async (dialect: DialectName, length: number) => {
    const peer = at.open({ dialect });
    await peer.hello(tokens.alice);
    await peer.ask('job.submit', { agent: 'echo', input: 'ü'.repeat(length) });
    const { payload } = await peer.next('job.result');
    expect(Buffer.byteLength(peer.texts.at(-1) ?? '')).toBeLessThan(2 ** 20);
    return [payload.result, payload.output].map((result) => result?.length);
  };
  expect(await lengths('go', 200_000)).toEqual([200_000, 200_000]);
  expect(await lengths('go', 500_000)).toEqual([undefined, 500_000]);
  expect(await lengths('plain', 500_000)).toEqual([500_000, undefined]);
});

test.each(['go', 'java'] as const)(
  '§10 %s finds the new value of a credential in the details of its status',
  async (dialect) => {
    const agent = puppet();
    const up = upstream();
    const at = simulatedRuntime({ agents: [agent.agent], provisioner: up.provisioner });
    const peer = at.open({ dialect });
    const welcome = await peer.hello(tokens.alice, { features: ['provisioned_credentials'] });
    const { payload } = await peer.ask('job.submit', { agent: 'puppet' });
    const [{ id }] = payload.credentials;
    const { value } = await agent.job.rotateCredential(id);
    await peer.settle();
    const body = { phase: 'credential_rotated', id, value, details: { id, value } };
    expect(peer.sequenced()[0]?.payload.body).toEqual(body);
    await cut(peer);
    const back = at.open({ dialect });
    await back.resume(tokens.alice, { resume_token: welcome.payload.resume_token });
    await back.settle();
    expect(back.sequenced()[0]?.payload.body).toEqual(body);
  },
);

// proves P10.04
test('§10 TypeScript has no null for what may be absent; the nulls of a tool stay', async () => {
  const [, , status, tool, result] = await told('typescript');
  expect(status).toEqual({ phase: 'x' });
  expect(tool).toEqual({ call_id: 'c', result: null });
  expect(result.result).toEqual({ answer: null });
});

test('§10 TypeScript is given those credentials, and those limits of them, that it can read: else it would take the acceptance for none', async () => {
  const { provisioner } = upstream();
  const spend = { currency: 'USD', amount: 5 };
  const given: { scheme?: string; constraints?: Record<string, unknown> }[] = [
    { scheme: 'basic' },
    { constraints: { max_spend: 5, allowed_models: ['m', ''], expires_at: null, 'x-own': 1, toString: 'x' } },
    { constraints: { max_spend: spend, allowed_models: ['m'], expires_at: '2099-01-01T00:00:00Z' } },
    { constraints: { max_spend: { ...spend, amount: -5 } } },
  ];
  const issue: Provisioner['issue'] = async ({ mintId }) =>
    given.map((one, n) => ({ id: mintId(), value: `key ${n}`, endpoint: 'https://gateway.example', ...one }));
  const at = simulatedRuntime({ agents: [puppet().agent], provisioner: { ...provisioner, issue } });
  const constraints = async (dialect: DialectName) => {
    const peer = at.open({ dialect });
    await peer.hello(tokens.alice, { features: ['provisioned_credentials'] });
    const { payload } = await peer.ask('job.submit', { agent: 'puppet' });
    return payload.credentials.map((credential: { constraints?: object }) => credential.constraints);
  };
  expect(await constraints('plain')).toEqual(given.map((one) => one.constraints));
  expect(await constraints('typescript')).toEqual([{ 'x-own': 1, toString: 'x' }, given[2]?.constraints, {}]);
});

/** Everything a client is sent that says hello, has a job, is refused one, and leaves. */
async function talk(dialect: DialectName) {
  const at = simulatedRuntime({ agents: [teller] });
  const peer = at.open({ dialect });
  const ids = [
    peer.send('session.hello', { auth: { scheme: 'bearer', token: tokens.alice } }),
    peer.send('job.submit', { agent: 'teller' }),
    peer.send('job.submit', { agent: 'nobody' }),
    peer.send('session.ping', { nonce: 'n' }),
    peer.send('session.nonsense'),
    peer.send('session.close'),
  ];
  await peer.closed;
  const replies = peer.frames.filter((frame) => frame.event_seq === undefined);
  return { ids, replies, frames: peer.frames, terminal: peer.sequenced().at(-1) };
}

// proves P10.07
test('§10 Ruby finds requests by reply_to, a session on every frame, the job in a terminal, and the runtime by flat names', async () => {
  const { ids, replies, frames, terminal } = await talk('ruby');
  expect(replies.map(({ payload }) => payload.reply_to)).toEqual(ids);
  expect(new Set(frames.map((frame) => frame.session_id))).toEqual(new Set([expect.stringMatching(/^sess_/)]));
  expect(terminal?.payload.job_id).toBe(terminal?.job_id);
  expect(replies[0]?.payload).toMatchObject({ runtime_name: 'arcp-xstate', runtime_version: expect.any(String) });
  expect(replies[1]?.payload.lease).toMatchObject({
    id: terminal?.job_id,
    capabilities: [],
    issued_at: expect.any(String),
  });
});

// proves P10.09
test('§10 F# finds the answer to each request by its envelope id, a refused submit included', async () => {
  const { ids, replies } = await talk('fsharp');
  expect(replies.map(({ id }) => id)).toEqual(ids);
  expect(replies.map(({ type }) => type)).toEqual([
    ...['session.welcome', 'job.accepted', 'job.error'],
    ...['session.pong', 'session.error', 'session.closed'],
  ]);
});

// proves P10.10
test('§10 Python finds its session in the welcome, requests by request_id, and ids that are ULIDs behind a prefix', async () => {
  const { ids, replies, frames, terminal } = await talk('python');
  expect(replies[0]?.payload.session_id).toBe(replies[0]?.session_id);
  expect(replies.map(({ payload }) => payload.request_id)).toEqual(ids);
  expect(terminal?.payload.completed_at).toMatch(/Z$/);
  const minted = frames
    .flatMap(({ id, session_id, job_id }) => [id, session_id, job_id])
    .filter((id) => id && !ids.includes(id));
  for (const id of minted) expect(id).toMatch(/^[a-z]+_[0-9A-HJKMNP-TV-Z]{26}$/);
});

/** How a job ends that is cancelled, for each dialect. */
async function cancelled(dialect: DialectName) {
  const agent = puppet();
  const at = simulatedRuntime({ agents: [agent.agent] });
  const peer = at.open({ dialect });
  await peer.hello(tokens.alice);
  const { payload } = await peer.ask('job.submit', { agent: 'puppet' });
  await peer.ask('job.cancel', { job_id: payload.job_id, reason: 'enough' });
  agent.finish();
  return (await peer.next('job.error')).payload;
}

// proves P10.05, P10.10
test('§10 Python is told every end of a job as an error, C# has the details as a text', async () => {
  const plain = { code: 'CANCELLED', final_status: 'cancelled', details: { reason: 'enough' } };
  expect(await cancelled('plain')).toMatchObject(plain);
  expect(await cancelled('plain')).not.toHaveProperty('detail');
  expect(await cancelled('python')).toMatchObject({ ...plain, final_status: 'error' });
  expect(await cancelled('csharp')).toMatchObject({ ...plain, detail: '{"reason":"enough"}' });
});

test('§10 a session that another client resumes goes on as it began, replay and all; replies are as the new one reads them', async () => {
  const agent = puppet();
  const at = simulatedRuntime({ agents: [agent.agent] });
  const go = at.open({ dialect: 'go' });
  const welcome = await go.hello(tokens.alice);
  await go.ask('job.submit', { agent: 'puppet' });
  agent.job.progress({ current: 1.5 });
  await go.settle();
  await cut(go);
  agent.job.progress({ current: 2.5 });
  const typescript = at.open({ dialect: 'typescript' });
  await typescript.resume(tokens.alice, { resume_token: welcome.payload.resume_token });
  agent.job.progress({ current: 3.5 });
  await turn();
  await typescript.settle();
  expect(typescript.sequenced().map(({ payload }) => payload.body.current)).toEqual([1, 2, 3]);
  expect(typescript.texts.find((text) => text.includes('"event_seq":1,'))).toBe(
    go.texts.find((text) => text.includes('"event_seq":1,')),
  );
  expect(await typescript.ask('job.submit', { agent: 'nobody' })).toMatchObject({ type: 'job.error' });
});

test('§10 an event has one time, in whichever dialect it is told', async () => {
  const agent = puppet();
  const simulated = simulatedClock();
  let nowMs = simulated.now();
  const now = () => {
    nowMs += 1;
    return nowMs;
  };
  const at = simulatedRuntime({ agents: [agent.agent], clock: { ...simulated, now } });
  const [go, plain] = [at.open({ dialect: 'go' }), at.open()];
  await go.hello(tokens.alice);
  await plain.hello(tokens.alice);
  const { payload } = await go.ask('job.submit', { agent: 'puppet' });
  agent.job.progress({ current: 1.5 });
  await go.settle();
  await plain.ask('job.subscribe', { job_id: payload.job_id, history: true });
  await plain.settle();
  const told = [go, plain].map((peer) => peer.sequenced()[0]?.payload);
  expect(told).toMatchObject([{ body: { current: 1 } }, { body: { current: 1.5 } }]);
  expect(told[1].ts).toBe(told[0].ts);
});

test('§10 Java says -1 where it has had no event; for all others that is no cursor', async () => {
  const at = simulatedRuntime({ agents: [] });
  const first = at.open({ dialect: 'java' });
  const welcome = await first.hello(tokens.alice);
  await cut(first);
  const wish = { resume_token: String(welcome.payload.resume_token), last_event_seq: -1 };
  expect(await at.open().resume(tokens.alice, wish)).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
  expect(await at.open({ dialect: 'java' }).resume(tokens.alice, wish)).toMatchObject({ type: 'session.welcome' });
});
