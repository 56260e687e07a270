// From the field: "Resume payload parsed, then ignored" (a Ruby runtime).
// The resume block was read and dropped on the floor: no look-up of the token, no check of the window or the principal, and
// neither the authority to cancel nor the stream came back.
import { expect, test } from 'vitest';
import { puppet, tokens } from '../support/runtime.ts';
import { socketRuntime } from '../support/socket.ts';

const auth = { scheme: 'bearer', token: tokens.alice };

async function partOfTheStreamConsumed() {
  const agent = puppet();
  const at = await socketRuntime({ agents: [agent.agent] });
  const first = await at.open();
  const welcome = await first.hello(tokens.alice);
  const accepted = await first.ask('job.submit', { agent: 'puppet' });
  agent.emit(10);
  await first.settle();
  first.send('session.ack', { last_processed_seq: 4 });
  await first.settle();
  first.drop();
  await first.closed;
  agent.emit(5);
  const resume = { resume_token: welcome.payload.resume_token, last_event_seq: 10, session_id: welcome.session_id };
  return { ...at, agent, resume, jobId: accepted.job_id };
}

test('the missing events and the terminal arrive, strictly after the cursor, and nothing acknowledged comes twice', async () => {
  const { agent, open, resume } = await partOfTheStreamConsumed();
  const second = await open();
  await second.ask('session.hello', { auth, resume });
  agent.finish('end');
  await second.next('job.result');
  expect(second.seqs()).toEqual([11, 12, 13, 14, 15, 16]);
});

test('the token is looked up: one that was never minted is refused', async () => {
  const { open, resume } = await partOfTheStreamConsumed();
  const second = await open();
  const asked = second.ask('session.hello', { auth, resume: { ...resume, resume_token: 'rt_guess' } });
  expect(await asked).toMatchObject({ payload: { code: 'RESUME_WINDOW_EXPIRED' } });
});

test('the cursor is checked: what was acknowledged is gone, and asking for it is told, not answered with a hole', async () => {
  const { open, resume } = await partOfTheStreamConsumed();
  const second = await open();
  const asked = second.ask('session.hello', { auth, resume: { ...resume, last_event_seq: 2 } });
  expect(await asked).toMatchObject({
    payload: { code: 'RESUME_WINDOW_EXPIRED', details: { reason: 'trimmed', oldest_seq: 5 } },
  });
});

test('the principal is checked: the token in other hands opens nothing', async () => {
  const { open, resume, runtime } = await partOfTheStreamConsumed();
  const thief = await open();
  const asked = thief.ask('session.hello', { auth: { scheme: 'bearer', token: tokens.bob }, resume });
  expect(await asked).toMatchObject({ payload: { code: 'PERMISSION_DENIED' } });
  expect(thief.seqs()).toEqual([]);
  expect(runtime.sessions()).toContainEqual(expect.objectContaining({ principal: 'alice', state: 'detached' }));
});

test('the authority to cancel comes back with the session', async () => {
  const { agent, open, resume, jobId } = await partOfTheStreamConsumed();
  const second = await open();
  await second.ask('session.hello', { auth, resume });
  expect(await second.ask('job.cancel', { job_id: jobId })).toMatchObject({ type: 'job.cancelled' });
  expect(agent.job.signal.aborted).toBe(true);
});
