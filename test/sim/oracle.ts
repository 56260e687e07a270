import type { SessionInfo } from '../../src/index.ts';
import type { Frame } from '../support/peer.ts';
import type { Verdict } from './authenticators.ts';
import { principalOf } from './bearers.ts';
import { faultsOfSession, faultsOfWire } from './check.ts';
import { Violation } from './client.ts';
import { acceptanceOf, type Known, keyOf, parametersOf } from './foresight.ts';
import { parsed } from './frames.ts';
import { Hearings } from './hearings.ts';
import { Keeping } from './keeping.ts';
import type { Link, Tap } from './link.ts';
import { type Policy, type PromisedJob, PromisedSession, type Remembered, type Wire } from './promise.ts';
import { count, type Tally } from './tally.ts';

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
  readonly keys = new Map<string, Remembered>();
  readonly keeping: Keeping;
  /** Every token that was ever given out, the newest last. */
  readonly tokens: string[] = [];
  readonly tally: Tally;
  readonly #hearings: Hearings;
  #phase: 'open' | 'shut' = 'open';
  #fault: string | undefined;

  constructor(policy: Policy, nowMs: () => number, tally: Tally) {
    this.policy = policy;
    this.nowMs = nowMs;
    this.tally = tally;
    this.keeping = new Keeping(this);
    this.#hearings = new Hearings(this);
  }

  get sessions(): Iterable<PromisedSession> {
    return this.#sessions.values();
  }

  session(id: string | undefined): PromisedSession | undefined {
    return this.#sessions.get(id ?? '');
  }

  /** The link of which the runtime is hearing something. */
  get heard(): Link | undefined {
    return this.#hearings.link;
  }

  opens(link: Link, accept: () => void): void {
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
      held: undefined,
    });
    accept();
    if (this.#phase === 'shut' && this.#wire(link).phase !== 'over')
      this.fault('took a connection while shutting down');
  }

  hears(link: Link, text: string, hand: () => void): void {
    const wire = this.#wire(link);
    if (wire.phase === 'over') return hand();
    for (const session of this.sessions) session.lapse(this.nowMs(), this.policy);
    wire.lastInMs = this.nowMs();
    const frame = parsed(text);
    // Any frame shows that the client has its newest token (§6.3).
    wire.session?.tokens.splice(1);
    this.#hearings.hears(wire, frame, hand);
  }

  /** An authenticator has come to its verdict; whoever asked it may be gone by now. */
  decides(link: Link, verdict: Verdict): void {
    this.#hearings.decides(this.wires.get(link), verdict);
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

  // What the runtime says.

  sends(link: Link, text: string): void {
    const wire = this.#wire(link);
    const frame = parsed(text);
    if (!frame) return this.fault(`said what is no frame: ${text}`);
    wire.lastOutMs = this.nowMs();
    if (wire.phase === 'over') return this.fault(`spoke on a connection that is over: ${text}`);
    if (this.#phase === 'shut') return this.#saysGoodbye(wire, frame);
    if (frame.event_seq === undefined && frame.type !== 'session.ping') this.#hearings.goOnTo(wire, frame);
    if (frame.type === 'session.welcome') this.#welcomed(wire, frame);
    const { session } = wire;
    if (session && frame.session_id !== session.id) this.fault(`said to ${session.id}: ${text}`);
    if (frame.event_seq !== undefined) return this.#numbered(wire, frame.event_seq, text);
    if (frame.type === 'session.ping') {
      if (!session?.features.has('heartbeat')) this.fault('pinged a session that has not negotiated heartbeats');
      wire.lastPingMs = this.nowMs();
    } else if (this.#hearings.now?.wire === wire) this.#answered(frame);
    else if (frame.payload.code !== 'HEARTBEAT_LOST') this.fault(`said unasked: ${text}`);
  }

  #answered(frame: Frame): void {
    const { answers, wire } = this.#hearings.now ?? {};
    answers?.push(frame);
    const { frame: asked, foresight } = this.#hearings.now ?? {};
    if (frame.type !== 'job.accepted' || !wire?.session || !asked) return;
    const id = String(frame.job_id);
    const accepted = acceptanceOf(frame);
    if (foresight?.repeats !== undefined) {
      if (foresight.repeats !== accepted) this.fault(`a repeat was answered ${accepted}, and not ${foresight.repeats}`);
      return;
    }
    const key = keyOf(wire.session.principal, asked);
    if (key !== undefined) this.keys.set(key, { parameters: parametersOf(asked), accepted, atMs: this.nowMs() });
    const { max_runtime_sec: limitSec = Number.POSITIVE_INFINITY } = asked.payload;
    const job: PromisedJob = {
      id,
      session: wire.session,
      limitAtMs: this.nowMs() + limitSec * 1000,
      cancelledMs: Number.POSITIVE_INFINITY,
      told: 'nothing',
      result: undefined,
      shutMs: Number.POSITIVE_INFINITY,
      said: ['begun'],
      ended: undefined,
      endedMs: Number.POSITIVE_INFINITY,
    };
    if (this.jobs.has(id)) this.fault(`job ${id} was accepted twice`);
    this.jobs.set(id, job);
    wire.session.jobs.push(job);
  }

  #welcomed(wire: Wire, frame: Frame): void {
    const { foresight, frame: asked } = this.#hearings.now ?? {};
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
      const kept = this.keeping.log(id);
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
    if (code === 4001) this.#hearings.goOn(({ foresight: { opens } }) => opens !== undefined && opens === session);
    const { now } = this.#hearings;
    const hearing = now?.wire === wire ? now : undefined;
    if (phase === 'over') return;
    count(this.tally, `closed ${code}`);
    const nowMs = this.nowMs();
    const { handshakeMs, heartbeatMs, stallMs } = this.policy;
    if (hearing && code === hearing.foresight.closes) hearing.closed = code;
    else if (code === 4001 && session && this.#hearings.now?.foresight.opens === session) session.detach(nowMs);
    else if (code === 4004 && phase === 'handshake' && nowMs - wire.openedMs >= handshakeMs) wire.phase = 'over';
    else if (code === 4002 && session?.features.has('heartbeat') && nowMs - wire.lastInMs >= 2 * heartbeatMs)
      session.detach(nowMs);
    else if (code === 4003 && session && this.#mayStall(wire, session, stallMs)) session.detach(nowMs);
    else if (code === 1011 && session && this.keeping.full.has(session.id)) wire.phase = 'over';
    else if (code === 1001 && this.#phase === 'shut' && (phase === 'handshake' || wire.saidGoodbye)) {
      wire.phase = 'over';
      session?.detach(nowMs);
    } else this.fault(`closed ${session?.id ?? 'a handshake'} with ${code}, unasked`);
  }

  #mayStall(wire: Wire, session: PromisedSession, stallMs: number): boolean {
    const isGap = wire.pushed < session.freedThrough(this.policy);
    const owesTooMuch =
      wire.pushed < session.kept.newest || wire.link.server.unsentBytes() > this.policy.maxUnsentBytes;
    return isGap || (this.nowMs() - wire.lastDrainMs >= stallMs && owesTooMuch);
  }

  /** The runtime is told to shut down: everybody hears of it at once, and every job ends (§6.7). */
  shutsDown(shut: () => void): void {
    const nowMs = this.nowMs();
    for (const session of this.sessions) session.lapse(nowMs, this.policy);
    const running = [...this.jobs.values()].filter(({ ended }) => ended === undefined);
    for (const job of running) job.shutMs = nowMs;
    this.#phase = 'shut';
    count(this.tally, `shutdown with ${running.length === 0 ? 'no job' : 'jobs'}`);
    shut();
    for (const { phase } of this.wires.values()) if (phase !== 'over') this.fault('a connection outlived the shutdown');
    for (const { id, ended } of running) if (ended === undefined) this.fault(`job ${id} outlived the shutdown`);
  }

  #saysGoodbye(wire: Wire, frame: Frame): void {
    const { reason, resumable } = frame.payload;
    const isIt = frame.type === 'session.bye' && reason === 'shutdown' && resumable === false;
    if (!isIt || !wire.session) this.fault(`said while shutting down: ${JSON.stringify(frame)}`);
    wire.saidGoodbye = true;
  }

  // What must hold, once all that follows at once has happened.

  fault(message: string): void {
    this.#fault ??= message;
  }

  check(infos: readonly SessionInfo[]): void {
    const nowMs = this.nowMs();
    this.#hearings.goOn(() => false);
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
    this.expectNoFault();
  }

  expectNoFault(): void {
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
