import type { Change } from '../stores/store.ts';

/**
 * What may go of the logs in a store: what no resume will ask for any more, but for what the history of a job that can still be
 * watched needs (§7.6). So an acknowledged frame may stay on disk for as long as its job is known.
 */
export class Trims {
  readonly #neededFrom: (name: string) => number;
  /** Of each log, up to where it need not be kept for a resume, and up to where it was trimmed. */
  readonly #logs = new Map<string, { throughSeq: number; doneSeq: number }>();
  /** Logs of sessions that are over. */
  readonly #over = new Set<string>();
  readonly #due = new Set<string>();

  constructor(neededFrom: (name: string) => number) {
    this.#neededFrom = neededFrom;
  }

  /** No resume asks for frames up to here. */
  trim(name: string, throughSeq: number): void {
    const log = this.#logs.get(name);
    if (log) log.throughSeq = throughSeq;
    else this.#logs.set(name, { throughSeq, doneSeq: 0 });
    this.#due.add(name);
  }

  /** No resume asks for anything of this log. */
  drop(name: string): void {
    this.#over.add(name);
    this.#due.add(name);
  }

  /** A history may need less of this log than before. */
  look(name: string): void {
    if (this.#logs.has(name) || this.#over.has(name)) this.#due.add(name);
  }

  /** What may go now. */
  take(): Change[] {
    const changes: Change[] = [];
    for (const name of this.#due) {
      const change = this.#changeOf(name);
      if (change) changes.push(change);
    }
    this.#due.clear();
    return changes;
  }

  #changeOf(name: string): Change | undefined {
    const neededFrom = this.#neededFrom(name);
    if (this.#over.has(name)) {
      if (neededFrom !== Number.POSITIVE_INFINITY) return undefined;
      this.#over.delete(name);
      this.#logs.delete(name);
      return { do: 'drop', log: name };
    }
    const log = this.#logs.get(name);
    if (!log) return undefined;
    const throughSeq = Math.min(log.throughSeq, neededFrom - 1);
    if (throughSeq <= log.doneSeq) return undefined;
    log.doneSeq = throughSeq;
    return { do: 'trim', log: name, throughSeq };
  }
}
