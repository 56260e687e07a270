// What embedders import from 'arcp-xstate/tracing'. It needs `@opentelemetry/api`, an optional peer.
import { randomBytes } from 'node:crypto';
import {
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { JobTrace, ToolTrace, TracedAuthority, TracedEnd, TracedJob, Tracing } from './observe/tracing.ts';
import { packageVersion } from './version.ts';

/**
 * Spans of sessions (`arcp.session`), jobs (`arcp.job`) and tool calls (`arcp.tool`) for OpenTelemetry: `createRuntime({ tracing:
 * openTelemetry() })`. A job's parent is the `trace_id` of its submit, else its session; while its agent runs, the job's
 * span is the active one. docs/observability.md lists the attributes.
 */
export function openTelemetry({
  tracer = trace.getTracer('arcp-xstate', packageVersion),
}: {
  tracer?: Tracer;
} = {}): Tracing {
  const sessions = new Map<string, Span>();
  return {
    session({ sessionId, principal }) {
      const attributes = { 'arcp.session.id': sessionId, 'arcp.principal': principal };
      const span = tracer.startSpan('arcp.session', { kind: SpanKind.SERVER, attributes }, ROOT_CONTEXT);
      sessions.set(sessionId, span);
      return {
        changed: (state) => span.addEvent(`arcp.session.${state}`),
        end() {
          sessions.delete(sessionId);
          span.end();
        },
      };
    },
    job(job) {
      const session = sessions.get(job.sessionId);
      const remote = parentOf(job.traceId);
      const parent = remote
        ? trace.setSpanContext(ROOT_CONTEXT, remote)
        : session
          ? trace.setSpan(ROOT_CONTEXT, session)
          : ROOT_CONTEXT;
      const links = remote && session ? [{ context: session.spanContext() }] : [];
      const attributes = {
        'arcp.job.id': job.jobId,
        'arcp.session.id': job.sessionId,
        'arcp.agent': job.agent,
        ...attributesOf(job.authority()),
      };
      const span = tracer.startSpan('arcp.job', { kind: SpanKind.SERVER, attributes, links }, parent);
      return jobTrace(tracer, { job, span, within: trace.setSpan(parent, span) });
    },
  };
}

function jobTrace(tracer: Tracer, { job, span, within }: { job: TracedJob; span: Span; within: Context }): JobTrace {
  return {
    run: (work) => context.with(within, work),
    tool({ tool, callId }): ToolTrace {
      const attributes = { 'arcp.tool.name': tool, 'arcp.tool.call_id': callId, ...attributesOf(job.authority()) };
      const call = tracer.startSpan('arcp.tool', { kind: SpanKind.INTERNAL, attributes }, within);
      return {
        run: (work) => context.with(trace.setSpan(within, call), work),
        end: (end) => finish(call, end, job.authority()),
      };
    },
    end(end) {
      span.setAttribute('arcp.job.final_status', end.status);
      finish(span, end, job.authority());
    },
  };
}

function finish(span: Span, { status, code }: TracedEnd, authority: TracedAuthority): void {
  span.setAttributes(attributesOf(authority));
  if (code !== undefined) span.setAttribute('arcp.error.code', code);
  // What an exception says may hold a secret: the code of §12 is all that is told of it.
  if (status === 'error' || status === 'timed_out') {
    span.setStatus({ code: SpanStatusCode.ERROR, ...(code === undefined ? {} : { message: code }) });
  }
  span.end();
}

function attributesOf({ expiresAt, budget }: TracedAuthority): Record<string, string | string[]> {
  return {
    ...(expiresAt === undefined ? {} : { 'arcp.lease.expires_at': expiresAt }),
    ...(budget === undefined ? {} : { 'arcp.budget.remaining': [...budget] }),
  };
}

/** The span a trace context names; a bare trace id names a trace, whose first span is nobody's (§11). */
function parentOf(traceId: string | undefined): SpanContext | undefined {
  if (traceId === undefined) return undefined;
  const [, id = traceId, spanId, flags] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceId) ?? [];
  const parent = {
    traceId: id,
    spanId: spanId ?? randomBytes(8).toString('hex'),
    traceFlags: flags === undefined ? TraceFlags.SAMPLED : Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(parent) ? parent : undefined;
}
