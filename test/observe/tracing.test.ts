// The spans that OpenTelemetry gets of sessions, jobs and tool calls: whose child each is, what it says, and no secret.
import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { type Context, type ContextManager, context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import { openTelemetry } from '../../src/tracing.ts';
import { leaseFeatures } from '../support/leases.ts';
import { simulatedRuntime, tokens } from '../support/runtime.ts';
import { comeBack, cut, enter, quietFeatures, turn } from '../support/session.ts';
import { credentialFeatures, provisionedRuntime } from '../support/upstream.ts';

/** What an SDK for Node brings: the active context follows every await. */
const storage = new AsyncLocalStorage<Context>();
const manager: ContextManager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (within, work, self, ...given) => storage.run(within, () => Reflect.apply(work, self, given)),
  bind: (_within, target) => target,
  enable: () => manager,
  disable: () => manager,
};
beforeAll(() => void context.setGlobalContextManager(manager));
afterAll(() => context.disable());

function traced() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('test');
  const spans = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
  const one = (name: string): ReadableSpan => {
    const [span, ...more] = spans(name);
    if (!span || more.length > 0) throw new Error(`${more.length + (span ? 1 : 0)} spans ${name}`);
    return span;
  };
  return { exporter, tracer, tracing: openTelemetry({ tracer }), spans, one };
}

function world(options: Partial<Parameters<typeof provisionedRuntime>[0]> = {}) {
  const spans = traced();
  return { ...provisionedRuntime({ tracing: spans.tracing, resumeWindowSec: 60, ...options }), ...spans };
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

test('a session is one span over every reconnect, its states told as events', async () => {
  const at = world();
  const { peer, resumeToken, sessionId } = await at.join();
  await cut(peer);
  const back = await comeBack(at, { resumeToken });
  expect(at.spans('arcp.session')).toEqual([]);
  await back.peer.ask('session.bye');
  await turn();
  const span = at.one('arcp.session');
  expect(span.attributes).toEqual({ 'arcp.session.id': sessionId, 'arcp.principal': 'alice' });
  const states = ['live', 'detached', 'resumed', 'live', 'ended'];
  expect(span.events.map(({ name }) => name)).toEqual(states.map((state) => `arcp.session.${state}`));
});

test('sockets that never say who they are have no span', async () => {
  const at = world();
  const stranger = at.open();
  await stranger.hello('tok-nobody');
  at.open();
  at.clock.advance(60_000);
  await turn();
  expect(at.exporter.getFinishedSpans()).toEqual([]);
});

test('the parent of a job is the traceparent of its submit, and its session a link', async () => {
  const at = world();
  const { peer, submit } = await at.join();
  const { job_id: jobId } = await submit('puppet', {}, { trace_id: `00-${traceId}-${spanId}-01` });
  at.agent.finish();
  await peer.next('job.result');
  await peer.ask('session.bye');
  const job = at.one('arcp.job');
  expect(job.spanContext().traceId).toBe(traceId);
  expect(job.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true });
  expect(job.links).toEqual([{ context: at.one('arcp.session').spanContext() }]);
  expect(job.attributes).toMatchObject({
    ...{ 'arcp.job.id': jobId, 'arcp.agent': 'puppet@1.0.0', 'arcp.job.final_status': 'success' },
  });
  expect(job.status.code).toBe(SpanStatusCode.UNSET);
});

test('a bare trace id names the trace; without one the session is the parent', async () => {
  const at = world();
  const { peer, submit } = await at.join();
  await submit('puppet', {}, { trace_id: traceId });
  at.agent.finish();
  await submit('puppet');
  at.agent.finish();
  await peer.ask('session.bye');
  await turn();
  const [bare, without] = at.spans('arcp.job');
  expect(bare?.spanContext().traceId).toBe(traceId);
  expect(without?.parentSpanContext?.spanId).toBe(at.one('arcp.session').spanContext().spanId);
});

test('how a job ended is its status, with the code of §12 and no word of the exception', async () => {
  const at = world();
  const { peer, submit } = await at.join();
  await submit('puppet');
  at.agent.fail(new Error('hunter2'));
  await peer.next('job.error');
  const { job_id } = await submit('puppet', { max_runtime_sec: 5 });
  await peer.ask('job.cancel', { job_id });
  at.agent.finish();
  await peer.next('job.error');
  await submit('puppet', { max_runtime_sec: 5 });
  at.clock.advance(5000);
  await peer.next('job.error');
  const ends = at
    .spans('arcp.job')
    .map(({ attributes, status }) => [
      attributes['arcp.job.final_status'],
      attributes['arcp.error.code'],
      status.code,
      status.message,
    ]);
  expect(ends).toEqual([
    ['error', 'INTERNAL_ERROR', SpanStatusCode.ERROR, 'INTERNAL_ERROR'],
    ['cancelled', 'CANCELLED', SpanStatusCode.UNSET, undefined],
    ['timed_out', 'TIMEOUT', SpanStatusCode.ERROR, 'TIMEOUT'],
  ]);
});

test('while an agent works its span is the active one, over every await', async () => {
  const spans = traced();
  const agent = defineAgent({
    name: 'caller',
    async run() {
      await turn();
      spans.tracer.startSpan('fetch').end();
    },
  });
  const { submit, peer } = await enter(simulatedRuntime({ agents: [agent], tracing: spans.tracing }));
  await submit('caller');
  await peer.next('job.result');
  expect(spans.one('fetch').parentSpanContext?.spanId).toBe(spans.one('arcp.job').spanContext().spanId);
  expect(trace.getActiveSpan()).toBeUndefined();
});

test('a call of a tool is a span of its job, with what its lease still allows and how it ended', async () => {
  const spans = traced();
  const agent = defineAgent({
    name: 'caller',
    async run(job) {
      await job.tool('search', {}, () => {
        job.metric({ name: 'cost.search', value: 0.5, unit: 'USD' });
        spans.tracer.startSpan('fetch').end();
      });
      await job.tool('shell', {}, () => 1).catch(() => {});
    },
  });
  const at = simulatedRuntime({ agents: [agent], tracing: spans.tracing });
  const { submit, peer } = await enter(at, { features: leaseFeatures });
  const expires_at = '2030-01-01T00:00:00Z';
  const lease_request = { 'tool.call': ['search'], 'cost.budget': ['USD:5.00'] };
  await submit('caller', { lease_request, lease_constraints: { expires_at } });
  await peer.next('job.result');
  const [search, shell] = spans.spans('arcp.tool');
  expect(search?.parentSpanContext?.spanId).toBe(spans.one('arcp.job').spanContext().spanId);
  expect(spans.one('fetch').parentSpanContext?.spanId).toBe(search?.spanContext().spanId);
  expect(search?.attributes).toMatchObject({
    'arcp.tool.name': 'search',
    'arcp.lease.expires_at': expires_at,
    'arcp.budget.remaining': ['USD:4.5'],
  });
  expect(search?.status.code).toBe(SpanStatusCode.UNSET);
  expect(shell?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'PERMISSION_DENIED' });
});

test('a tool call is a span of its job, with what the job may still do, active while the tool runs', async () => {
  const spans = traced();
  const agent = defineAgent({
    name: 'buyer',
    async run(job) {
      await job.tool('shop.buy', { key: 'hunter2' }, async () => {
        spans.tracer.startSpan('fetch').end();
        job.metric({ name: 'cost.shop', value: 1.5, unit: 'USD' });
      });
      await job.tool('bank.rob', {}, () => 'never').catch(() => {});
      const failing = () => {
        throw new Error('hunter2');
      };
      await job.tool('shop.break', {}, failing).catch(() => {});
    },
  });
  const at = simulatedRuntime({ agents: [agent], tracing: spans.tracing });
  const expires_at = new Date(at.clock.now() + 60_000).toISOString();
  const features = [...quietFeatures, 'cost.budget', 'lease_expires_at'];
  const { submit, peer } = await enter(at, { features });
  const lease_request = { 'tool.call': ['shop.*'], 'cost.budget': ['USD:5.00'] };
  await submit('buyer', { lease_request, lease_constraints: { expires_at } });
  await peer.next('job.result');
  const job = spans.one('arcp.job');
  const authority = (remaining: string) => ({
    'arcp.lease.expires_at': expires_at,
    'arcp.budget.remaining': [remaining],
  });
  const told = spans.spans('arcp.tool').map(({ attributes, status }) => ({ ...attributes, status: status.code }));
  const call = { 'arcp.tool.call_id': expect.stringMatching(/^call_/) };
  expect(told).toEqual([
    { ...call, ...authority('USD:3.5'), 'arcp.tool.name': 'shop.buy', status: SpanStatusCode.UNSET },
    {
      ...{ ...call, ...authority('USD:3.5'), 'arcp.tool.name': 'bank.rob' },
      ...{ 'arcp.error.code': 'PERMISSION_DENIED', status: SpanStatusCode.ERROR },
    },
    {
      ...{ ...call, ...authority('USD:3.5'), 'arcp.tool.name': 'shop.break' },
      ...{ 'arcp.error.code': 'INTERNAL_ERROR', status: SpanStatusCode.ERROR },
    },
  ]);
  expect(job.attributes).toMatchObject(authority('USD:3.5'));
  const [buy] = spans.spans('arcp.tool');
  expect(buy?.parentSpanContext?.spanId).toBe(job.spanContext().spanId);
  expect(spans.one('fetch').parentSpanContext?.spanId).toBe(buy?.spanContext().spanId);
  expect(JSON.stringify(told)).not.toContain('hunter2');
});

test('a tracer that fails is logged, and changes nothing else', async () => {
  const failing = () => {
    throw new Error('no tracer');
  };
  const { tracing } = traced();
  for (const broken of [
    { session: failing, job: failing },
    { ...tracing, job: () => ({ run: failing, tool: failing, end: failing }) },
    { session: () => ({ changed: failing, end: failing }), job: tracing.job },
  ]) {
    const agent = defineAgent({ name: 'echo', run: (job) => job.input });
    const at = simulatedRuntime({ agents: [agent], tracing: broken });
    const { submit, peer } = await enter(at);
    await submit('echo', { input: 7 });
    expect(await peer.next('job.result')).toMatchObject({ payload: { result: 7 } });
    await peer.ask('session.bye');
    expect(at.log.lines.every(({ message }) => message === 'tracing failed')).toBe(true);
    expect(at.log.lines.length).toBeGreaterThan(0);
  }
});

test('no secret is in any span', async () => {
  const at = world();
  const { peer, submit, resumeToken } = await enter(at, { features: credentialFeatures });
  await submit('puppet', { input: { secret: 'hunter2' } });
  at.agent.job.log('info', 'hunter2');
  at.agent.fail(new Error(`hunter2 ${at.up.values[0]}`));
  await peer.next('job.error');
  await peer.ask('session.bye', { reason: 'hunter2' });
  await turn();
  const told = at.exporter.getFinishedSpans().map(({ name, attributes, events, status, links }) => ({
    ...{ name, attributes, events, status, links },
  }));
  expect(told).toHaveLength(2);
  const text = JSON.stringify(told);
  for (const secret of ['hunter2', resumeToken, tokens.alice, ...at.up.values]) expect(text).not.toContain(secret);
});

test('docs/observability.md lists every span and every attribute there is', () => {
  const guide = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
  const source = readFileSync(new URL('../../src/tracing.ts', import.meta.url), 'utf8');
  const listed = [...guide.matchAll(/^\| `(arcp\.[\w.]+)` *\|/gm)].map(([, name]) => name);
  const there = [...source.matchAll(/'(arcp\.[\w.]+)'/g)].map(([, name]) => name);
  expect(new Set(listed)).toEqual(new Set(there));
});
