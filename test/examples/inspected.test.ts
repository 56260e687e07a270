// docs/examples/inspected.js, watched from the other end of the inspector's WebSocket.
import { expect, test } from 'vitest';
import { dialWs } from '../../src/transports/ws.ts';
import { type InspectorFrame, inspectorReceiver } from '../inspect/receiver.ts';
import { Peer } from '../support/peer.ts';
import { run, start } from './example.ts';

/** Not a word that frames have any other reason to hold. */
const token = 'tok-9f2c41d8e7';

const isSnapshotOf = (value: unknown) => (frame: InspectorFrame) =>
  frame.type === '@xstate.snapshot' && JSON.stringify(frame.snapshot?.value) === JSON.stringify(value);

/** Says hello, submits, loses the connection, resumes, has the job's end, says bye; returns the secrets it was given. */
async function wholeLife(url: string, dropped: () => Promise<void>): Promise<string[]> {
  const first = new Peer(await dialWs(url));
  const welcome = await first.hello(token);
  await first.ask('job.submit', { agent: 'counter', input: { count: 20 } });
  await first.next('job.event');
  const cursor = first.sequenced().length;
  first.drop();
  await dropped();
  const second = new Peer(await dialWs(url, { headers: { authorization: `Bearer ${token}` } }));
  const { resume_token } = welcome.payload;
  const again = await second.resume(token, { resume_token, last_event_seq: cursor });
  await second.next('job.result');
  expect([...first.seqs().slice(0, cursor), ...second.seqs()]).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  await second.ask('session.bye');
  return [token, resume_token, again.payload.resume_token];
}

test('inspected.js: a receiver of the inspector’s protocol sees the whole life of a session and its job, and no secret', async () => {
  const receiver = await inspectorReceiver();
  const { url } = await start('inspected.js', { inspectorUrl: receiver.url, token });
  const secrets = await wholeLife(url, () => receiver.until((frames) => frames.some(isSnapshotOf('detached'))));
  const { frames } = receiver;
  // The second connection's own session ended when it took the first one's over: it is the first one's end that counts.
  const hasEnded = (frame: InspectorFrame) => frame.sessionId === frames[0]?.sessionId && isSnapshotOf('ended')(frame);
  await receiver.until(() => frames.some(hasEnded));

  const actors = frames.filter((frame) => frame.type === '@xstate.actor');
  const [session] = actors;
  const job = actors.find((actor) => actor.parentId === session?.sessionId);
  expect(JSON.parse(session?.definition ?? '')).toMatchObject({ id: 'session', states: { detached: {}, closed: {} } });
  expect(JSON.parse(job?.definition ?? '')).toMatchObject({ id: 'job', states: { running: {}, cancelling: {} } });

  const told = (actor: InspectorFrame | undefined) =>
    frames.flatMap(({ type, sessionId, event }) =>
      type === '@xstate.event' && sessionId === actor?.sessionId ? [event?.type] : [],
    );
  expect(told(session)).toEqual(
    expect.arrayContaining([
      'session.hello',
      'job.submit',
      'transport.lost',
      'session.resume',
      'replay.caughtUp',
      'session.bye',
    ]),
  );
  expect(told(job)).toEqual(['xstate.init', 'job.start', 'agent.returned']);

  for (const state of [{ attached: 'live' }, 'detached', { attached: 'resumed' }, 'ended', 'running', 'success']) {
    expect(frames.some(isSnapshotOf(state)), JSON.stringify(state)).toBe(true);
  }
  expect(receiver.texts.join('')).toContain('"principal":"alice"');
  expect(secrets.every((secret) => secret.length > 8)).toBe(true);
  for (const text of receiver.texts) for (const secret of secrets) expect(text).not.toContain(secret);
});

test('inspected.js: run by node it serves, watched, and ends in order when told to', async () => {
  const receiver = await inspectorReceiver();
  const program = run('inspected.js', '0', receiver.url);
  const peer = new Peer(await dialWs(await program.prints('listening on ')));
  await peer.hello('tok-alice');
  await receiver.until((frames) => frames.some(isSnapshotOf({ attached: 'live' })));
  expect(await program.terminate()).toBe(0);
  await receiver.until((frames) => frames.some(isSnapshotOf('detached')));
});

test('inspected.js: a receiver that is not there changes nothing for clients', async () => {
  const program = run('inspected.js', '0', 'ws://127.0.0.1:1');
  const peer = new Peer(await dialWs(await program.prints('listening on ')));
  await peer.hello('tok-alice');
  await peer.ask('job.submit', { agent: 'counter', input: { count: 2 } });
  expect(await peer.next('job.result')).toMatchObject({ event_seq: 3 });
  expect(await program.terminate()).toBe(0);
});
