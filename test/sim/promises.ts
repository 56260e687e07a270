import type { KeptMedium } from '../support/kept-medium.ts';
import type { Frame } from '../support/peer.ts';
import { principalOf } from './bearers.ts';
import { Violation } from './client.ts';
import { type Known, keyOf, parametersOf } from './foresight.ts';
import type { Keeping } from './keeping.ts';
import { newJob, type PromisedJob, type Remembered } from './promised-job.ts';
import { budgetOf, type PromisedLease } from './promised-lease.ts';
import { PromisedSession } from './promised-session.ts';
import { goOn, type Remains } from './remains.ts';
import { everyFeature } from './settings.ts';
import { isKnown } from './watching.ts';
import type { Owed, Wire } from './wire.ts';

/** Of the oracle, what is needed to promise something. */
export interface PromisesWorld extends Known {
  keeping: Keeping;
  fault(message: string): void;
}

/** Every session, job and idempotency key that a runtime has promised to somebody, and how it comes to be. */
export class Promises {
  readonly sessions = new Map<string, PromisedSession>();
  readonly jobs = new Map<string, PromisedJob>();
  readonly keys = new Map<string, Remembered>();
  /** Jobs that have yet to be named. */
  readonly #unnamed: PromisedJob[] = [];
  readonly #world: PromisesWorld;

  constructor(world: PromisesWorld) {
    this.#world = world;
  }

  /** What an earlier process has promised is promised still. */
  restore(remains: Remains, medium: KeptMedium): void {
    const { policy, keeping, wallMs, fault } = this.#world;
    const { sessions, faults } = goOn(remains, { medium, wallMs: wallMs(), policy });
    for (const message of faults) fault(message);
    for (const session of sessions) {
      this.sessions.set(session.id, session);
      keeping.restores(session);
      for (const job of session.jobs) this.jobs.set(job.id, job);
    }
    for (const [key, remembered] of remains.keys) {
      const { job } = remembered;
      this.keys.set(key, { ...remembered, job: this.jobs.get(job.id) ?? job });
    }
    for (const session of sessions) this.#watchOn(session);
  }

  #watchOn(session: PromisedSession): void {
    const { watches } = session;
    session.watches = new Map();
    if (session.state !== 'detached') return;
    for (const [jobId, { place }] of watches) {
      const job = this.jobs.get(jobId);
      if (job && isKnown(job, this.#world))
        this.#world.loads.watchesOn(session, job, Math.min(place, job.history.foundSeq));
    }
  }

  /** A hello is welcomed. */
  admits(wire: Wire, frame: Frame, owed: Owed): void {
    const { keeping, fault } = this.#world;
    const id = wire.candidate;
    if (this.sessions.has(id)) fault(`a hello was welcomed to a session that stands: ${id}`);
    const { auth, capabilities } = frame.payload;
    const { provisions } = this.#world.policy;
    const offered = everyFeature.filter((name) => name !== 'provisioned_credentials' || provisions === 'credentials');
    const features = new Set(offered.filter((feature) => capabilities?.features?.includes(feature)));
    const session = new PromisedSession(id, { principal: principalOf(auth.token), features, kept: keeping.log(id) });
    this.sessions.set(id, session);
    open(wire, session, { cursor: 0, owed, nowMs: this.#world.nowMs() });
  }

  /** A resume is welcomed. */
  attaches(wire: Wire, to: { session: PromisedSession; token: string; cursor: number }, owed: Owed): void {
    const { wires, nowMs } = this.#world;
    const { session, token, cursor } = to;
    const { wire: other } = session;
    if (other) {
      session.detach(nowMs());
      const close: Owed = { closes: 4001, ...(owed.isLate && { isSoon: true }) };
      other.owed.push(close);
      owed.behind = () => !other.owed.includes(close) || !wires.has(other.link);
    }
    const fresh = { text: undefined, fenceSeq: Number.POSITIVE_INFINITY };
    session.tokens = [fresh, ...session.tokens.filter(({ text }) => text === token)];
    session.state = 'attached';
    session.lag = 'untold';
    open(wire, session, { cursor, owed, nowMs: nowMs() });
    this.#world.loads.triesAgain(session);
  }

  /** The job that a submit may become. */
  prepares(session: PromisedSession, frame: Frame): PromisedJob {
    const { agent, max_runtime_sec: limitSec, lease_request: lease, lease_constraints: constraints } = frame.payload;
    const nowMs = this.#world.nowMs();
    const limitAtMs = limitSec === undefined ? {} : { limitAtMs: nowMs + limitSec * 1000 };
    const until = constraints && { expiresMs: nowMs + Date.parse(constraints.expires_at) - this.#world.wallMs() };
    return newJob(session, { agent, lease, ...limitAtMs, ...until });
  }

  /** A submit becomes a job. */
  accepts(job: PromisedJob, frame: Frame, owed: Owed): void {
    const { session } = job;
    const nowMs = this.#world.nowMs();
    const { max_runtime_sec: limitSec = Number.POSITIVE_INFINITY } = frame.payload;
    // Its time begins with it, which may be long after the submit.
    job.limitAtMs = nowMs + limitSec * 1000;
    job.beganMs = nowMs;
    owed.job = job;
    this.#unnamed.push(job);
    const key = keyOf(session.principal, frame);
    if (key === undefined) return;
    const remembered = { parameters: parametersOf(frame), job, accepted: undefined, atMs: nowMs };
    owed.remembered = remembered;
    this.keys.set(key, remembered);
  }

  /** A job delegates: its submitter is told, where it is there. */
  delegates(parent: PromisedJob, { agent, lease }: { agent: string; lease: PromisedLease }): PromisedJob {
    const { session } = parent;
    const job = newJob(session, { agent, parent, lease });
    if (job.budget) budgetOf(parent)?.move(-job.budget.granted);
    this.#unnamed.push(job);
    session.wire?.owed.push({ answer: 'job.accepted', sessionId: session.id, job, keeps: true, isLate: true });
    return job;
  }

  /** A job has ended: what it delegated is cancelled, and what it has not spent is its parent's again (§10). */
  ends(job: PromisedJob): void {
    const nowMs = this.#world.nowMs();
    if (job.budget) budgetOf(job.parent)?.move(job.budget.left);
    if (job.parent) job.budget = undefined;
    for (const other of job.session.running)
      if (other.parent === job && !other.decided) other.cancelledMs = Math.min(other.cancelledMs, nowMs);
  }

  /** An agent has begun to work. */
  begins(jobId: string): void {
    this.#world.issuing.begins(jobId);
    const job = this.#unnamed.find(({ id }) => id === jobId || id === '');
    if (!this.jobs.has(jobId) && job) this.#name(job, jobId);
    if (!this.jobs.has(jobId)) throw new Violation(`job ${jobId} runs, and was never accepted`);
    if (this.jobs.get(jobId)?.cut !== undefined) this.#world.fault(`job ${jobId} begins again`);
  }

  /** Its submitter is told what the job is called. */
  names({ job }: Owed, jobId: string): void {
    if (job && !this.jobs.has(job.id)) this.#name(job, jobId);
    if (job?.id !== jobId) this.#world.fault(`job ${job?.id} was accepted as ${jobId}`);
  }

  #name(job: PromisedJob, jobId: string): void {
    if (this.jobs.has(jobId)) this.#world.fault(`job ${jobId} was accepted twice`);
    this.#unnamed.splice(this.#unnamed.indexOf(job), 1);
    job.id = jobId;
    this.jobs.set(jobId, job);
    job.session.jobs.push(job);
  }
}

function open(
  wire: Wire,
  session: PromisedSession,
  { cursor, owed, nowMs }: { cursor: number; owed: Owed; nowMs: number },
): void {
  wire.phase = 'open';
  // Until now, which may be long after it asked, there was nothing for it to take: it cannot have stalled.
  wire.lastDrainMs = nowMs;
  wire.pushed = cursor;
  wire.missed = 0;
  wire.session = session;
  session.wire = wire;
  owed.session = session;
  owed.token = session.tokens[0];
  owed.sessionId = session.id;
}
