import type { SessionInfo } from '../../src/index.ts';
import type { KeptStore } from '../support/kept.ts';
import type { KeptMedium } from '../support/kept-medium.ts';
import type { Verdict } from './authenticators.ts';
import { faultsOfSession, faultsOfWire } from './check.ts';
import { Violation } from './client.ts';
import { inMemory, type Read, type StoreView, viewOf } from './disk.ts';
import type { Known } from './foresight.ts';
import { parsed } from './frames.ts';
import { Hearings } from './hearings.ts';
import { Issuing } from './issuing.ts';
import { Keeping } from './keeping.ts';
import type { Link, Tap } from './link.ts';
import { Loads } from './loads.ts';
import { decide } from './promised-credentials.ts';
import type { PromisedJob, Remembered } from './promised-job.ts';
import type { PromisedSession } from './promised-session.ts';
import { Promises } from './promises.ts';
import { Journal, type Remains, remainsOf } from './remains.ts';
import type { Policy } from './settings.ts';
import { count, type Tally } from './tally.ts';
import { Voice } from './voice.ts';
import { newWire, type Wire } from './wire.ts';

interface OracleOptions {
  policy: Policy;
  nowMs(): number;
  wallMs(): number;
  tally: Tally;
  /** Undefined: nothing outlives the process. */
  kept: KeptStore | undefined;
}

/**
 * Knows, from everything that crosses the runtime's end of every link and from time alone, what the runtime has to do, and
 * notices when it does otherwise. A fault is kept until `check`: inside the runtime it would be caught as an agent's.
 */
export class Oracle implements Tap, Known {
  readonly policy: Policy;
  /** The runtime's own time. */
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly store: StoreView;
  readonly journal = new Journal();
  /** Whether the runtime itself says that a session is detached. */
  isDetached: (sessionId: string) => boolean = () => false;
  readonly wires = new Map<Link, Wire>();
  readonly promises: Promises;
  readonly loads: Loads;
  readonly issuing: Issuing;
  /** Ids of credentials that the runtime knows may be live; and those that it has asked to have revoked. */
  readonly outstanding = new Set<string>();
  readonly asked = new Set<string>();
  readonly keeping: Keeping;
  /** Every token that was ever told, the newest last. */
  readonly tokens: string[] = [];
  readonly tally: Tally;
  /** The link of which the runtime has heard something last. */
  heard: Link | undefined;
  readonly #hearings: Hearings;
  readonly #voice: Voice;
  #phase: 'open' | 'shut' = 'open';
  #fault: string | undefined;

  constructor({ policy, nowMs, wallMs, tally, kept }: OracleOptions) {
    this.policy = policy;
    this.nowMs = nowMs;
    this.wallMs = wallMs;
    this.tally = tally;
    this.keeping = new Keeping(this);
    this.promises = new Promises(this);
    this.store = kept ? viewOf(kept) : { ...inMemory, newestOf: (id) => this.keeping.log(id).newest };
    this.#hearings = new Hearings(this);
    this.#voice = new Voice(this);
    this.issuing = new Issuing(this, this.#hearings);
    this.loads = new Loads((wire, news) => this.#hearings.goesOn(wire, news));
  }

  get sessions(): ReadonlyMap<string, PromisedSession> {
    return this.promises.sessions;
  }

  get jobs(): ReadonlyMap<string, PromisedJob> {
    return this.promises.jobs;
  }

  get keys(): ReadonlyMap<string, Remembered> {
    return this.promises.keys;
  }

  goesOn(remains: Remains, medium: KeptMedium): void {
    for (const id of remains.outstanding) this.outstanding.add(id);
    this.promises.restore(remains, medium);
    this.journal.add(0, remains);
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
    if (wire.phase === 'over' && wire.owed.length > 0) this.fault('took a connection while shutting down');
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
    if (wire) this.#hearings.goesOn(wire, { verdict });
  }

  /** Something was read from disk, or could not be, for whoever may be gone by now. */
  reads({ link, log, fromSeq, job }: Read, how: 'read' | 'failed'): void {
    this.heard = link;
    if (job) return this.loads.reads(job, how);
    const session = this.sessions.get(log);
    if (how === 'read' && session?.isCold(fromSeq - 1)) session.cold = fromSeq - 1;
    const wire = link && this.wires.get(link);
    count(this.tally, `waited for the disk, ${wire?.phase === 'handshake' ? how : 'and too long'}`);
    if (wire) this.#hearings.goesOn(wire, { read: how });
  }

  learns(link: Link, hand: () => void): void {
    this.lapse();
    const wire = this.#wire(link);
    const { session } = wire;
    hand();
    if (wire.phase !== 'over' && session) session.detach(this.nowMs());
    this.wires.delete(link);
  }

  isWaiting(link: Link): boolean {
    const wire = this.wires.get(link);
    return wire?.phase === 'open' && wire.wait !== undefined;
  }

  drains(link: Link): void {
    this.#wire(link).lastDrainMs = this.nowMs();
  }

  /** The runtime is told to shut down: everybody hears of it, and every job ends, unless the store keeps it (§6.7). */
  shutsDown(): void {
    this.lapse();
    const nowMs = this.nowMs();
    const running = [...this.jobs.values()].filter(({ ended }) => ended === undefined);
    if (!this.store.lasts) for (const job of running) job.shutMs = nowMs;
    this.#phase = 'shut';
    count(this.tally, `shutdown with ${running.length === 0 ? 'no job' : 'jobs'}${this.store.lasts ? ', kept' : ''}`);
    const bye = `session.bye shutdown${this.store.lasts ? ' resumable' : ''}`;
    for (const wire of this.wires.values()) {
      if (wire.phase === 'over') continue;
      wire.owed.push({ ...(wire.session && { answer: bye, keeps: true }), closes: 1001 });
      wire.session?.detach(nowMs);
      wire.phase = 'over';
    }
  }

  /** What a shutdown owes at once is done. */
  checkShutdown(): void {
    this.#voice.turned();
    this.#voice.check('whole');
    for (const { id, ended, shutMs } of this.jobs.values())
      if (ended === undefined && shutMs <= this.nowMs()) this.fault(`job ${id} outlived the shutdown`);
    this.expectNoFault();
  }

  // What is kept.

  wrote(position: number): void {
    this.lapse();
    this.#voice.wrote(position);
    this.journal.add(position, remainsOf(this));
  }

  committed(): void {
    this.journal.forget(this.store.committed);
    for (const session of this.sessions.values()) {
      const newestSeq = this.store.newestOf(session.id);
      if (newestSeq <= session.durable) continue;
      session.durable = newestSeq;
      session.makeRoom(this.policy, newestSeq);
      this.hasFreed(session.id);
    }
  }

  /** What a connection had room for is not freed before it has had it. */
  hasFreed(sessionId: string): void {
    const session = this.sessions.get(sessionId);
    if (session?.wire) this.#voice.hasFreed(session.wire, session);
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

  /** What time alone has done by now. */
  lapse(): void {
    this.#voice.lapses(this.isDetached);
    const nowMs = this.nowMs();
    for (const session of this.sessions.values()) {
      session.lapse(nowMs, this.policy);
      for (const job of session.running) decide(job, nowMs, this.policy);
    }
  }

  // What must hold, once all that follows at once has happened.

  readonly fault = (message: string): void => {
    this.#fault ??= message;
  };

  check(infos: readonly SessionInfo[]): void {
    this.lapse();
    this.#hearings.turned();
    this.#voice.turned();
    this.#voice.check('whole');
    this.#checkCredentials();
    for (const wire of this.wires.values()) this.#faults(faultsOfWire(wire, this));
    const seen = new Map(infos.map((info) => [info.sessionId, info]));
    for (const session of this.sessions.values()) {
      this.#faults(faultsOfSession(session, seen.get(session.id), this));
      seen.delete(session.id);
    }
    for (const { sessionId, state } of seen.values()) {
      if (state !== 'handshaking') this.fault(`${sessionId} is ${state}, and nobody was welcomed to it`);
    }
    const handshakes = [...this.wires.values()].filter(({ phase }) => phase === 'handshake').length;
    if (seen.size !== handshakes) this.fault(`${seen.size} sessions wait for ${handshakes} handshakes`);
    this.expectNoFault();
  }

  /** Whatever a job had whose end is decided, and what nobody waited for, is asked to be revoked. */
  #checkCredentials(): void {
    const ended = [...this.jobs.values()].filter(({ ended: how, decided }) => how !== undefined || decided);
    for (const { id } of [...this.issuing.doomed, ...ended.flatMap(({ credentials }) => credentials)])
      if (!this.asked.has(id)) this.fault(`${id} was not revoked`);
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
