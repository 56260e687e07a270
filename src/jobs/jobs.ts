import { isoTime } from '../clock.ts';
import type { Connection } from '../connections/connection.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { Issuing } from '../credentials/issuing.ts';
import type { EffectsWorld } from '../effects.ts';
import { grant, granted, leaseExpiryMs, regained } from '../leases/grant.ts';
import type { Settings } from '../options.ts';
import type { Policy } from '../policy.ts';
import { budgetIn, eraseParts, keepBudget, keptMachine } from '../records/job-parts.ts';
import { fateOf, jobRecord, type RestoredJob, restoredJob } from '../records/job-record.ts';
import type { Ledger } from '../records/ledger.ts';
import type { JobRecord } from '../records/records.ts';
import type { Session } from '../session.ts';
import { JobHistory } from '../watching/history.ts';
import { historyIn } from '../watching/stored-history.ts';
import { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import type { AcceptedPayload, ClientFrameOf } from '../wire/messages.ts';
import type { AgentDirectory } from './agents.ts';
import { delegate } from './delegation.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { Job } from './job.ts';
import type { KnownJobs } from './known-jobs.ts';
import { jobHasEnded, namedJob } from './named-job.ts';

/** A bare 32-hex W3C trace id, or a whole traceparent (§4). */
const tracePattern = /^(?:[0-9a-f]{32}|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)$/;

/** What jobs need of the rest of their runtime. */
export interface JobsWorld {
  agents: AgentDirectory;
  ledger: Ledger;
  known: KnownJobs;
  policy: Policy;
  credentials: Credentials;
  audit: EffectsWorld['audit'];
}

/** Every job of a runtime: the live ones, and for `jobRetentionSec` what became of the ended ones. */
export class Jobs {
  readonly #settings: Settings;
  readonly #agents: AgentDirectory;
  readonly #credentials: Credentials;
  readonly #issuing: Issuing;
  readonly #live = new Map<string, Job>();
  readonly #known: KnownJobs;
  readonly #policy: Policy;
  readonly keys: IdempotencyKeys;
  readonly #ledger: Ledger;
  readonly #audit: JobsWorld['audit'];

  constructor(settings: Settings, { agents, ledger, known, policy, credentials, audit }: JobsWorld) {
    this.#settings = settings;
    this.#agents = agents;
    this.#ledger = ledger;
    this.#known = known;
    this.#audit = audit;
    this.#policy = policy;
    this.#credentials = credentials;
    this.#issuing = new Issuing(credentials);
    this.keys = new IdempotencyKeys(settings.clock, ledger);
  }

  live(jobId: string): Job | undefined {
    return this.#live.get(jobId);
  }

  /** The session failed inside the runtime: its jobs end with it, untold. */
  abandon(session: Session): void {
    for (const job of this.#live.values()) {
      if (job.session !== session) continue;
      job.abort.abort(new ArcpError('INTERNAL_ERROR', 'the session failed'));
      // Its log may be what failed, and nobody can come back to read it.
      if (job.status === 'running') job.recordUntold();
      // A chart that failed leaves its children running: without this their timers would.
      const actor = session.actor.getSnapshot().children[job.id];
      // What it has is revoked all the same: no terminal waits for that.
      for (const type of ['runtime.shutdown', 'credentials.revoked'] as const)
        if (actor?.getSnapshot().status === 'active') actor.send({ type });
      this.settle(job);
    }
  }

  /** Resolves when nothing is being issued, and what ended jobs had is revoked. */
  async credentialsSettled(): Promise<void> {
    await this.#issuing.settled();
    await this.#credentials.revocations.settled();
  }

  all(): Job[] {
    return [...this.#live.values()];
  }

  /**
   * `job.submit` (§7): an equal repeat gets the same answer, a good one becomes a job, a refused one leaves nothing. Where
   * credentials are issued for it first, the promise is that of its answer (§9.8).
   */
  submit(connection: Connection, frame: ClientFrameOf<'job.submit'>): void | Promise<void> {
    if (this.#settings.provisioner) {
      return this.#issuing.submit({
        connection,
        frame,
        repeat: () => this.#repeat(connection, frame),
        admit: () => this.#admit(connection, frame),
        begin: (job) => this.#begin(job, connection, frame),
      });
    }
    if (!this.#repeat(connection, frame)) this.#begin(this.#admit(connection, frame), connection, frame);
  }

  /** Answers an equal repeat as the first one was (§7); the credentials are in it for the submitting session alone. */
  #repeat(connection: Connection, frame: ClientFrameOf<'job.submit'>): boolean {
    const { session } = connection;
    const accepted = frame.payload.idempotency_key && this.keys.recall(session.principal, frame.payload);
    if (!accepted) return false;
    const to = { requestId: frame.id, jobId: accepted.job_id, traceId: accepted.trace_id };
    connection.reply('job.accepted', to, this.#live.get(accepted.job_id)?.acceptedFor(session) ?? accepted);
    return true;
  }

  #begin(job: Job, connection: Connection, frame: ClientFrameOf<'job.submit'>): void {
    const { session } = connection;
    const { payload } = frame;
    if (payload.idempotency_key) this.keys.remember(session.principal, payload, job.accepted);
    this.#add(job);
    session.actor.send({
      type: 'job.submit',
      asker: { connectionId: connection.id, requestId: frame.id },
      jobId: job.id,
      maxRuntimeMs: job.deadlineMs === undefined ? null : (payload.max_runtime_sec ?? 0) * 1000,
      leaseExpiryMs: leaseExpiryMs(job.authority, this.#settings.clock),
      credentials: job.credentials.length,
    });
  }

  /** `job.cancel` (§7): whose session it is decides, once more, in that session's chart. */
  cancel(connection: Connection, frame: ClientFrameOf<'job.cancel'>): void {
    const { session } = connection;
    const jobId = namedJob(frame);
    const known = this.#known.find(jobId);
    const mayCancel = this.#policy.mayCancel(session, jobId, known);
    const job = this.#live.get(jobId);
    if (!job) throw jobHasEnded(jobId, known?.status);
    const { reason } = frame.payload;
    job.session.actor.send({
      type: 'job.cancel',
      asker: { connectionId: connection.id, requestId: frame.id },
      jobId,
      mayCancel,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** The job's terminal is in the log: what is kept of it from now on is small. */
  settle(job: Job): void {
    if (job.status === 'running') return;
    // Where a job ends by a fault, its chart has not seen to it.
    if (job.credentials.length > 0) void this.#credentials.revoke(job);
    job.trace?.end({ status: job.status, ...(job.code === undefined ? {} : { code: job.code }) });
    if (this.#live.delete(job.id)) {
      job.session.jobCount -= 1;
      this.#settings.tally.endedJobs[job.status] += 1;
    }
    this.#known.end(job);
    this.keep(job);
    eraseParts(job.id, this.#ledger);
    job.onSettled(job.end ?? new ArcpError('INTERNAL_ERROR', 'the session failed'));
  }

  /** Writes a job down as it is now. */
  keep(job: Job): void {
    if (this.#ledger.durable) this.#ledger.put('job', job.id, jobRecord(job, this.#untilMs()));
  }

  #untilMs(): number {
    return this.#ledger.nowMs() + this.#settings.jobRetentionMs;
  }

  /** What an earlier process has left of a job that ended. */
  restoreEnded(id: string, record: JobRecord): void {
    const { principal, session: sessionId, status, accepted, firstSeq, lastSeq = 0, untilMs = 0 } = record;
    if (status === 'running') return;
    const history = historyIn(this.#settings.store, this.#known.shelf, { id, record, newestSeq: lastSeq });
    // What was left of its budget has gone with it.
    const job = { id, principal, sessionId, status, accepted, budget: undefined, history, firstSeq };
    this.#known.restoreEnded(job, untilMs - this.#ledger.nowMs());
  }

  /** A job that the end of a process has cut goes on, or ends, as its agent wants (§3, Crash). */
  restore(id: string, { record, session, parts, foundSeq, issued }: RestoredJob): void {
    const settings = this.#settings;
    const agent = this.#agents.find(record.agent);
    const kept = keptMachine(agent, { ledger: this.#ledger, from: parts.machine });
    const { accepted } = record;
    const parent = this.#live.get(accepted.parent_job_id ?? '')?.authority;
    const authority = regained(accepted, { budget: budgetIn(parts), parent, clock: settings.clock });
    const history = historyIn(settings.store, this.#known.shelf, { id, record, newestSeq: foundSeq });
    const services = this.#services();
    const job = restoredJob(id, { record, session, agent, authority, history, ...services, ...(kept && { kept }) });
    this.#live.set(id, job);
    session.jobCount += 1;
    this.#known.add(job);
    keepBudget(job, this.#ledger);
    // Whoever waited for it is gone; what it has not spent is its parent's.
    job.onSettled = () => authority.budget.settle();
    const leftMs = job.deadlineMs === undefined ? null : job.deadlineMs - settings.clock.now();
    const leaseLeftMs = leaseExpiryMs(authority, settings.clock);
    job.takeCredentials(issued ?? []);
    // What it would need to go on could not be had.
    const fate = issued ? fateOf(record, agent, { leftMs, leaseLeftMs }) : 'job.interrupted';
    if (fate === 'job.start' && agent?.onRestart === 'rerun') {
      job.emit('status', { phase: 'restarted', message: 'the runtime was restarted: the job begins again' });
    }
    session.actor.send({
      type: 'job.restored',
      ...{ jobId: id, maxRuntimeMs: leftMs, leaseExpiryMs: leaseLeftMs, fate },
      credentials: job.credentials.length,
    });
  }

  clear(): void {
    this.#live.clear();
    this.#known.clear();
    this.keys.clear();
  }

  #admit(connection: Connection, frame: ClientFrameOf<'job.submit'>): Job {
    const { session } = connection;
    const { payload } = frame;
    if (payload.agent.includes('@') && !session.features.has('agent_versions')) {
      throw new ArcpError('INVALID_REQUEST', 'name@version needs the feature agent_versions, which was not negotiated');
    }
    const agent = this.#agents.resolve(payload.agent);
    this.#requireRoom(session);
    const authority = grant(payload, { features: session.features, clock: this.#settings.clock });
    const id = mintId('job');
    const traceId = frame.trace_id;
    if (traceId !== undefined && !tracePattern.test(traceId)) {
      throw new ArcpError('INVALID_REQUEST', 'trace_id must be a 32-hex trace id or a traceparent');
    }
    const accepted: AcceptedPayload = {
      job_id: id,
      agent: `${agent.name}@${agent.version}`,
      ...granted(authority),
      accepted_at: isoTime(this.#settings.clock.now()),
      ...(traceId === undefined ? {} : { trace_id: traceId }),
    };
    const { max_runtime_sec: limitSec, input } = payload;
    const kept = keptMachine(agent, { ledger: this.#ledger });
    const history = new JobHistory(this.#known.shelf);
    return new Job({
      ...{ id, session, agent, input, traceId, accepted, authority, history },
      ...this.#services(),
      ...(limitSec === undefined ? {} : { deadlineMs: this.#settings.clock.now() + limitSec * 1000 }),
      ...(kept && { kept }),
    });
  }

  #services() {
    return {
      settings: this.#settings,
      provisioning: this.#credentials,
      delegate: this.#delegate,
      audit: this.#audit,
    };
  }

  readonly #delegate: Job['delegate'] = (parent, request) =>
    delegate(parent, request, {
      agents: this.#agents,
      requireRoom: ({ session }) => this.#requireRoom(session),
      begin: (child) => {
        this.#add(child);
        child.session.actor.send({
          type: 'job.delegated',
          jobId: child.id,
          parentId: parent.id,
          maxRuntimeMs: null,
          leaseExpiryMs: leaseExpiryMs(child.authority, this.#settings.clock),
        });
      },
    });

  #add(job: Job): void {
    this.#live.set(job.id, job);
    job.session.jobCount += 1;
    this.#settings.tally.acceptedJobs += 1;
    this.#known.add(job);
    keepBudget(job, this.#ledger);
    this.keep(job);
  }

  #requireRoom(session: Session): void {
    const { maxJobsPerSession: max } = this.#settings;
    if (session.jobCount + this.#issuing.countOf(session) < max) return;
    const details = { limit: 'jobs_per_session', max };
    throw new ArcpError('PERMISSION_DENIED', `this session already runs ${max} jobs`, details);
  }
}
