import type { Logger } from '../options.ts';

/** Who is told what happens, to make spans of it (`arcp-xstate/tracing`). Nothing that is told holds a secret. */
export interface Tracing {
  /** A client has opened a session (§6.1). */
  session(session: { sessionId: string; principal: string }): SessionTrace;
  /** An agent begins to work on a job (§7), also again in a later process. */
  job(job: TracedJob): JobTrace;
}

export interface SessionTrace {
  /** It has come into another state of its life. */
  changed(state: string): void;
  end(): void;
}

export interface TracedJob {
  jobId: string;
  sessionId: string;
  /** `name@version`. */
  agent: string;
  /** As the submit brought it: 32 hex digits, or a whole traceparent (§11). */
  traceId: string | undefined;
  /** Read when a span begins and when it ends. */
  authority(): TracedAuthority;
}

/** How much a job may still do. */
export interface TracedAuthority {
  /** `expires_at` of its lease. */
  expiresAt?: string;
  /** What remains, as `USD:4.50`. */
  budget?: readonly string[];
}

/** How something ended; `code` is an error code of §12. */
export interface TracedEnd {
  status: string;
  code?: string;
}

export interface JobTrace {
  /** Calls it so that what it traces itself belongs to this job. */
  run<Result>(work: () => Result): Result;
  /** The agent calls a tool. */
  tool(call: { tool: string; callId: string }): ToolTrace;
  end(end: TracedEnd): void;
}

export interface ToolTrace {
  run<Result>(work: () => Result): Result;
  end(end: TracedEnd): void;
}

/** A tracer that fails must not change what it traces. */
export function harmlessTracing(tracing: Tracing, log: Logger): Tracing {
  const safely = <Result>(work: () => Result): Result | undefined => {
    try {
      return work();
    } catch (error) {
      log.error({ err: error }, 'tracing failed');
      return undefined;
    }
  };
  const spanned = (trace: ToolTrace | undefined): ToolTrace => ({
    run: (work) => once(work, (attempt) => safely(() => trace?.run(attempt))),
    end: (end) => safely(() => trace?.end(end)),
  });
  return {
    session(session) {
      const trace = safely(() => tracing.session(session));
      return {
        changed: (state) => safely(() => trace?.changed(state)),
        end: () => safely(() => trace?.end()),
      };
    },
    job(job) {
      const trace = safely(() => tracing.job(job));
      return { ...spanned(trace), tool: (call) => spanned(safely(() => trace?.tool(call))) };
    },
  };
}

/** Does a work exactly once, whether or not who was asked to do it does, and gives what came of it. */
function once<Result>(work: () => Result, through: (attempt: () => void) => void): Result {
  let done: { result: Result } | { error: unknown } | undefined;
  const attempt = () => {
    try {
      done ??= { result: work() };
    } catch (error) {
      done = { error };
    }
    return done;
  };
  through(attempt);
  const outcome = done ?? attempt();
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}
