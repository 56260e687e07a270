import type { Clock } from '../clock.ts';
import type { EventLog, LogKeeper } from '../log.ts';
import type { Logger } from '../options.ts';
import type { Change, RecordKind, Recovered, Store, StoreListener, StoreTrouble } from '../stores/store.ts';
import { StoreRoom } from './store-room.ts';
import { Trims } from './trims.ts';

/** How often the runtime's own time is written while nothing else is. */
const tickMs = 1000;

/** Replies that wait for what was written before them (src/connections/outbox.ts). */
export interface HeldReplies {
  /** What the replies given so far have promised is all written, up to `position`. */
  stamp(position: number): void;
  /** Everything up to `position` is committed; true once nothing waits any more. */
  release(position: number): boolean;
  /** The store cannot write: what need not wait for it goes. */
  troubled(): void;
}

export interface LedgerOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  /** The first frame of a session's log that the history of a job needs; infinite where none does. */
  neededFrom(sessionId: string): number;
  /** The store is gone for good: nothing more can be promised. */
  lost(trouble: StoreTrouble): void;
}

/**
 * The runtime's side of its store (src/stores/store.ts). What one turn of the event loop changes is written as one batch, whole
 * or not at all, in a microtask behind it; what the turn replied leaves once that is committed. So whatever an effect writes
 * and says, in whichever order, is kept before it is said. With a store that does not last it does nothing, and costs nothing.
 */
export class Ledger implements LogKeeper {
  readonly durable: boolean;
  readonly #options: LedgerOptions;
  readonly #store: Store;
  #state: 'closed' | 'open' = 'closed';
  #trouble: StoreTrouble | undefined;
  /** The time of earlier processes, less this one's when the store was opened. */
  #offsetMs = 0;
  #timeWrittenMs = 0;
  #tick: unknown;
  #changes: Change[] = [];
  readonly #logs = new Set<EventLog>();
  readonly #names = new Map<EventLog, string>();
  readonly #trims: Trims;
  /** Records that are read when they are written: they change more often than that. */
  readonly #late = new Map<string, { kind: RecordKind; id: string; read: () => string | undefined }>();
  #due: 'idle' | 'due' = 'idle';
  /** Whether any record was ever put: where none was, no window waits for time to go on. */
  #holds: 'nothing' | 'something' = 'nothing';
  /** Appends under way, oldest first. */
  #appended: { position: number; log: EventLog; throughSeq: number }[] = [];
  readonly #unstamped = new Set<HeldReplies>();
  readonly #held = new Set<HeldReplies>();
  /** How often each session's record was put: the next put expects it (compare-and-set). */
  readonly #versions = new Map<string, number>();
  readonly #room = new StoreRoom();

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#trims = new Trims((name) => options.neededFrom(name));
    this.durable = options.store.durable;
  }

  /** Why the store cannot write now; undefined where it can. */
  get trouble(): StoreTrouble | undefined {
    return this.#trouble;
  }

  /** The runtime's own time: it stands still while no process runs (§6.3). A store that does not last begins at 0. */
  nowMs(): number {
    return this.#offsetMs + this.#options.clock.uptime();
  }

  async open(): Promise<Recovered> {
    const listener: StoreListener = {
      committed: (position) => this.#committed(position),
      trouble: (trouble) => this.#troubled(trouble),
    };
    const recovered = await this.#store.open(listener);
    this.#offsetMs = recovered.uptimeMs - this.#options.clock.uptime();
    for (const { kind, id, version } of recovered.records) {
      if (kind === 'session') this.#versions.set(id, version);
    }
    if (this.durable) {
      if (recovered.records.length > 0) this.#holds = 'something';
      this.#state = 'open';
      this.#keepTime();
    }
    return recovered;
  }

  /** A log of this name is kept from now on. */
  keep(name: string, log: EventLog, found?: { trimmedSeq: number; newestSeq: number }): void {
    if (!this.durable) return;
    this.#names.set(log, name);
    log.keepBy(this, found);
  }

  forget(log: EventLog): void {
    this.#names.delete(log);
  }

  put(kind: RecordKind, id: string, record: object): void {
    if (this.#state !== 'open') return;
    this.#holds = 'something';
    const body = JSON.stringify(record);
    if (kind !== 'session') return this.#change({ do: 'put', kind, id, body });
    const expect = this.#versions.get(id) ?? 0;
    this.#versions.set(id, expect + 1);
    this.#change({ do: 'put', kind, id, body, expect });
  }

  /** The same, but the text is asked for when this turn is written; undefined where there is none. */
  putLate(kind: RecordKind, id: string, read: () => string | undefined): void {
    if (this.#state !== 'open') return;
    this.#late.set(`${kind} ${id}`, { kind, id, read });
    this.#schedule();
  }

  delete(kind: RecordKind, id: string): void {
    if (this.#state !== 'open') return;
    this.#late.delete(`${kind} ${id}`);
    if (kind === 'session') this.#versions.delete(id);
    this.#change({ do: 'delete', kind, id });
  }

  /** A log that nobody owns any more. */
  drop(name: string): void {
    if (this.#state !== 'open') return;
    this.#trims.drop(name);
    this.#schedule();
  }

  /** The history of a job needs nothing of this log any more: what it has kept on disk may go. */
  needsLess(name: string): void {
    if (this.#state !== 'open') return;
    this.#trims.look(name);
    this.#schedule();
  }

  /** Keeps replies until what they promise is committed. Those of one turn leave in the order in which they were last held. */
  hold(replies: HeldReplies): void {
    this.#unstamped.delete(replies);
    this.#unstamped.add(replies);
    this.#schedule();
  }

  /** Nobody waits for these any more. */
  release(replies: HeldReplies): void {
    this.#unstamped.delete(replies);
    this.#held.delete(replies);
  }

  // As the keeper of logs.

  room(log: EventLog): Promise<void> {
    return this.#room.in(log);
  }

  note(log: EventLog): void {
    this.#logs.add(log);
    this.#schedule();
  }

  trimmed(log: EventLog): void {
    const name = this.#names.get(log);
    if (name === undefined) return;
    this.#trims.trim(name, log.oldestSeq - 1);
    this.#schedule();
  }

  dropped(log: EventLog): void {
    const name = this.#names.get(log);
    if (name !== undefined && log.newestSeq > 0) this.drop(name);
  }

  readFrames(log: EventLog, fromSeq: number, toSeq: number): Promise<string[]> {
    return this.#store.readFrames(this.#names.get(log) ?? '', fromSeq, toSeq);
  }

  /** Rejects with the store's trouble where what was written cannot be committed now. */
  async flush(): Promise<void> {
    this.#write();
    await this.#store.flush();
  }

  /** Writes what is left to be written and lets the store go; nothing is written any more. Rejects as `flush` does. */
  async close(): Promise<void> {
    this.freeze();
    await this.#store.close();
  }

  /** From now on nothing is written: what still happens in this process is to be forgotten. */
  freeze(): void {
    if (this.#state === 'closed') return;
    this.#options.clock.clearTimeout(this.#tick);
    this.#changes.push({ do: 'time', uptimeMs: this.nowMs() });
    this.#write();
    this.#state = 'closed';
    this.#room.look(this.#state);
  }

  #change(change: Change): void {
    this.#changes.push(change);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#due === 'due') return;
    this.#due = 'due';
    queueMicrotask(() => {
      if (this.#due === 'due') this.#write();
    });
  }

  /** Everything since the last time, as one batch; the replies of that time wait for it. */
  #write(): void {
    this.#due = 'idle';
    if (this.#state === 'open') this.#give();
    const { written, committed } = this.#store;
    for (const replies of this.#unstamped) {
      replies.stamp(written);
      // One connection's close may have to come before another's welcome: it stands before it, whoever has waited longer.
      this.#held.delete(replies);
      if (!replies.release(committed)) this.#held.add(replies);
      if (this.#trouble) replies.troubled();
    }
    this.#unstamped.clear();
  }

  #give(): void {
    const changes: Change[] = [];
    for (const { kind, id, read } of this.#late.values()) {
      const body = read();
      if (body !== undefined) this.#changes.push({ do: 'put', kind, id, body });
    }
    this.#late.clear();
    const appended: { log: EventLog; throughSeq: number }[] = [];
    for (const log of this.#logs) {
      const name = this.#names.get(log);
      const unwritten = log.takeUnwritten();
      if (!unwritten || name === undefined) continue;
      const { firstSeq, texts } = unwritten;
      changes.push({ do: 'append', log: name, firstSeq, texts });
      appended.push({ log, throughSeq: firstSeq + texts.length - 1 });
    }
    this.#logs.clear();
    changes.push(...this.#trims.take());
    changes.push(...this.#changes);
    this.#changes = [];
    if (changes.length === 0) return;
    const nowMs = this.nowMs();
    if (nowMs > this.#timeWrittenMs) {
      this.#timeWrittenMs = nowMs;
      changes.push({ do: 'time', uptimeMs: nowMs });
    }
    const position = this.#store.write(changes);
    for (const { log, throughSeq } of appended) this.#appended.push({ position, log, throughSeq });
  }

  /** While anything is kept, its windows move on: at most a second of them is lost with the process. */
  #keepTime(): void {
    this.#tick = this.#options.clock.setTimeout(() => {
      if (this.#holds === 'something') this.#change({ do: 'time', uptimeMs: this.nowMs() });
      this.#keepTime();
    }, tickMs);
  }

  #committed(position: number): void {
    for (const replies of this.#held) if (replies.release(position)) this.#held.delete(replies);
    let done = 0;
    for (const { position: until, log, throughSeq } of this.#appended) {
      if (until > position) break;
      done += 1;
      log.committed(throughSeq);
    }
    if (done > 0) this.#appended.splice(0, done);
    this.#room.look(this.#state);
  }

  #troubled(trouble: StoreTrouble | undefined): void {
    const { log, lost } = this.#options;
    this.#trouble = trouble;
    if (!trouble) return log.info({}, 'the store can write again');
    log.error({ reason: trouble.reason }, trouble.message);
    for (const replies of this.#held) replies.troubled();
    if (!trouble.final) return;
    this.#state = 'closed';
    this.#room.look(this.#state);
    lost(trouble);
  }
}
