// What an observer of the runtime's machines is told: every state of a session's life in the protocol's words, and no secret.

import { expect, test } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { bearer } from '../../src/auth.ts';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';

/** Not words that anything but a secret would have in it. */
const secrets = { alice: 'tok-5d1e70aa3c', bob: 'tok-b7c4f9221f', header: 'tok-0c66d8e914' };

function watchedWorld() {
  const agent = puppet();
  const events: InspectionEvent[] = [];
  /** As each event was when it came: an observer that writes them down writes this. */
  const texts: string[] = [];
  const simulated = simulatedRuntime({
    agents: [agent.agent],
    authenticate: bearer({ [secrets.alice]: 'alice', [secrets.bob]: 'bob' }),
    resumeWindowSec: 60,
    inspect: (event) => {
      events.push(event);
      texts.push(JSON.stringify(event));
    },
  });
  return { ...simulated, agent, events, texts };
}

type World = ReturnType<typeof watchedWorld>;

/** The states one session went through, transient ones too, in the protocol's words. */
function statesOf(at: World, sessionId: unknown): string[] {
  const states: string[] = [];
  for (const event of at.events) {
    if (event.type !== '@xstate.microstep' && event.type !== '@xstate.snapshot') continue;
    const { snapshot } = event;
    if (!('value' in snapshot) || !('context' in snapshot)) continue;
    if (JSON.parse(JSON.stringify(snapshot.context)).sessionId !== sessionId) continue;
    const { value } = JSON.parse(JSON.stringify(snapshot));
    const state: string = typeof value === 'string' ? value : value.attached;
    if (states.at(-1) !== state) states.push(state);
  }
  return states;
}

async function liveSession(at: World) {
  const peer = at.open({ headers: { authorization: `Bearer ${secrets.alice}` } });
  const welcome = await peer.hello(secrets.alice);
  const accepted = await peer.ask('job.submit', { agent: 'puppet' });
  return { peer, welcome, accepted, resumeToken: String(welcome.payload.resume_token) };
}

async function dropped(peer: Peer): Promise<void> {
  peer.drop();
  await peer.closed;
  await Promise.resolve();
}

async function resumed(at: World, resumeToken: string) {
  const peer = at.open();
  const welcome = await peer.resume(secrets.alice, { resume_token: resumeToken, last_event_seq: 0 });
  await peer.settle();
  return { peer, resumeToken: String(welcome.payload.resume_token) };
}

test('an observer sees a session handshake, live, detach, resume, live again, close and end', async () => {
  const at = watchedWorld();
  const { peer, welcome, resumeToken } = await liveSession(at);
  at.agent.emit(3);
  await dropped(peer);
  const again = await resumed(at, resumeToken);
  await again.peer.ask('session.bye');
  at.agent.finish();
  await again.peer.closed;
  await at.runtime.close();
  const states = statesOf(at, welcome.session_id);
  expect(states).toEqual(['handshaking', 'live', 'detached', 'resumed', 'live', 'closed', 'ended']);
});

test('an observer sees a session whose window is over expire, and end with its last job', async () => {
  const at = watchedWorld();
  const { peer, welcome } = await liveSession(at);
  await dropped(peer);
  at.clock.advance(60_000);
  expect(statesOf(at, welcome.session_id)).toEqual(['handshaking', 'live', 'detached', 'expired']);
  at.agent.finish('done');
  await at.runtime.close();
  expect(statesOf(at, welcome.session_id).slice(-2)).toEqual(['expired', 'ended']);
});

test('an observer is told of every job as a child of its session, with the events it heard', async () => {
  const at = watchedWorld();
  const { peer, accepted } = await liveSession(at);
  await peer.ask('job.cancel', { job_id: accepted.job_id });
  at.agent.fail(new Error('stopped'));
  await peer.next('job.error');
  const job = at.events.flatMap((event) => (event.type === '@xstate.actor' ? [event.actorRef] : [])).at(-1);
  expect(job).toMatchObject({ id: accepted.job_id });
  const heard = at.events.flatMap((event) =>
    event.type === '@xstate.event' && event.actorRef === job ? [event.event.type] : [],
  );
  expect(heard).toEqual(['xstate.init', 'job.start', 'job.cancel', 'agent.failed']);
  const states = at.events.flatMap((event) =>
    event.type === '@xstate.snapshot' && event.actorRef === job && 'value' in event.snapshot
      ? [event.snapshot.value]
      : [],
  );
  expect(states).toEqual(['pending', 'running', 'cancelling', 'cancelled']);
});

test('no secret is in any event, snapshot or context, whichever way it was sent', async () => {
  const at = watchedWorld();
  const { peer, resumeToken } = await liveSession(at);
  at.agent.emit(1);
  await dropped(peer);

  const thief = at.open();
  expect(await thief.resume(secrets.bob, { resume_token: resumeToken })).toMatchObject({
    payload: { code: 'PERMISSION_DENIED' },
  });
  const stranger = at.open({ headers: { authorization: `Bearer ${secrets.header}` } });
  await stranger.resume(secrets.header, { resume_token: resumeToken });
  const twoTokens = at.open({ headers: { authorization: `Bearer ${secrets.header}` } });
  await twoTokens.hello(secrets.alice);
  const malformed = at.open();
  await malformed.ask('session.hello', { auth: secrets.alice });
  const notJson = at.open();
  notJson.raw(`{"type":"session.hello","payload":{"auth":{"token":"${secrets.alice}"`);
  await notJson.closed;

  const again = await resumed(at, resumeToken);
  await again.peer.ask('session.hello', {
    auth: { scheme: 'bearer', token: secrets.bob },
    resume_token: again.resumeToken,
  });
  const twice = await resumed(at, again.resumeToken);
  await twice.peer.ask('session.bye');
  at.agent.finish();
  await at.runtime.close();

  expect(at.texts.length).toBeGreaterThan(100);
  const told = at.texts.join('\n');
  expect(told).toContain('"principal":"alice"');
  for (const secret of [...Object.values(secrets), resumeToken, again.resumeToken, twice.resumeToken]) {
    expect(secret.length).toBeGreaterThan(10);
    expect(told).not.toContain(secret);
  }
});
