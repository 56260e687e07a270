import type { Frame } from '../support/peer.ts';
import { keyOf, parametersOf } from './foresight.ts';
import type { Hearings } from './hearings.ts';
import type { Link } from './link.ts';
import { type PromisedCredential, shownOf } from './promised-credentials.ts';
import type { PromisedJob } from './promised-job.ts';
import type { PromisedSession } from './promised-session.ts';
import type { Promises } from './promises.ts';
import type { Owed, Wire } from './wire.ts';

interface Pending {
  job: PromisedJob;
  wire: Wire;
  session: PromisedSession;
  frame: Frame;
  key: string | undefined;
  /** Connections with an equal submit, which waits for what becomes of this one. */
  waiters: { wire: Wire; frame: Frame }[];
}

export interface IssuingWorld {
  promises: Promises;
  wires: ReadonlyMap<Link, Wire>;
  fault(message: string): void;
}

/** Submits for which credentials are being issued (§9.8): nothing is there yet of the job, and its connection waits. */
export class Issuing {
  /** What was issued when nobody waited for it any more: it is taken back. */
  readonly doomed: PromisedCredential[] = [];
  readonly #pending: Pending[] = [];
  /** Those that have their credentials, and are about to begin. */
  readonly #issued = new Set<Pending>();
  readonly #world: IssuingWorld;
  readonly #hearings: Hearings;

  constructor(world: IssuingWorld, hearings: Hearings) {
    this.#world = world;
    this.#hearings = hearings;
  }

  isPending(key: string | undefined): boolean {
    return key !== undefined && this.#pending.some((one) => one.key === key);
  }

  hears(wire: Wire, session: PromisedSession, frame: Frame): void {
    const job = this.#world.promises.prepares(session, frame);
    this.#pending.push({ job, wire, session, frame, key: keyOf(session.principal, frame), waiters: [] });
  }

  waitsFor(wire: Wire, session: PromisedSession, frame: Frame): void {
    const key = keyOf(session.principal, frame);
    this.#pending.find((one) => one.key === key)?.waiters.push({ wire, frame });
  }

  /** The provisioner is asked for a job of this name. */
  names(jobId: string): void {
    const pending = this.#pending.find(({ job }) => job.id === '');
    if (pending) pending.job.id = jobId;
    else this.#world.fault(`credentials are issued for ${jobId}, which nobody has submitted`);
  }

  settles(jobId: string, made: PromisedCredential[] | undefined): void {
    const pending = this.#pending.find(({ job }) => job.id === jobId);
    if (!pending) return;
    const { job, wire, frame, session } = pending;
    const isThere = wire.phase !== 'over' && this.#world.wires.get(wire.link) === wire;
    if (isThere && made) {
      job.credentials = made;
      this.#issued.add(pending);
      return;
    }
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    this.doomed.push(...(made ?? []));
    if (isThere) {
      wire.owed.push({ asked: frame, answer: 'session.error INTERNAL_ERROR credentials', sessionId: session.id });
      wire.wait = undefined;
    }
    this.#others(pending, made ? 'over' : 'refused');
  }

  /** The runtime begins the job, or says so: what is written before that is not of it. */
  begins(jobId: string): void {
    const pending = [...this.#issued].find(({ job }) => job.id === jobId);
    if (!pending) return;
    this.#issued.delete(pending);
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    const { job, wire, frame, session } = pending;
    const owed: Owed = { asked: frame, answer: 'job.accepted', sessionId: session.id, keeps: true };
    wire.owed.push(owed);
    this.#world.promises.accepts(job, frame, owed);
    owed.tells = shownOf(job);
    wire.wait = undefined;
    this.#others(pending, 'over');
  }

  #others({ frame, waiters }: Pending, how: 'refused' | 'over'): void {
    for (const waiter of waiters) {
      const isEqual = parametersOf(waiter.frame) === parametersOf(frame);
      this.#hearings.goesOn(waiter.wire, { pending: isEqual ? how : 'over' });
    }
  }
}
