import type { PromisedJob } from './promised-job.ts';
import type { PromisedSession } from './promised-session.ts';
import { begin, type Watch } from './watching.ts';
import type { News, Wire } from './wire.ts';

/** Who waits for the history of a job: a connection that has asked for it, or a session that watched it before a restart. */
type Waiter = { wire: Wire } | { session: PromisedSession; watch: Watch };

/** Histories that are being read from disk (§7.6), each once for all who want it. */
export class Loads {
  readonly #waiters = new Map<PromisedJob, Waiter[]>();
  readonly #reading = new Set<PromisedJob>();
  readonly #goesOn: (wire: Wire, news: News) => void;

  constructor(goesOn: (wire: Wire, news: News) => void) {
    this.#goesOn = goesOn;
  }

  /** A connection waits for it. */
  wants(job: PromisedJob, wire: Wire): void {
    this.#wait(job, { wire });
  }

  /** A session that watched it in the process before goes on from a place. */
  watchesOn(session: PromisedSession, job: PromisedJob, place: number): void {
    // A job that still ran says something as it is found.
    const isBehind = job.ended === undefined || job.history.newestSeq > place;
    if (!job.history.elsewhere || !isBehind) return begin(session, { job, place });
    const watch = { job, place, isAwaited: true };
    session.watches.set(job.id, watch);
    this.#wait(job, { session, watch });
  }

  /** A read begins: of which job's history, if it is of any. Each is read once at a time. */
  begins(log: string, fromSeq: number, toSeq: number): PromisedJob | undefined {
    const jobs = [...this.#waiters.keys()].filter((job) => !this.#reading.has(job));
    const job = jobs.find(
      ({ session, history }) => session.id === log && history.firstSeq === fromSeq && history.foundSeq === toSeq,
    );
    if (job) this.#reading.add(job);
    return job;
  }

  /** Who has asked for it anew has what there is, where it cannot be read; who goes on with it waits on. */
  reads(job: PromisedJob, how: 'read' | 'failed'): void {
    const waiters = this.#waiters.get(job) ?? [];
    this.#waiters.delete(job);
    this.#reading.delete(job);
    if (how === 'read') job.history.load();
    for (const waiter of waiters) {
      if ('wire' in waiter) this.#goesOn(waiter.wire, { history: how === 'read' ? 'loaded' : 'failed' });
      else if (how === 'read' && waiter.session.watches.get(job.id) === waiter.watch)
        begin(waiter.session, { job, place: waiter.watch.place });
    }
  }

  /** A client comes back: what could not be read for it is tried again. */
  triesAgain(session: PromisedSession): void {
    for (const watch of session.watches.values()) {
      const { job, place } = watch;
      const isRead = this.#waiters.get(job)?.some((one) => 'session' in one && one.watch === watch);
      if (!watch.isAwaited || isRead) continue;
      if (job.history.elsewhere) this.#wait(job, { session, watch });
      else begin(session, { job, place });
    }
  }

  #wait(job: PromisedJob, waiter: Waiter): void {
    const others = this.#waiters.get(job);
    if (others) others.push(waiter);
    else this.#waiters.set(job, [waiter]);
  }
}
