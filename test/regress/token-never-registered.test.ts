// From the field: "Token minted but never registered" (a C# runtime).
// The welcome carried a token that no look-up knew; a resume made an empty session with the same name.
import { expect, test } from 'vitest';
import { puppet, tokens } from '../support/runtime.ts';
import { socketRuntime } from '../support/socket.ts';

test('the token of a welcome opens its session: the same state, not an empty one with the same name', async () => {
  const agent = puppet();
  const { open, runtime } = await socketRuntime({ agents: [agent.agent] });
  const first = await open();
  const welcome = await first.hello(tokens.alice, { features: ['ack', 'progress'] });
  await first.ask('job.submit', { agent: 'puppet' });
  agent.emit(2);
  await first.settle();
  const [before] = runtime.sessions();
  first.drop();
  await first.closed;
  const second = await open();
  const asked = second.resume(tokens.alice, { resume_token: welcome.payload.resume_token, last_event_seq: 2 });
  expect((await asked).payload.capabilities.features).toEqual(['ack', 'progress']);
  expect(runtime.sessions()).toEqual([before]);
});

test('the token rotates, and the previous one dies after the new one is proven received, not before', async () => {
  const agent = puppet();
  const { open } = await socketRuntime({ agents: [agent.agent] });
  const first = await open();
  const { resume_token: original } = (await first.hello(tokens.alice)).payload;
  first.drop();
  await first.closed;
  const lost = await open();
  await lost.resume(tokens.alice, { resume_token: original });
  lost.drop();
  await lost.closed;
  const second = await open();
  const welcome = await second.resume(tokens.alice, { resume_token: original });
  expect(welcome).toMatchObject({ type: 'session.welcome' });
  expect(welcome.payload.resume_token).not.toBe(original);
  await second.settle();
  const stale = await open();
  expect(await stale.resume(tokens.alice, { resume_token: original })).toMatchObject({
    payload: { code: 'RESUME_WINDOW_EXPIRED' },
  });
  await second.settle();
});

test('the window is enforced', async () => {
  const agent = puppet();
  const { open, runtime } = await socketRuntime({ agents: [agent.agent], resumeWindowSec: 0.05 });
  const first = await open();
  const welcome = await first.hello(tokens.alice);
  expect(welcome.payload.resume_window_sec).toBe(1);
  first.drop();
  await expect.poll(() => runtime.sessions()).toEqual([]);
  const second = await open();
  expect(await second.resume(tokens.alice, { resume_token: welcome.payload.resume_token })).toMatchObject({
    payload: { code: 'RESUME_WINDOW_EXPIRED' },
  });
});
