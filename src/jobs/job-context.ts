import { setImmediate } from 'node:timers/promises';
import { ArcpError } from '../wire/errors.ts';
import type { Credential, EventBodies, EventKind, Lease, LogLevel } from '../wire/messages.ts';
import type { ChildJob, DelegateRequest } from './delegation.ts';
import type { Job } from './job.ts';
import type { Outcome } from './job-options.ts';
import { inlineResult, ResultWriter } from './results.ts';
import { callTool } from './tool-call.ts';

/** How long an agent may emit before `drained()` gives the event loop a turn. */
const turnMsMax = 2;

const plainKinds: ReadonlySet<string> = new Set<EventKind>([
  'log',
  'thought',
  'tool_call',
  'tool_result',
  'status',
  'metric',
  'artifact_ref',
  'progress',
]);

/**
 * A job as its agent sees it. Everything that emits is synchronous and never throws because of the connection: an agent
 * cannot tell whether a client is there. After a cancel, or the job's end, what it emits is dropped.
 */
export class JobContext<Input = unknown> {
  readonly id: string;
  /** The `input` of the submit, as it came. */
  readonly input: Input;
  /** Fires when the job is cancelled, timed out, or its runtime shuts down. */
  readonly signal: AbortSignal;
  readonly traceId: string | undefined;
  /** What was granted (§9): by namespace, the patterns of its targets. */
  readonly lease: Lease;
  /** Who submitted. */
  readonly principal: string;
  readonly #job: Job;
  #writer: ResultWriter | undefined;
  #turnBeganMs: number;

  constructor(job: Job & { input: Input }) {
    this.#job = job;
    this.id = job.id;
    this.input = job.input;
    this.signal = job.abort.signal;
    this.traceId = job.traceId;
    this.lease = job.authority.lease.granted;
    this.principal = job.session.principal;
    this.#turnBeganMs = job.settings.clock.uptime();
  }

  log(level: LogLevel, message: string): void {
    this.#job.emit('log', { level, message });
  }

  thought(text: string): void {
    this.#job.emit('thought', { text });
  }

  status(phase: string, message?: string): void {
    this.#job.emit('status', message === undefined ? { phase } : { phase, message });
  }

  /** What may still be spent, by currency (§9.6); of a currency that is not there, as much as one likes. */
  get budget(): Readonly<Record<string, number>> {
    return this.#job.authority.budget.remaining();
  }

  /** `value` is a finite number. One named `cost.*` in a unit of the budget is taken off it (§9.6). */
  metric(body: EventBodies['metric']): void {
    checkNumbers('metric', body);
    this.#job.emit('metric', body);
    if (isMetric(body)) this.#job.spend(body);
  }

  /** `current` ≥ 0. Left out of the stream of a session without the `progress` feature: it costs no number there (§8). */
  progress(body: EventBodies['progress']): void {
    checkNumbers('progress', body);
    this.#job.emit('progress', body, this.#job.session.features.has('progress') ? 'everyone' : 'subscribers');
  }

  artifact(body: EventBodies['artifact_ref']): void {
    this.#job.emit('artifact_ref', body);
  }

  /** Emits any kind of §8 but `result_chunk` (see `result()`), or a vendor's own, `x-vendor.*`. `body` is JSON. */
  emit(kind: string, body: unknown): void {
    if (!plainKinds.has(kind) && !/^x-vendor\.[\w.:/-]{1,128}$/.test(kind)) {
      throw new TypeError(`emit(): unknown kind ${JSON.stringify(kind)}; kinds of your own are x-vendor.NAME`);
    }
    checkNumbers(kind, body);
    const isLeftOut = kind === 'progress' && !this.#job.session.features.has('progress');
    this.#job.emit(kind, body, isLeftOut ? 'subscribers' : 'everyone');
    if (kind === 'metric' && isMetric(body)) this.#job.spend(body);
  }

  /**
   * Calls a tool: emits `tool_call`, checks the lease's `tool.call`, runs `fn(args)`, emits `tool_result`. Resolves with what `fn`
   * gave, which is JSON; rejects with what it threw, or with the lease's `ArcpError`, and then `fn` was not run.
   */
  tool<Args, Result>(name: string, args: Args, fn: (args: Args) => Result | Promise<Result>): Promise<Awaited<Result>> {
    return callTool(this.#job, { name, args, fn });
  }

  /**
   * Checks, before the agent does something itself, that its lease allows it (§9.3): expiry, then budget, then pattern.
   * Returns the target in the spelling that was checked: act on that one. Throws `ArcpError`: `LEASE_EXPIRED`, `BUDGET_EXHAUSTED`,
   * `PERMISSION_DENIED`; after a cancel, what the signal fired with.
   */
  authorize(namespace: string, target: string): string {
    try {
      return this.#job.check(namespace, target);
    } catch (error) {
      this.#job.heed(error);
      throw error;
    }
  }

  /** `authorize('model.use', name)`: before a model is called. */
  useModel(name: string): string {
    return this.authorize('model.use', name);
  }

  /**
   * Hands work to another agent (§10), with a subset of the own lease; what its `cost.budget` asks for is set aside until it
   * ends. It ends with this job at the latest. Throws `ArcpError`: what `authorize('agent.delegate', agent)` throws,
   * `LEASE_SUBSET_VIOLATION`, `AGENT_NOT_AVAILABLE`, `AGENT_VERSION_NOT_AVAILABLE`, `INVALID_REQUEST`, or `PERMISSION_DENIED` above
   * `maxDelegationDepth` and `maxJobsPerSession`.
   */
  delegate(request: DelegateRequest): ChildJob {
    return this.#job.delegate(this.#job, request);
  }

  /** What the runtime's provisioner issued for this job (§9.8), with the values that are good now. Each is a secret. */
  get credentials(): readonly Credential[] {
    return this.#job.credentials;
  }

  /**
   * Gives one of them another value, tells the submitter, and resolves with it; the old value is good for nothing. Rejects
   * with `INVALID_REQUEST` for an id that the job has not, or where the provisioner cannot; with `INTERNAL_ERROR` where it
   * fails.
   */
  rotateCredential(id: string): Promise<Credential> {
    return this.#job.provisioning.rotate(this.#job, id);
  }

  /** Waits on the runtime's clock; ends early, throwing, when the job's signal fires. */
  async sleep(ms: number): Promise<void> {
    const { clock } = this.#job.settings;
    this.signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const woken = () => {
        clock.clearTimeout(timer);
        reject(this.signal.reason);
      };
      const timer = clock.setTimeout(() => {
        this.signal.removeEventListener('abort', woken);
        resolve();
      }, ms);
      this.signal.addEventListener('abort', woken, { once: true });
    });
  }

  /** Resolves when the log and the sockets have room, and others had their turn: the way to emit much. */
  async drained(): Promise<void> {
    const { clock } = this.#job.settings;
    const { connection, log } = this.#job.session;
    await connection?.room();
    await log.room();
    if (clock.uptime() - this.#turnBeganMs < turnMsMax) return;
    await setImmediate();
    this.#turnBeganMs = clock.uptime();
  }

  /** Begins a streamed result (§8): `write` its chunks in order, `end` it, and return nothing. Once a job. */
  result({ encoding = 'utf8' }: { encoding?: 'utf8' | 'base64' } = {}): ResultWriter {
    if (this.#writer) throw new ArcpError('INTERNAL_ERROR', 'result(): a job has one result');
    this.#writer = new ResultWriter(this.#job, encoding);
    return this.#writer;
  }

  /** What the job's terminal says, from what the agent returned; throws where §8 is not kept. Called by the runtime. */
  conclude(returned: unknown): Outcome {
    if (!this.#writer) return { result: inlineResult(returned) };
    if (returned !== undefined) throw new TypeError('a job that streamed its result must return nothing');
    return this.#writer.conclude();
  }
}

interface NumberRule {
  name: string;
  min: number;
  optional: boolean;
}

const numbersByKind: Readonly<Record<string, readonly NumberRule[]>> = {
  progress: [
    { name: 'current', min: 0, optional: false },
    { name: 'total', min: Number.NEGATIVE_INFINITY, optional: true },
  ],
  metric: [{ name: 'value', min: Number.NEGATIVE_INFINITY, optional: false }],
};

/** JSON has no NaN and no infinity: such a number would go out as null, so it is refused where it is given (§8). */
function checkNumbers(kind: string, body: unknown): void {
  const fields = new Map<string, unknown>(Object.entries(typeof body === 'object' && body !== null ? body : {}));
  for (const { name, min, optional } of numbersByKind[kind] ?? []) {
    const value = fields.get(name);
    if (optional && value === undefined) continue;
    if (typeof value === 'number' && Number.isFinite(value) && value >= min) continue;
    throw new TypeError(`${kind}: ${name} must be a finite number${min === 0 ? ' of at least 0' : ''}`);
  }
}

/** `checkNumbers` has seen its value. */
function isMetric(body: unknown): body is { name: string; value: number; unit?: string } {
  if (typeof body !== 'object' || body === null || !('name' in body) || !('value' in body)) return false;
  return typeof body.name === 'string' && typeof body.value === 'number';
}
