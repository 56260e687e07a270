// What a runtime tells Prometheus: each figure after something that has to change it, and none of it a secret.
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { prometheus } from '../../src/metrics.ts';
import { keptStore } from '../support/kept.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, turn } from '../support/session.ts';
import { provisionedJob } from '../support/upstream.ts';

function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  const at = simulatedRuntime({ agents: [agent.agent], resumeWindowSec: 60, ...options });
  return { ...at, agent, ...scraped(at.runtime) };
}

function scraped(runtime: Parameters<typeof prometheus>[0]) {
  const registry = new Registry();
  const remove = prometheus(runtime, registry);
  /** The figures of one metric as a scrape brings them, by label. */
  const read = async (name: string) => {
    await turn();
    const { values = [] } = (await registry.getMetricsAsJSON()).find((metric) => metric.name === name) ?? {};
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(), value]));
  };
  return { registry, remove, read };
}

test('sessions are counted by state, sockets beside them', async () => {
  const at = world();
  at.open();
  const one = await enter(at);
  const two = await enter(at, { token: tokens.bob });
  await enter(at);
  await cut(two.peer);
  expect(await at.read('arcp_sessions')).toMatchObject({ handshaking: 1, live: 2, detached: 1, expired: 0 });
  expect(await at.read('arcp_sockets')).toEqual({ '': 3 });
  await two.submit;
  at.clock.advance(59_000);
  await one.peer.ask('session.bye');
  expect(await at.read('arcp_sessions')).toMatchObject({ live: 1, closed: 0 });
});

test('resumes are counted by what became of them, and what they brought again', async () => {
  const at = world({ bufferEvents: 5 });
  const { peer, resumeToken, sessionId, submit } = await enter(at);
  await submit('puppet');
  at.agent.emit(4);
  await cut(peer);
  const other = at.open();
  const ask = (token: string, fields: object) =>
    other.ask('session.resume', { auth: { scheme: 'bearer', token }, ...fields });
  await ask(tokens.alice, { resume_token: 'rt_unheard-of', last_event_seq: 0 });
  await ask(tokens.bob, { resume_token: resumeToken, last_event_seq: 0 });
  const third = at.open();
  const again = (fields: object) =>
    third.ask('session.resume', {
      auth: { scheme: 'bearer', token: tokens.alice },
      resume_token: resumeToken,
      ...fields,
    });
  await again({ last_event_seq: 99 });
  await again({ last_event_seq: 1.5 });
  const fourth = at.open();
  await fourth.ask('session.resume', {
    ...{ auth: { scheme: 'bearer', token: tokens.alice }, resume_token: resumeToken, last_event_seq: 0 },
    session_id: `${sessionId}x`,
  });
  const back = await comeBack(at, { resumeToken, after: 1 });
  at.agent.emit(10);
  await back.peer.settle();
  await cut(back.peer);
  const last = at.open();
  await last.resume(tokens.alice, { resume_token: back.resumeToken, last_event_seq: 0 });
  at.clock.advance(60_000);
  await at.open().resume(tokens.alice, { resume_token: back.resumeToken, last_event_seq: 14 });
  const counted = { resumed: 1, unknown: 1, expired: 1, trimmed: 1, ahead: 1, foreign: 1, misnamed: 1, invalid: 1 };
  expect(await at.read('arcp_resumes_total')).toEqual(counted);
  expect(await at.read('arcp_replayed_events_total')).toEqual({ '': 3 });
});

test('jobs are counted as they are accepted, run and end, with their events', async () => {
  const at = world();
  const { submit, peer, ...owner } = await enter(at);
  const { job_id } = await submit('puppet');
  at.agent.emit(3);
  await submit('puppet');
  expect(await at.read('arcp_jobs_running')).toEqual({ '': 2 });
  at.agent.finish();
  await peer.next('job.result');
  await peer.ask('job.cancel', { job_id });
  at.agent.jobs[0]?.finish();
  await peer.next('job.error');
  expect(owner.sessionId).not.toBe('');
  expect(await at.read('arcp_jobs_running')).toEqual({ '': 0 });
  expect(await at.read('arcp_jobs_accepted_total')).toEqual({ '': 2 });
  expect(await at.read('arcp_jobs_ended_total')).toEqual({ success: 1, error: 0, cancelled: 1, timed_out: 0 });
  expect(await at.read('arcp_job_events_total')).toEqual({ '': 5 });
});

test('what is kept for clients is told in events and bytes, and how far behind they are', async () => {
  const at = world();
  const slow = await enter(at, { features: ['ack'] });
  await slow.submit('puppet');
  at.agent.emit(7);
  const quick = await enter(at, { features: [], token: tokens.bob });
  await quick.submit('puppet');
  at.agent.emit(2);
  await quick.peer.settle();
  expect(await at.read('arcp_lag_events')).toEqual({ '': 7 });
  expect(await at.read('arcp_buffered_events')).toEqual({ '': 9 });
  slow.peer.send('session.ack', { last_processed_seq: 4 });
  await slow.peer.settle();
  expect(await at.read('arcp_lag_events_max')).toEqual({ '': 3 });
  const [{ bufferedBytes = 0 } = {}, other] = at.runtime.sessions();
  expect(await at.read('arcp_buffered_bytes')).toEqual({ '': bufferedBytes + (other?.bufferedBytes ?? 0) });
  await cut(slow.peer);
  expect(await at.read('arcp_lag_events_max')).toEqual({ '': 0 });
});

test('credentials that may be live upstream are told, and those that ought not to be', async () => {
  const at = await provisionedJob();
  const { read } = scraped(at.runtime);
  expect([await read('arcp_credentials'), await read('arcp_credentials_unrevoked')]).toEqual([{ '': 1 }, { '': 0 }]);
  at.up.hold('revoke');
  at.agent.finish();
  await turn();
  expect(await read('arcp_credentials_unrevoked')).toEqual({ '': 1 });
  at.up.release('revoke');
  expect([await read('arcp_credentials'), await read('arcp_credentials_unrevoked')]).toEqual([{ '': 0 }, { '': 0 }]);
});

test('a store that cannot write is told by its reason, and what waits for it', async () => {
  const store = keptStore();
  const at = world({ store });
  await at.runtime.ready;
  const { submit } = await enter(at);
  await submit('puppet');
  store.hold(true);
  at.agent.emit(1);
  expect((await at.read('arcp_store_uncommitted'))['']).toBeGreaterThan(0);
  store.fail({ reason: 'full', message: 'no space left' });
  expect(await at.read('arcp_store_trouble')).toEqual({ full: 1, failing: 0, fenced: 0 });
  store.fail(undefined);
  store.hold(false);
  expect(await at.read('arcp_store_trouble')).toEqual({ full: 0, failing: 0, fenced: 0 });
  expect(await at.read('arcp_store_uncommitted')).toEqual({ '': 0 });
});

test('a registry can let the metrics go, and takes those of another runtime then', () => {
  const at = world();
  expect(at.registry.getMetricsAsArray().length).toBeGreaterThan(10);
  at.remove();
  expect(at.registry.getMetricsAsArray()).toEqual([]);
  prometheus(world().runtime, at.registry);
});

test('no secret and no name of anybody is in a scrape', async () => {
  const { runtime, up } = await provisionedJob();
  const { registry } = scraped(runtime);
  const text = await registry.metrics();
  expect(text).toContain('arcp_sessions{state="live"} 1');
  for (const secret of [...up.values, 'alice', tokens.alice]) expect(text).not.toContain(secret);
});

test('docs/observability.md lists the metrics there are, with what they mean', async () => {
  const { registry } = world();
  const guide = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
  const listed = [...guide.matchAll(/^\| `(arcp_\w+)` *\| *(\w+) *\|([^|]*)\|([^|]*)\|$/gm)].map(
    ([, name, type, labels, help]) => ({ name, type, labels: labels?.trim().replaceAll('`', ''), help: help?.trim() }),
  );
  const metrics = await registry.getMetricsAsJSON();
  const there = metrics.map(({ name, type, help, values }) => {
    const [label = ''] = Object.keys(values[0]?.labels ?? {});
    return { name, type, labels: label, help };
  });
  expect(listed).toEqual(there);
});
