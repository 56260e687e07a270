import type { SessionInfo } from '../../src/index.ts';
import type { Frame } from '../support/peer.ts';
import { faultsOfSession, faultsOfWire, isLagging } from './check.ts';
import { Violation } from './client.ts';
import { type Foresight, foresee, type Known, principalOf } from './foresight.ts';
import { parsed, summary } from './frames.ts';
import type { Link, Tap } from './link.ts';
import { faultOfEnd, Kept, type Policy, type PromisedJob, PromisedSession, type Wire } from './promise.ts';
import { count, type Tally } from './tally.ts';

/** A frame that the runtime is being handed, and what came of it. */
interface Hearing {
  wire: Wire;
  foresight: Foresight;
  frame: Frame | undefined;
  answers: Frame[];
  closed?: number;
}

/**
 * Knows, from everything that crosses the runtime's end of every link and from time alone, what the runtime has to do, and
 * notices when it does otherwise. A fault is kept until `check`: inside the runtime it would be caught as an agent's.
 */
export class Oracle implements Tap, Known {
  readonly policy: Policy;
  readonly nowMs: () => number;
  readonly wires = new Map<Link, Wire>();
  readonly jobs = new Map<string, PromisedJob>();
  readonly #sessions = new Map<string, PromisedSession>();
  readonly #logs = new Map<string, Kept>();
  /** Every token that was ever given out, the newest last. */
  readonly tokens: string[] = [];
  readonly tally: Tally = new Map();
  readonly #full = new Set<string>();
  #hearing: Hearing | undefined;
  #fault: string | undefined;

  constructor(policy: Policy, nowMs: () => number) {
    this.policy = policy;
    this.nowMs = nowMs;
  }

  get sessions(): Iterable<PromisedSession> {
    return this.#sessions.values();
  }

  session(id: string | undefined): PromisedSession | undefined {
    return this.#sessions.get(id ?? '');
  }

  opens(link: Link): void {
    const nowMs = this.nowMs();
    this.wires.set(link, {
      link,
      phase: 'handshake',
      session: undefined,
      pushed: 0,
      openedMs: nowMs,
      lastInMs: nowMs,
      lastOutMs: nowMs,
      lastPingMs: Number.NEGATIVE_INFINITY,
      lastDrainMs: nowMs,
      fullSinceMs: undefined,
      refusals: 0,
    });
  }

  hears(link: Link, text: string, hand: () => void): void {
    const wire = this.#wire(link);
    if (wire.phase === 'over') return hand();
    for (const session of this.sessions) session.lapse(this.nowMs(), this.policy);
    wire.lastInMs = this.nowMs();
    const frame = parsed(text);
    // Any frame shows that the client has its newest token (§6.3).
    wire.session?.tokens.splice(1);
    const foresight = foresee(wire, frame, this);
    const { opens, answer } = foresight;
    count(this.tally, opens ? `resume from ${opens.state}` : (answer ?? `${frame?.type}`));
    const hearing: Hearing = { wire, foresight, frame, answers: [] };
    this.#hearing = hearing;
    hand();
    this.#hearing = undefined;
    this.#compare(hearing);
    foresight.after?.();
  }

  learns(link: Link, hand: () => void): void {
    const wire = this.#wire(link);
    const { session } = wire;
    hand();
    if (wire.phase !== 'over' && session) session.detach(this.nowMs());
    this.wires.delete(link);
  }

  drains(link: Link): void {
    this.#wire(link).lastDrainMs = this.nowMs();
  }

  #compare({ wire, foresight, frame, answers, closed }: Hearing): void {
    const said = answers.map(summary).join(', ');
    const { answer = '', closes } = foresight;
    if (said !== answer)
      this.fault(`a ${frame?.type ?? 'piece of nonsense'} was answered [${said}] and not [${answer}]`);
    if (closed !== closes) this.fault(`closed with ${closed} and not ${closes} after ${frame?.type}`);
    if (closes !== undefined) wire.phase = 'over';
  }

  // What the runtime says.

  sends(link: Link, text: string): void {
    const wire = this.#wire(link);
    const frame = parsed(text);
    if (!frame) return this.fault(`said what is no frame: ${text}`);
    wire.lastOutMs = this.nowMs();
    if (wire.phase === 'over') return this.fault(`spoke on a connection that is over: ${text}`);
    if (frame.type === 'session.welcome') this.#welcomed(wire, frame);
    const { session } = wire;
    if (session && frame.session_id !== session.id) this.fault(`said to ${session.id}: ${text}`);
    if (frame.event_seq !== undefined) return this.#numbered(wire, frame.event_seq, text);
    if (frame.type === 'session.ping') {
      if (!session?.features.has('heartbeat')) this.fault('pinged a session that has not negotiated heartbeats');
      wire.lastPingMs = this.nowMs();
    } else if (this.#hearing?.wire === wire) this.#answered(frame);
    else if (frame.payload.code !== 'HEARTBEAT_LOST') this.fault(`said unasked: ${text}`);
  }

  #answered(frame: Frame): void {
    const { answers, wire } = this.#hearing ?? {};
    answers?.push(frame);
    if (frame.type !== 'job.accepted' || !wire?.session) return;
    const id = String(frame.job_id);
    const { max_runtime_sec: limitSec = Number.POSITIVE_INFINITY } = this.#hearing?.frame?.payload ?? {};
    const job: PromisedJob = {
      id,
      session: wire.session,
      limitAtMs: this.nowMs() + limitSec * 1000,
      cancelledMs: Number.POSITIVE_INFINITY,
      told: 'nothing',
      said: ['begun'],
      ended: undefined,
      endedMs: Number.POSITIVE_INFINITY,
    };
    if (this.jobs.has(id)) this.fault(`job ${id} was accepted twice`);
    this.jobs.set(id, job);
    wire.session.jobs.push(job);
  }

  #welcomed(wire: Wire, frame: Frame): void {
    const { foresight, frame: asked } = this.#hearing ?? {};
    const { session_id: id = '', payload } = frame;
    if (foresight?.answer !== 'session.welcome' || !asked) return this.fault(`a welcome that nobody may have: ${id}`);
    const token: string = payload.resume_token;
    if (this.tokens.includes(token)) this.fault('a welcome brought a token for the second time');
    this.tokens.push(token);
    wire.phase = 'open';
    wire.pushed = foresight.cursor ?? 0;
    const features = new Set<string>(payload.capabilities.features);
    const known = foresight.opens;
    if (!known) {
      if (this.#sessions.has(id)) this.fault(`a hello was welcomed to a session that stands: ${id}`);
      const kept = this.#logs.get(id) ?? new Kept();
      wire.session = new PromisedSession(id, {
        principal: principalOf(asked.payload.auth.token),
        features,
        kept,
        token,
      });
      this.#sessions.set(id, wire.session);
    } else {
      if (known.id !== id) this.fault(`a resume of ${known.id} was welcomed to ${id}`);
      if ([...features].join() !== [...known.features].join()) this.fault('a resume changed the features');
      if (known.wire) this.fault(`${id} was resumed before its other connection was closed`);
      known.tokens = [token, asked.payload.resume_token];
      known.state = 'attached';
      known.lag = 'untold';
      wire.session = known;
    }
    wire.session.wire = wire;
  }

  #numbered(wire: Wire, seq: number, text: string): void {
    const { session } = wire;
    if (!session) return this.fault(`numbered before the welcome: ${text}`);
    if (seq !== wire.pushed + 1) this.fault(`after ${wire.pushed} came ${seq}: ${text}`);
    if (seq <= session.written) count(this.tally, 'event written again');
    session.written = Math.max(session.written, seq);
    if (session.kept.texts[seq - 1] !== text) this.fault(`${seq} was kept otherwise: ${text}`);
    wire.pushed = seq;
    const heldBytes = wire.link.server.unsentBytes() - Buffer.byteLength(text);
    if (heldBytes >= this.policy.maxUnsentBytes) this.fault(`${session.id} is not paced`);
  }

  closes(link: Link, code: number): void {
    const wire = this.#wire(link);
    const { session, phase } = wire;
    const hearing = this.#hearing?.wire === wire ? this.#hearing : undefined;
    if (phase === 'over') return;
    count(this.tally, `closed ${code}`);
    const nowMs = this.nowMs();
    const { handshakeMs, heartbeatMs, stallMs } = this.policy;
    if (hearing && code === hearing.foresight.closes) hearing.closed = code;
    else if (code === 4001 && session && this.#hearing?.foresight.opens === session) session.detach(nowMs);
    else if (code === 4004 && phase === 'handshake' && nowMs - wire.openedMs >= handshakeMs) wire.phase = 'over';
    else if (code === 4002 && session?.features.has('heartbeat') && nowMs - wire.lastInMs >= 2 * heartbeatMs)
      session.detach(nowMs);
    else if (code === 4003 && session && this.#mayStall(wire, session, stallMs)) session.detach(nowMs);
    else if (code === 1011 && session && this.#full.has(session.id)) wire.phase = 'over';
    else this.fault(`closed ${session?.id ?? 'a handshake'} with ${code}, unasked`);
  }

  #mayStall(wire: Wire, session: PromisedSession, stallMs: number): boolean {
    const isGap = wire.pushed < session.freedThrough(this.policy);
    const owesTooMuch =
      wire.pushed < session.kept.newest || wire.link.server.unsentBytes() > this.policy.maxUnsentBytes;
    return isGap || (this.nowMs() - wire.lastDrainMs >= stallMs && owesTooMuch);
  }

  // What the runtime keeps.

  opensLog(sessionId: string): void {
    this.#logs.set(sessionId, new Kept());
  }

  newest(sessionId: string): number {
    return this.#logs.get(sessionId)?.newest ?? 0;
  }

  appends(sessionId: string, text: string): void {
    const frame = parsed(text);
    const kept = this.#logs.get(sessionId);
    kept?.add(text);
    const job = this.jobs.get(frame?.job_id ?? '');
    if (!frame || !kept || job?.session.id !== sessionId) return this.fault(`kept in ${sessionId}: ${text}`);
    job.session.lapse(this.nowMs(), this.policy);
    if (job.ended) return this.fault(`kept after its job had ended: ${text}`);
    if (frame.type === 'job.event') return this.#said(job, frame);
    const fault = faultOfEnd(job, frame.payload.final_status, this.nowMs(), this.policy);
    if (fault) this.fault(`job ${job.id} ${fault}`);
    job.ended = frame.payload.final_status;
    job.endedMs = this.nowMs();
    count(this.tally, `job ${job.ended}`);
  }

  #said(job: PromisedJob, { payload: { kind, body } }: Frame): void {
    const { session } = job;
    if (kind === 'status' && body.phase === 'back_pressure') {
      if (session.lag !== 'due') this.fault('was told of a lag that is not there, or twice of one');
      session.lag = 'told';
      return;
    }
    if (isLagging(session, this.policy)) session.lag = 'due';
    const said = job.said.shift();
    const text = kind === 'log' ? body.message : `${kind} ${body.current}`;
    if (said !== text) this.fault(`job ${job.id} said ${said}, and ${text} was kept`);
  }

  /** The disk refuses what a session would keep; its jobs' ends are lost, and it fails (§3). */
  refusesToKeep(sessionId: string, isEnd: boolean): void {
    this.#full.add(sessionId);
    const session = this.session(sessionId);
    if (!isEnd || !session) return;
    session.state = 'failed';
    session.tokens = [];
    for (const job of session.running) Object.assign(job, { ended: 'error', endedMs: this.nowMs() });
  }

  // What must hold, once all that follows at once has happened.

  fault(message: string): void {
    this.#fault ??= message;
  }

  check(infos: readonly SessionInfo[]): void {
    const nowMs = this.nowMs();
    for (const session of this.sessions) session.lapse(nowMs, this.policy);
    for (const wire of this.wires.values()) this.#faults(faultsOfWire(wire, nowMs, this.policy));
    const seen = new Map(infos.map((info) => [info.sessionId, info]));
    for (const session of this.sessions) {
      this.#faults(faultsOfSession(session, seen.get(session.id), { nowMs, policy: this.policy }));
      seen.delete(session.id);
    }
    for (const { sessionId, state } of seen.values()) {
      if (state !== 'handshaking') this.fault(`${sessionId} is ${state}, and nobody was welcomed to it`);
    }
    const handshakes = [...this.wires.values()].filter(({ phase }) => phase === 'handshake').length;
    if (seen.size !== handshakes) this.fault(`${seen.size} sessions wait for ${handshakes} handshakes`);
    if (this.#fault !== undefined) throw new Violation(this.#fault);
  }

  #faults(faults: Iterable<string>): void {
    for (const fault of faults) this.fault(fault);
  }

  #wire(link: Link): Wire {
    const wire = this.wires.get(link);
    if (!wire) throw new Error('a link that the runtime was never given');
    return wire;
  }
}
