import type { Frame } from '../support/peer.ts';
import { isLagging } from './check.ts';
import type { StoreView } from './disk.ts';
import { parsed } from './frames.ts';
import { faultOfEnd, type PromisedJob } from './promised-job.ts';
import { Kept, type PromisedSession } from './promised-session.ts';
import type { Policy } from './settings.ts';
import { count, type Tally } from './tally.ts';

/** Of the oracle, what is needed to judge what is kept. */
export interface KeepingWorld {
  policy: Policy;
  tally: Tally;
  jobs: ReadonlyMap<string, PromisedJob>;
  store: StoreView;
  nowMs(): number;
  sessions: ReadonlyMap<string, PromisedSession>;
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
    if (!frame || !kept || job?.session.id !== sessionId) return world.fault(`kept in ${sessionId}: ${text}`);
    const { session } = job;
    session.lapse(world.nowMs(), world.policy);
    if (!world.store.lasts) session.makeRoom(world.policy, kept.newest);
    if (job.ended) return world.fault(`kept after its job had ended: ${text}`);
    const fault = frame.type === 'job.event' ? this.#said(job, frame) : this.#ended(job, frame);
    if (fault !== undefined) world.fault(`job ${job.id} ${fault}`);
  }

  #ended(job: PromisedJob, frame: Frame): string | undefined {
    const { tally, policy, nowMs } = this.#world;
    const { final_status, result } = frame.payload;
    const fault = faultOfEnd(job, final_status, nowMs(), policy);
    job.ended = final_status;
    job.endedMs = nowMs();
    count(tally, `job ${job.ended}`);
    if (fault !== undefined || final_status !== 'success') return fault;
    if (job.result) {
      count(tally, `streamed result ${job.result.isChunked ? 'in chunks' : 'inline'}`);
      return job.result.faultOfEnd(frame);
    }
    return JSON.stringify(result) === '{"ok":true}' ? undefined : `ended with ${JSON.stringify(result)}`;
  }

  #said(job: PromisedJob, frame: Frame): string | undefined {
    const { session } = job;
    const { kind, body } = frame.payload;
    if (kind === 'status' && body.phase === 'back_pressure') {
      const isDue = session.lag === 'due';
      session.lag = 'told';
      return isDue ? undefined : 'told of a lag that is not there, or twice of one';
    }
    if (isLagging(session, this.#world.policy)) session.lag = 'due';
    if (kind === 'result_chunk') return job.result ? job.result.faultOfChunk(frame) : 'streams what nobody wrote';
    const said = job.said.shift();
    const text = kind === 'log' ? body.message : `${kind} ${kind === 'status' ? body.phase : body.current}`;
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
    for (const job of session.running) Object.assign(job, { ended: 'error', endedMs: this.#world.nowMs() });
  }
}
