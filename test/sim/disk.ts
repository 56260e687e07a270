import { memoryStore, type Store } from '../../src/index.ts';
import type { KeptStore } from '../support/kept.ts';
import type { Link } from './link.ts';
import type { Oracle } from './oracle.ts';
import type { PromisedJob } from './promised-job.ts';
import { isKnown } from './watching.ts';

/** What can be seen of a store from outside. */
export interface StoreView {
  /** Whether it outlives the process. */
  readonly lasts: boolean;
  readonly written: number;
  readonly committed: number;
  /** Events of a session up to here are not lost with the process. */
  newestOf(sessionId: string): number;
}

export const inMemory = { lasts: false, written: 0, committed: 0 };

export function viewOf(kept: KeptStore): StoreView {
  return {
    lasts: true,
    get written() {
      return kept.written;
    },
    get committed() {
      return kept.committed;
    },
    newestOf: (sessionId) => kept.medium.numbers(sessionId).newestSeq,
  };
}

/** A read from disk that the runtime waits for. */
export interface Read {
  link: Link | undefined;
  log: string;
  fromSeq: number;
  /** The job whose history it is; undefined where it is events for a resume. */
  job: PromisedJob | undefined;
  finish(how: 'read' | 'failed'): void;
}

/**
 * The store of one life of a runtime, which the oracle watches: in memory, or in what outlives the process. Its disk can be
 * full for some sessions, and reads from it take their time.
 */
export class Disk {
  readonly store: Store;
  /** Sessions whose disk is full. */
  readonly full = new Set<string>();
  readonly reads: Read[] = [];
  readonly #oracle: Oracle;

  constructor(oracle: Oracle, kept: KeptStore | undefined) {
    this.#oracle = oracle;
    this.store = this.#watchedStore(kept ?? memoryStore());
  }

  #watchedStore(inner: Store): Store {
    const oracle = this.#oracle;
    return {
      durable: inner.durable,
      get written() {
        return inner.written;
      },
      get committed() {
        return inner.committed;
      },
      open: ({ committed, trouble }) =>
        inner.open({
          committed: (position) => {
            committed(position);
            oracle.committed();
          },
          trouble,
        }),
      write: (changes) => {
        const position = inner.write(changes);
        oracle.wrote(position);
        return position;
      },
      readFrames: (log, fromSeq, toSeq) =>
        this.#read({ log, fromSeq, job: oracle.loads.begins(log, fromSeq, toSeq) }, () =>
          inner.readFrames(log, fromSeq, toSeq),
        ),
      flush: () => inner.flush(),
      close: () => inner.close(),
      openLog: (sessionId, limits) => this.#watchedLog(sessionId, inner.openLog(sessionId, limits)),
    };
  }

  /** A read comes to its end; the history of a job that is forgotten by then cannot be read. */
  finish(which: number, wish: 'read' | 'failed'): 'read' | 'failed' {
    const [read] = this.reads.splice(which, 1);
    const how = read?.job && !isKnown(read.job, this.#oracle) ? 'failed' : wish;
    if (read) this.#oracle.reads(read, how);
    read?.finish(how);
    return how;
  }

  #read(asked: Pick<Read, 'log' | 'fromSeq' | 'job'>, read: () => Promise<string[]>): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const finish = (how: 'read' | 'failed') => {
        if (how === 'read') resolve(read());
        else reject(new Error('the simulated disk cannot be read'));
      };
      this.reads.push({ ...asked, link: this.#oracle.heard, finish });
    });
  }

  #watchedLog(sessionId: string, log: ReturnType<Store['openLog']>): ReturnType<Store['openLog']> {
    const { keeping, fault } = this.#oracle;
    const append = log.append.bind(log);
    keeping.opensLog(sessionId);
    log.append = (head, tail) => {
      const [, jobId = ''] = /"job_id":"(\w+)"/.exec(head) ?? [];
      // What it is passed on of other sessions' jobs finds room.
      if (this.full.has(sessionId) && this.#oracle.jobs.get(jobId)?.session.id === sessionId) {
        keeping.refusesToKeep(sessionId, /"type":"job\.(result|error)"/.test(head));
        throw new Error('no space left on the simulated disk');
      }
      const seq = keeping.log(sessionId).newest + 1;
      keeping.appends(sessionId, `${head}${seq}${tail}`);
      const given = append(head, tail);
      this.#oracle.hasFreed(sessionId);
      if (given !== seq) fault(`${sessionId} numbered ${given} what comes after ${seq - 1}`);
      return given;
    };
    return log;
  }
}
