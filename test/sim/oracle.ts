import type { SessionInfo } from '../../src/index.ts';
import type { Frame } from '../support/peer.ts';
import type { Verdict } from './authenticators.ts';
import { principalOf } from './bearers.ts';
import { faultsOfSession, faultsOfWire } from './check.ts';
import { Violation } from './client.ts';
import { type Known, keyOf, parametersOf } from './foresight.ts';
import { parsed } from './frames.ts';
import { Hearings } from './hearings.ts';
import { Keeping } from './keeping.ts';
import type { Link, Tap } from './link.ts';
import { newJob, type PromisedJob, type Remembered } from './promised-job.ts';
import { PromisedSession } from './promised-session.ts';
import { everyFeature, type Policy } from './settings.ts';
import { count, type Tally } from './tally.ts';
import { Voice } from './voice.ts';
import { newWire, type Owed, type Wire } from './wire.ts';

/**
 * Knows, from everything that crosses the runtime's end of every link and from time alone, what the runtime has to do, and
 * notices when it does otherwise. A fault is kept until `check`: inside the runtime it would be caught as an agent's.
 */
export class Oracle implements Tap, Known {
  readonly policy: Policy;
  readonly nowMs: () => number;
  readonly wires = new Map<Link, Wire>();
  readonly jobs = new Map<string, PromisedJob>();
  readonly sessions = new Map<string, PromisedSession>();
  readonly keys = new Map<string, Remembered>();
  readonly keeping: Keeping;
  /** Every token that was ever told, the newest last. */
  readonly tokens: string[] = [];
  readonly tally: Tally;
  /** The link of which the runtime has heard something last. */
  heard: Link | undefined;
  readonly #hearings: Hearings;
  readonly #voice: Voice;
  /** Jobs that have yet to be named. */
  readonly #unnamed: PromisedJob[] = [];
  #phase: 'open' | 'shut' = 'open';
  #fault: string | undefined;

  constructor(policy: Policy, nowMs: () => number, tally: Tally) {
    this.policy = policy;
    this.nowMs = nowMs;
    this.tally = tally;
    this.keeping = new Keeping(this);
    this.#hearings = new Hearings(this);
    this.#voice = new Voice(this);
  }

  // What happens to the runtime.

  opens(link: Link, accept: () => void): void {
    const wire = newWire(link, this.nowMs());
    this.wires.set(link, wire);
    if (this.#phase === 'shut') {
      wire.phase = 'over';
      wire.owed.push({ closes: 1001 });
    }
    accept();
    wire.candidate = this.keeping.newestLog;
    if (wire.owed.length > 0) this.fault('took a connection while shutting down');
  }

  hears(link: Link, text: string, hand: () => void): void {
    const wire = this.#wire(link);
    if (wire.phase === 'over') return hand();
    this.lapse();
    wire.lastInMs = this.nowMs();
    this.heard = link;
    this.#hearings.hears(wire, parsed(text));
    hand();
    this.#voice.check();
  }

  /** An authenticator has come to its verdict; whoever asked it may be gone by now. */
  decides(link: Link, verdict: Verdict): void {
    const wire = this.wires.get(link);
    count(this.tally, `authenticated late, ${wire?.phase === 'handshake' ? verdict : 'and too late'}`);
    this.heard = link;
    if (wire) this.#hearings.goesOn(wire, verdict);
  }

  learns(link: Link, hand: () => void): void {
    this.lapse();
    const wire = this.#wire(link);
    const { session } = wire;
    hand();
    if (wire.phase !== 'over' && session) session.detach(this.nowMs());
    this.wires.delete(link);
  }

  drains(link: Link): void {
    this.#wire(link).lastDrainMs = this.nowMs();
  }

  /** The runtime is told to shut down: everybody hears of it at once, and every job ends (§6.7). */
  shutsDown(shut: () => void): void {
    this.lapse();
    const nowMs = this.nowMs();
    const running = [...this.jobs.values()].filter(({ ended }) => ended === undefined);
    for (const job of running) job.shutMs = nowMs;
    this.#phase = 'shut';
    count(this.tally, `shutdown with ${running.length === 0 ? 'no job' : 'jobs'}`);
    for (const wire of this.wires.values()) {
      if (wire.phase === 'over') continue;
      wire.owed.push({ answer: wire.session && 'session.bye shutdown', closes: 1001 });
      wire.session?.detach(nowMs);
      wire.phase = 'over';
    }
    shut();
    this.#voice.check();
    for (const { id, ended } of running) if (ended === undefined) this.fault(`job ${id} outlived the shutdown`);
  }

  // What it says.

  sends(link: Link, text: string): void {
    this.lapse();
    this.#voice.sends(this.#wire(link), text);
  }

  closes(link: Link, code: number): void {
    this.lapse();
    this.#voice.closes(this.#wire(link), code);
  }

  /** An agent has begun to work. */
  begins(jobId: string): void {
    const [job] = this.#unnamed;
    if (!this.jobs.has(jobId) && job) this.#name(job, jobId);
    if (!this.jobs.has(jobId)) throw new Violation(`job ${jobId} runs, and was never accepted`);
  }

  names({ job }: Owed, jobId: string): void {
    if (job && job.id === '') this.#name(job, jobId);
    if (job?.id !== jobId) this.fault(`job ${job?.id} was accepted as ${jobId}`);
  }

  #name(job: PromisedJob, jobId: string): void {
    if (this.jobs.has(jobId)) this.fault(`job ${jobId} was accepted twice`);
    this.#unnamed.splice(this.#unnamed.indexOf(job), 1);
    job.id = jobId;
    this.jobs.set(jobId, job);
    job.session.jobs.push(job);
  }

  // What it has to do.

  admits(wire: Wire, frame: Frame, owed: Owed): void {
    const id = wire.candidate;
    if (this.sessions.has(id)) this.fault(`a hello was welcomed to a session that stands: ${id}`);
    const { auth, capabilities } = frame.payload;
    const features = new Set(everyFeature.filter((feature) => capabilities?.features?.includes(feature)));
    const kept = this.keeping.log(id);
    const session = new PromisedSession(id, { principal: principalOf(auth.token), features, kept });
    this.sessions.set(id, session);
    this.#open(wire, session, { cursor: 0, owed });
  }

  attaches(wire: Wire, to: { session: PromisedSession; token: string; cursor: number }, owed: Owed): void {
    const { session, token, cursor } = to;
    const { wire: other } = session;
    if (other) {
      session.detach(this.nowMs());
      other.owed.push({ closes: 4001, session });
    }
    const fresh = { text: undefined, fenceSeq: Number.POSITIVE_INFINITY };
    session.tokens = [fresh, ...session.tokens.filter(({ text }) => text === token)];
    session.state = 'attached';
    session.lag = 'untold';
    this.#open(wire, session, { cursor, owed });
  }

  #open(wire: Wire, session: PromisedSession, { cursor, owed }: { cursor: number; owed: Owed }): void {
    wire.phase = 'open';
    wire.pushed = cursor;
    wire.session = session;
    session.wire = wire;
    owed.session = session;
    owed.sessionId = session.id;
  }

  accepts(session: PromisedSession, frame: Frame, owed: Owed): void {
    const { max_runtime_sec: limitSec = Number.POSITIVE_INFINITY } = frame.payload;
    const job = newJob(session, this.nowMs() + limitSec * 1000, 'fail');
    owed.job = job;
    this.#unnamed.push(job);
    const key = keyOf(session.principal, frame);
    if (key === undefined) return;
    const remembered = { parameters: parametersOf(frame), job, accepted: undefined, atMs: this.nowMs() };
    owed.remembered = remembered;
    this.keys.set(key, remembered);
  }

  /** What time alone has done by now. */
  lapse(): void {
    const nowMs = this.nowMs();
    const { handshakeMs, heartbeatMs } = this.policy;
    for (const wire of this.wires.values()) {
      const { phase, session, openedMs, lastInMs } = wire;
      if (phase === 'handshake' && nowMs - openedMs >= handshakeMs) {
        wire.phase = 'over';
        wire.owed.push({ closes: 4004 });
      } else if (phase === 'open' && session?.features.has('heartbeat') && nowMs - lastInMs >= 2 * heartbeatMs) {
        session.detach(lastInMs + 2 * heartbeatMs);
        wire.owed.push({ answer: 'session.error HEARTBEAT_LOST', closes: 4002 });
      }
    }
    for (const session of this.sessions.values()) session.lapse(nowMs, this.policy);
  }

  // What must hold, once all that follows at once has happened.

  readonly fault = (message: string): void => {
    this.#fault ??= message;
  };

  check(infos: readonly SessionInfo[]): void {
    const nowMs = this.nowMs();
    this.lapse();
    this.#voice.check();
    for (const wire of this.wires.values()) this.#faults(faultsOfWire(wire, nowMs, this.policy));
    const seen = new Map(infos.map((info) => [info.sessionId, info]));
    for (const session of this.sessions.values()) {
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
