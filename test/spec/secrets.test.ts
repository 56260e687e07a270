// §8 of the protocol and the house's own rule: no secret in a log, a store, a chart, the inspector, an audit, a span, an error, or
// in what anybody is sent but the one it is for. One busy day, then a search for every secret there was.
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Actor, type AnyActor } from 'xstate';
import { bearer } from '../../src/auth.ts';
import type { AuditEntry } from '../../src/index.ts';
import { openTelemetry } from '../../src/tracing.ts';
import { keptStore } from '../support/kept.ts';
import type { Peer } from '../support/peer.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { cut, enter, turn } from '../support/session.ts';
import { credentialFeatures, upstream } from '../support/upstream.ts';

/** Not words that anything but a secret would have in it. */
const bearers = { alice: 'tok-3fa9c1be70', bob: 'tok-77d0e2a1c4' };
const thrown = 'sk-9e8d7c6b5a4f';

function watched() {
  const up = upstream();
  const agent = puppet();
  const store = keptStore();
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const places: { log: string[]; inspector: string[]; audit: AuditEntry[] } = { log: [], inspector: [], audit: [] };
  const actors = new Set<AnyActor>();
  const at = simulatedRuntime({
    agents: [agent.agent],
    authenticate: bearer({ [bearers.alice]: 'alice', [bearers.bob]: 'bob' }),
    provisioner: up.provisioner,
    store,
    resumeWindowSec: 3600,
    revocationGraceSec: 5,
    tracing: openTelemetry({ tracer: provider.getTracer('test') }),
    log: pino({ level: 'trace' }, { write: (line: string) => void places.log.push(line) }),
    audit: (entry) => places.audit.push(entry),
    inspect(event) {
      places.inspector.push(JSON.stringify(event));
      if (event.actorRef instanceof Actor) actors.add(event.actorRef);
    },
  });
  const charts = () => JSON.stringify([...actors].map((actor) => actor.getPersistedSnapshot()));
  return { ...at, agent, up, store, exporter, places, charts };
}

type World = ReturnType<typeof watched>;

/** Jobs that end in every way, drops, resumes, rotations, failures of the provisioner, and agents that tell all they know. */
async function busyDay(at: World) {
  const { agent, up } = at;
  const owner = await enter(at, { token: bearers.alice, features: credentialFeatures });
  const { submit, resumeToken } = owner;
  const ids: string[] = [];
  for (const ending of ['finish', 'fail', 'cancel', 'timeout', 'slow revocation'] as const) {
    const { payload } = await submit('puppet', { idempotency_key: ending, max_runtime_sec: 60 });
    ids.push(payload.job_id);
    const { job } = agent;
    await job.rotateCredential(payload.credentials[0].id);
    for (const value of up.values.slice(-2))
      job.log('info', `I use ${value} and ${Buffer.from(value).toString('base64')}`);
    job.emit('x-vendor.call', { key: up.values.at(-1) });
    if (ending === 'slow revocation') up.fail('revoke', () => new Error(`${thrown} is stuck`));
    if (ending === 'cancel') await owner.peer.ask('job.cancel', { job_id: payload.job_id, reason: 'enough' });
    if (ending === 'timeout') at.clock.advance(60_000);
    else if (ending === 'fail')
      agent.fail(Object.assign(new Error(`401 ${up.values.at(-1)}`), { key: up.values.at(-1) }));
    else agent.finish({ used: up.values.at(-1) });
    await turn();
    at.clock.advance(5000);
    await turn();
    up.recover('revoke');
  }
  up.fail('issue', () => Object.assign(new Error(`${thrown} refused`), { response: { body: thrown } }));
  await submit('puppet');
  up.recover('issue');
  await submit('puppet');
  up.fail('rotate', () => thrown);
  await agent.job.rotateCredential(agent.job.credentials[0]?.id ?? '').catch(() => {});
  await cut(owner.peer);
  const back = at.open();
  const welcome = await back.resume(bearers.alice, { resume_token: resumeToken, last_event_seq: 0 });
  await back.settle();
  return {
    ids,
    running: agent.job,
    peers: [owner.peer, back],
    resumeTokens: [resumeToken, String(welcome.payload.resume_token)],
  };
}

/** Everybody else there is: another principal, and another session of the same one. */
async function bystanders(
  at: World,
  { ids, running, resumeTokens }: Awaited<ReturnType<typeof busyDay>>,
): Promise<Peer[]> {
  const features = [...credentialFeatures, 'list_jobs', 'subscribe'];
  const bob = await enter(at, { token: bearers.bob, features });
  const other = await enter(at, { token: bearers.alice, features });
  for (const { peer, submit } of [bob, other]) {
    for (const job_id of ids) await peer.ask('job.cancel', { job_id });
    for (const job_id of [...ids, running.id]) await peer.ask('job.subscribe', { job_id, history: true });
    await peer.ask('session.list_jobs');
    await submit('puppet', { idempotency_key: 'finish', max_runtime_sec: 60 });
    const thief = at.open();
    await thief.resume(bearers.bob, { resume_token: resumeTokens[1] ?? '', last_event_seq: 0 });
  }
  // Somebody watches while a credential is rotated.
  at.up.recover('rotate');
  const { value } = await running.rotateCredential(running.credentials[0]?.id ?? '');
  running.log('info', `rotated to ${value}`);
  for (const { peer } of [bob, other]) await peer.settle();
  expect(other.peer.texts.at(-2)).toContain('rotated to [credential');
  for (const { peer } of [bob, other]) expect(peer.texts.join('\n')).not.toContain(value);
  return [bob.peer, other.peer];
}

// proves P8.26
test('§8 of all the secrets of a busy day none is anywhere it must not be', async () => {
  const at = watched();
  await at.runtime.ready;
  const day = await busyDay(at);
  const others = await bystanders(at, day);
  const stats = JSON.stringify([at.runtime.stats(), at.runtime.sessions()]);
  const charts = at.charts();
  const closed = at.runtime.close();
  for (const job of at.agent.jobs) job.fail(new Error('the end'));
  await turn();
  at.clock.advance(60_000);
  await closed;
  expect(at.up.values.length).toBeGreaterThan(10);
  const spans = at.exporter.getFinishedSpans().map(({ name, attributes, events, links, status }) => ({
    ...{ name, attributes, events, links, status },
  }));
  const places = {
    log: at.places.log.join(''),
    inspector: at.places.inspector.join('\n'),
    audit: JSON.stringify(at.places.audit),
    charts,
    store: at.store.medium.text,
    spans: JSON.stringify(spans),
    stats,
  };
  for (const [place, text] of Object.entries(places)) {
    expect(text.length, place).toBeGreaterThan(100);
    for (const secret of [...at.up.values, ...Object.values(bearers), ...day.resumeTokens, thrown]) {
      expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
      expect(text.includes(Buffer.from(secret).toString('base64')), `${secret} as base64 in ${place}`).toBe(false);
    }
  }
  // What bystanders have of their own is theirs; of the day's own secrets they have none.
  const ofTheDay = at.up.values.slice(0, 11);
  for (const secret of [...ofTheDay, ...day.resumeTokens, thrown]) {
    for (const peer of others) expect(peer.texts.join('\n').includes(secret), secret).toBe(false);
  }
  // The submitter has them where the protocol says so, and in no other frame.
  const allowed = /"type":"job\.accepted"|"phase":"credential_rotated"/;
  for (const text of day.peers.flatMap(({ texts }) => texts)) {
    if (!allowed.test(text)) for (const value of at.up.values) expect(text).not.toContain(value);
  }
});
