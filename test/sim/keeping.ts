import type { Frame } from '../support/peer.ts';
import { isLagging } from './check.ts';
import type { Known } from './foresight.ts';
import { parsed } from './frames.ts';
import { decide, secretMark } from './promised-credentials.ts';
import { faultOfEnd, type PromisedJob } from './promised-job.ts';
import { Kept, type PromisedSession } from './promised-session.ts';
import { count, type Tally } from './tally.ts';
import { faultOfPass } from './watching.ts';

/** Of the oracle, what is needed to judge what is kept. */
export interface KeepingWorld extends Known {
  tally: Tally;
  fault(message: string): void;
}

/** What the runtime keeps of every session, held against what agents said and how jobs may end, as it is kept. */
export class Keeping {
  readonly #world: KeepingWorld;
  readonly #logs = new Map<string, Kept>();
  /** The session whose log was opened last. */
  newestLog = '';

  constructor(world: KeepingWorld) {
    this.#world = world;
  }

  opensLog(sessionId: string): void {
    if (!this.#logs.has(sessionId)) this.#logs.set(sessionId, new Kept());
    this.newestLog = sessionId;
  }

  /** What an earlier process has kept. */
  restores({ id, kept }: PromisedSession): void {
    this.#logs.set(id, kept);
  }

  log(sessionId: string): Kept {
    return this.#logs.get(sessionId) ?? new Kept();
  }

  appends(sessionId: string, text: string): void {
    const world = this.#world;
    const frame = parsed(text);
    const kept = this.#logs.get(sessionId);
    kept?.add(text);
    const job = world.jobs.get(frame?.job_id ?? '');
    const session = world.sessions.get(sessionId);
    if (!frame || !kept || !job || !session) return world.fault(`kept in ${sessionId}: ${text}`);
    session.lapse(world.nowMs(), world.policy);
    if (!world.store.lasts) session.makeRoom(world.policy, kept.newest);
    const fault = this.#faultOf(frame, session, job);
    if (fault !== undefined) world.fault(`job ${job.id} ${fault}`);
  }

  #faultOf(frame: Frame, session: PromisedSession, job: PromisedJob): string | undefined {
    const isOwn = job.session === session;
    const { newest } = session.kept;
    const { type, payload } = frame;
    if (JSON.stringify(frame).includes(secretMark)) return `has said a secret, which is kept: ${payload.kind}`;
    if (isOwn && payload.kind === 'status' && payload.body.phase === 'credential_rotated') {
      job.history.passed(newest);
      const rotated = job.credentials.find(({ id }) => id === payload.body.id);
      if (rotated) session.disclosed.set(newest, rotated.value);
      return this.#said(job, frame);
    }
    if (payload.kind === 'status' && payload.body.phase === 'back_pressure') {
      if (isOwn) job.history.passed(newest);
      return tellsLag(session);
    }
    if (type === 'job.event' && isLagging(session, this.#world.policy)) session.lag = 'due';
    if (!isOwn) {
      count(this.#world.tally, 'passed on');
      return faultOfPass(session, frame, this.#world);
    }
    if (job.ended) return `has ended, and said ${JSON.stringify(frame)}`;
    job.history.add(newest, frame);
    return type === 'job.event' ? this.#said(job, frame) : this.#ended(job, frame);
  }

  #ended(job: PromisedJob, frame: Frame): string | undefined {
    const { tally, policy, nowMs, promises } = this.#world;
    const { final_status, result, code } = frame.payload;
    decide(job, nowMs(), policy);
    const fault = faultOfEnd(job, frame.payload, { nowMs: nowMs(), policy });
    Object.assign(job, { ended: final_status, code, endedMs: nowMs(), lastSeq: job.session.kept.newest });
    promises.ends(job);
    count(tally, `job ${code ?? job.ended}${job.parent ? ', delegated' : ''}`);
    if (fault !== undefined || final_status !== 'success') return fault;
    if (job.result) {
      count(tally, `streamed result ${job.result.isChunked ? 'in chunks' : 'inline'}`);
      return job.result.faultOfEnd(frame);
    }
    return JSON.stringify(result) === '{"ok":true}' ? undefined : `ended with ${JSON.stringify(result)}`;
  }

  #said(job: PromisedJob, frame: Frame): string | undefined {
    if (frame.payload.kind === 'result_chunk')
      return job.result ? job.result.faultOfChunk(frame) : 'streams what nobody wrote';
    const said = job.said.shift();
    const text = textOf(frame.payload);
    return said === text ? undefined : `said ${said}, and ${text} was kept`;
  }

  /** The disk refuses what a session would keep; its jobs' ends are lost, and it fails (§3). */
  refusesToKeep(sessionId: string, isEnd: boolean): void {
    const session = this.#world.sessions.get(sessionId);
    if (!isEnd || !session) return;
    const { wire } = session;
    if (wire) {
      wire.owed.push({ closes: 1011 });
      wire.phase = 'over';
    }
    session.wire = undefined;
    session.state = 'failed';
    session.tokens = [];
    session.watches.clear();
    const [endedMs, lastSeq] = [this.#world.nowMs(), session.kept.newest];
    for (const job of session.running) {
      // Only who watches is told.
      job.history.addLeftOut('job.error', { final_status: 'error', code: 'INTERNAL_ERROR', job_id: job.id });
      Object.assign(job, { ended: 'error', endedMs, lastSeq });
    }
  }
}

/** What is wrong with it that a session is told that it is behind. */
function tellsLag(session: PromisedSession): string | undefined {
  const isDue = session.lag === 'due';
  session.lag = 'told';
  return isDue ? undefined : 'told of a lag that is not there, or twice of one';
}

/** What an event says, in a few words, as its agent was foreseen to say it. */
function textOf({ kind, body }: Frame['payload']): string {
  switch (kind) {
    case 'log':
      return body.message;
    case 'metric':
      return `metric ${body.name} ${body.value}`;
    case 'tool_call':
      return `tool_call ${body.tool}`;
    case 'tool_result':
      return `tool_result ${body.error?.code ?? body.result}`;
    case 'delegate':
      return `delegate ${body.agent}`;
    default:
      return `${kind} ${kind === 'status' ? body.phase : body.current}`;
  }
}
