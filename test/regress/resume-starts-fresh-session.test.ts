// From the field: "Resume reconnects start fresh sessions and cancel in-flight jobs" (a Java runtime).
// The hello's token and cursor were ignored, so that each reconnect was a new session; the transport's shutdown cancelled the
// jobs; and the replay buffer died with the connection. A drop is none of these: only a bye or a job.cancel cancels.
import { expect, test } from 'vitest';
import { puppet, tokens } from '../support/runtime.ts';
import { socketRuntime } from '../support/socket.ts';

async function droppedMidJob() {
  const agent = puppet();
  const at = await socketRuntime({ agents: [agent.agent] });
  const first = await at.open();
  const welcome = await first.hello(tokens.alice);
  const accepted = await first.ask('job.submit', { agent: 'puppet' });
  agent.emit(5);
  await first.settle();
  first.drop();
  await first.closed;
  return { ...at, agent, welcome, jobId: accepted.job_id, resumeToken: String(welcome.payload.resume_token) };
}

test('a reconnect with token and last seq is the same session: replay, then the live continuation', async () => {
  const { agent, open, welcome, resumeToken, jobId } = await droppedMidJob();
  agent.emit(3);
  const second = await open();
  const again = await second.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 5 });
  expect(again).toMatchObject({ type: 'session.welcome', session_id: welcome.session_id });
  agent.emit(2);
  agent.finish({ done: true });
  expect(await second.next('job.result')).toMatchObject({
    job_id: jobId,
    event_seq: 11,
    payload: { result: { done: true } },
  });
  expect(second.seqs()).toEqual([6, 7, 8, 9, 10, 11]);
});

test('a drop never cancels: the agent is not told, and what it emits meanwhile is kept', async () => {
  const { agent, runtime } = await droppedMidJob();
  await expect.poll(() => runtime.sessions()).toMatchObject([{ state: 'detached' }]);
  expect(agent.job.signal.aborted).toBe(false);
  expect(() => agent.emit(10)).not.toThrow();
  expect(runtime.sessions()).toMatchObject([{ newestSeq: 15, jobs: [agent.job.id] }]);
});

test('an unknown token is RESUME_WINDOW_EXPIRED, and no fresh session is started behind it', async () => {
  const { open, runtime } = await droppedMidJob();
  const peer = await open();
  const refused = await peer.resume(tokens.alice, { resume_token: 'rt_never-minted', last_event_seq: 5 });
  expect(refused).toMatchObject({
    type: 'session.error',
    payload: { code: 'RESUME_WINDOW_EXPIRED', retryable: false },
  });
  expect(runtime.sessions().filter((session) => session.state !== 'handshaking')).toHaveLength(1);
});

test('an expired token is RESUME_WINDOW_EXPIRED', async () => {
  const agent = puppet();
  const { open, runtime } = await socketRuntime({ agents: [agent.agent], resumeWindowSec: 0.05 });
  const first = await open();
  const welcome = await first.hello(tokens.alice);
  first.drop();
  await expect.poll(() => runtime.sessions()).toEqual([]);
  const second = await open();
  expect(await second.resume(tokens.alice, { resume_token: welcome.payload.resume_token })).toMatchObject({
    payload: { code: 'RESUME_WINDOW_EXPIRED' },
  });
});

test('an explicit bye still cancels', async () => {
  const { agent, open, resumeToken } = await droppedMidJob();
  const second = await open();
  await second.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 5 });
  expect(await second.ask('session.bye')).toMatchObject({ type: 'session.closed' });
  expect(agent.job.signal.aborted).toBe(true);
});

test('an explicit job.cancel still cancels', async () => {
  const { agent, open, resumeToken, jobId } = await droppedMidJob();
  const second = await open();
  await second.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: 5 });
  expect(await second.ask('job.cancel', { job_id: jobId })).toMatchObject({ type: 'job.cancelled' });
  expect(agent.job.signal.aborted).toBe(true);
  agent.fail(new Error('stopped'));
  expect(await second.next('job.error')).toMatchObject({ event_seq: 6, payload: { code: 'CANCELLED' } });
});
