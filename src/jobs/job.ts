import type { FinalStatus, JobEvent } from '../../machines/index.ts';
import { isoTime } from '../clock.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { Secrets } from '../credentials/secrets.ts';
import { type Authority, authorize } from '../leases/authority.ts';
import { traceJob } from '../observe/trace-job.ts';
import type { JobTrace } from '../observe/tracing.ts';
import type { Settings } from '../options.ts';
import type { Session } from '../session.ts';
import type { JobHistory } from '../watching/history.ts';
import { type Dialect, dialects } from '../wire/dialects.ts';
import { ArcpError, type ErrorCode } from '../wire/errors.ts';
import { frameHead } from '../wire/frame-text.ts';
import type { AcceptedPayload, Credential } from '../wire/messages.ts';
import type { Agent } from './agents.ts';
import { JobContext } from './job-context.ts';
import { JobFrames } from './job-frames.ts';
import type { JobEnd, JobOptions, KeptJob, Outcome } from './job-options.ts';
import { type MachineRun, suspended } from './machine-agent.ts';
import { type StreamedResult, wholeResult } from './results.ts';

const noOutcome: Outcome = { result: 'null' };

/** Longest body of one event. A chunk has a limit of its own, on what it carries (src/jobs/results.ts). */
const eventBytesMax = 1.5 * 2 ** 20;

/** What a live job owns while its chart (machines/job.ts) says what becomes of it. */
export class Job {
  readonly id: string;
  readonly session: Session;
  readonly agent: Agent;
  readonly input: unknown;
  readonly traceId: string | undefined;
  readonly accepted: AcceptedPayload;
  readonly authority: Authority;
  readonly parent: Job | undefined;
  /** How often it was delegated: 0 where a client submitted it. */
  readonly depth: number;
  readonly delegate: JobOptions['delegate'];
  readonly audit: JobOptions['audit'];
  /** Called once, when the job's terminal is in the log. */
  onSettled: (end: JobEnd) => void = () => {};
  /** Where a parent waits for it: the parts of a streamed result. */
  streamed: StreamedResult | undefined;
  /** What it emits, for those who subscribe (§7.6). */
  readonly history: JobHistory;
  readonly abort = new AbortController();
  /** What its lease has refused: such errors may be told on the wire as they are. */
  readonly refusals = new WeakSet<object>();
  /** What the job has of services upstream (§9.8): for its agent and its submitter, and kept nowhere else. */
  credentials: readonly Credential[] = [];
  readonly secrets = new Secrets();
  /** Set when the agent came to its end; the terminal is not yet in the log. */
  outcome: Outcome | undefined;
  /** `running` until the terminal is in the log, also while cancelling. */
  status: 'running' | FinalStatus = 'running';
  /** The code of the terminal, where it is an error's. */
  code: ErrorCode | undefined;
  /** What its terminal said, of a child its result too; undefined while it has none. */
  end: JobEnd | undefined;
  /** It is to end: a cancel was acknowledged, or its parent or its session is over. */
  cancel: { reason?: string } | undefined;
  readonly deadlineMs: number | undefined;
  readonly firstSeq: number;
  readonly settings: Settings;
  readonly kept: KeptJob | undefined;
  /** Where the agent is a machine, and has begun. */
  machine: MachineRun | undefined;
  readonly provisioning: Credentials;
  /** The span of the agent's work, where there is one. */
  trace: JobTrace | undefined;
  readonly frames: JobFrames;
  /** Brings to its chart what the agent's own calls find out. */
  #tell: (event: JobEvent) => void = () => {};
  #settled = () => {};
  /** Resolves when the agent's own code has come to its end, whatever became of the job. */
  readonly settled: Promise<void>;

  constructor(options: JobOptions) {
    this.id = options.id;
    this.session = options.session;
    this.agent = options.agent;
    this.input = options.input;
    this.traceId = options.traceId;
    this.accepted = options.accepted;
    this.authority = options.authority;
    this.parent = options.parent;
    this.depth = options.parent ? options.parent.depth + 1 : 0;
    this.delegate = options.delegate;
    this.audit = options.audit;
    this.history = options.history;
    this.settings = options.settings;
    this.kept = options.kept;
    this.provisioning = options.provisioning;
    this.deadlineMs = options.deadlineMs;
    this.firstSeq = options.firstSeq ?? options.session.log.newestSeq + 1;
    this.frames = new JobFrames(this);
    this.settled = new Promise((resolve) => {
      this.#settled = resolve;
    });
  }

  get cancelReason(): string | undefined {
    return this.cancel?.reason;
  }

  /** Who submitted. */
  get principal(): string {
    return this.session.principal;
  }

  /** What is left of its budget now. */
  get budget(): Record<string, number> | undefined {
    return this.accepted.budget && this.authority.budget.remaining();
  }

  get sessionId(): string {
    return this.session.id;
  }

  /** Runs the agent; `tell` brings its end to the job's chart. */
  async run(tell: (event: JobEvent) => void): Promise<void> {
    this.#tell = tell;
    const context = new JobContext(this);
    const work = () => this.agent.run(context, this);
    this.trace = traceJob(this);
    try {
      const returned = await (this.trace ? this.trace.run(work) : work());
      if (returned === suspended) return;
      this.outcome = context.conclude(returned);
      tell({ type: 'agent.returned' });
    } catch (error) {
      // An agent that stops because it was told to has not failed: its chart knows why it ends.
      if (!this.abort.signal.aborted) {
        const err = this.secrets.without(error);
        this.settings.log.error({ jobId: this.id, agent: this.agent.name, err }, 'agent failed');
      }
      this.outcome = noOutcome;
      tell({ type: 'agent.failed' });
    } finally {
      this.#settled();
    }
  }

  /**
   * Puts one event into the session's log, its kind being one of §8 or `x-vendor.` and plain characters; one for `subscribers`
   * is of a feature that the session has not negotiated, and is left out of its log. After the cancel is acknowledged, or the
   * end, it is dropped (§7).
   */
  emit(kind: string, body: unknown, audience: 'everyone' | 'subscribers' = 'everyone'): void {
    if (this.isEnding) return;
    const told = audience === 'everyone' ? this.session.dialect.event(kind, body) : body;
    const said = JSON.stringify(told);
    // A chunk's size is counted: it was searched when it was written (src/jobs/results.ts).
    const text = kind === 'result_chunk' ? said : this.secrets.hide(said);
    if (text === undefined) throw new TypeError(`the body of a ${kind} event must be JSON`);
    if (kind !== 'result_chunk' && Buffer.byteLength(text) > eventBytesMax) {
      throw new RangeError(`the body of a ${kind} event is over ${eventBytesMax} bytes`);
    }
    const ts = this.now();
    const tail = `,"payload":{"kind":"${kind}","ts":"${ts}","body":${text}}}`;
    const head = frameHead('job.event', this.frames.envelope);
    if (audience === 'subscribers') return this.history.addLeftOut(`${head}0${tail}`);
    this.settings.tally.jobEvents += 1;
    const { log } = this.session;
    const eventSeq = log.append(head, tail);
    this.history.add(
      eventSeq,
      told === body
        ? (log.newestText ?? `${head}${eventSeq}${tail}`)
        : this.frames.plainEvent({ kind, ts, body: this.secrets.hide(JSON.stringify(body)) }),
    );
    if (eventSeq >= this.session.lagsFromSeq) this.session.tellLag(this.frames);
  }

  /** The end is decided, or soon will be: what the agent still says is dropped. */
  get isEnding(): boolean {
    return this.status !== 'running' || this.outcome !== undefined || this.abort.signal.aborted;
  }

  /** What was accepted, for who asks: with the credentials for the submitter alone, while the job runs (§9.8). */
  acceptedFor(session: Session): AcceptedPayload {
    const isShown = session === this.session && session.features.has('provisioned_credentials') && !this.isEnding;
    if (!isShown || this.credentials.length === 0) return this.accepted;
    return { ...this.accepted, credentials: this.credentials };
  }

  takeCredentials(credentials: readonly Credential[]): void {
    this.credentials = credentials;
    for (const { id, value } of credentials) this.secrets.add(value, `[credential ${id}]`);
  }

  /**
   * A credential has another value (§9.8.2). The event that says so goes into the log without it: only the submitter's own
   * connection is given the frame with the value in it.
   */
  takeRotated(rotated: Credential): void {
    this.takeCredentials(this.credentials.map((held) => (held.id === rotated.id ? rotated : held)));
    if (!this.session.features.has('provisioned_credentials')) return;
    this.frames.note({ phase: 'credential_rotated', id: rotated.id }, { value: rotated.value });
  }

  /** Checks one call against the lease (§9.3) and returns its target in canonical spelling; throws why it may not be. */
  check(namespace: string, target: unknown): string {
    const { isEnding, abort, settings } = this;
    try {
      return authorize(this.authority, { namespace, target, clock: settings.clock, signal: abort.signal, isEnding });
    } catch (error) {
      this.refused(error);
      throw error;
    }
  }

  /** A call was refused, and not because the job is at its end: whoever audits is told. */
  refused(error: unknown): void {
    this.refusals.add(Object(error));
    if (!(error instanceof ArcpError) || this.isEnding) return;
    const { principal, id: sessionId } = this.session;
    this.audit({ action: 'authorize', outcome: 'refused', principal, sessionId, jobId: this.id, code: error.code });
  }

  /** A call found the lease at its end, perhaps before the job's timer did: the job ends with it (§9.5). */
  heed(error: unknown): void {
    if (error instanceof ArcpError && error.code === 'LEASE_EXPIRED' && this.refusals.has(error)) {
      this.#tell({ type: 'lease.expired' });
    }
  }

  /** Counts what a `metric` costs (§9.6), and tells what remains where that is material. */
  spend(body: { name: string; value: number; unit?: string | undefined }): void {
    const value = this.authority.budget.spend(body);
    if (value === undefined || !this.session.features.has('cost.budget')) return;
    this.emit('metric', { name: 'cost.budget.remaining', value, unit: body.unit });
  }

  /** The one terminal frame of a job that ended well. */
  recordResult(): void {
    const { outcome = noOutcome } = this;
    const { summary } = outcome;
    const streamed = 'resultId' in outcome ? { result_id: outcome.resultId, result_size: outcome.resultSize } : {};
    const ended = { job_id: this.id, final_status: 'success', ...streamed, summary, completed_at: this.now() };
    const result = 'result' in outcome ? this.secrets.hide(outcome.result) : undefined;
    const inline = (names: readonly string[]) => names.map((name) => `,"${name}":${result}`).join('');
    const payload = ({ resultFields }: Dialect) =>
      `${JSON.stringify(ended).slice(0, -1)}${result === undefined ? '' : inline(resultFields(result))}}`;
    this.frames.terminal('job.result', { told: payload(this.session.dialect), plain: payload(dialects.plain) });
    this.status = 'success';
    if (this.parent) this.end = { result: wholeResult(outcome, this.streamed) };
  }

  /** The one terminal frame of a job that did not. */
  recordError(status: 'error' | 'cancelled' | 'timed_out', code: ErrorCode, message: string): void {
    const details = this.cancelReason === undefined ? undefined : { reason: this.cancelReason };
    this.end = new ArcpError(code, message, details);
    const ended = { job_id: this.id, final_status: status, ...this.end.toPayload(), completed_at: this.now() };
    const told = this.session.dialect.jobError(ended);
    this.frames.terminal('job.error', { told: JSON.stringify(told), plain: JSON.stringify(ended) });
    this.status = status;
    this.code = code;
  }

  /** The session failed, and its log perhaps with it: only those who subscribed are told that the job ended. */
  recordUntold(): void {
    const error = new ArcpError('INTERNAL_ERROR', 'the session of this job failed').toPayload();
    const payload = { job_id: this.id, final_status: 'error' as const, ...error, completed_at: this.now() };
    this.frames.untoldTerminal(payload);
    this.status = 'error';
    this.code = 'INTERNAL_ERROR';
  }

  /** Its process ends, and the job does not: what is in the store by now goes on in another one. */
  leave(): void {
    this.machine?.suspend();
    this.trace?.end({ status: 'suspended' });
    this.abort.abort(new ArcpError('INTERNAL_ERROR', 'the runtime has ended'));
  }

  now(): string {
    return isoTime(this.settings.clock.now());
  }
}
