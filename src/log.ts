/** How much a session's log keeps for a client that has not acknowledged it (§6.5). */
export interface LogLimits {
  bufferEvents: number;
  bufferBytes: number;
}

/** Whoever delivers a log: told that there is more, and before a frame is freed for want of room. */
export interface LogReader {
  wake(): void;
  hurry(): void;
}

/** Whoever keeps a log beyond this process (src/records/ledger.ts): told that there are frames to write, and what may go. */
export interface LogKeeper {
  note(log: EventLog): void;
  trimmed(log: EventLog): void;
  dropped(log: EventLog): void;
  /** Resolves when so much is committed that more may come. */
  room(log: EventLog): Promise<void>;
  /** Frames `fromSeq` to `toSeq` of those this process found when it began. */
  readFrames(log: EventLog, fromSeq: number, toSeq: number): Promise<string[]>;
}

/**
 * The numbered frames of one session, from 1, without gap or repeat, over all its jobs and every reconnect (§6.3). The only
 * allocator of `event_seq`: numbering, keeping and ordering are one step. A connection is a cursor on this log, so that live
 * delivery, replay after a resume and a slow consumer are one loop (src/connections/connection.ts).
 *
 * Kept frames are freed by acknowledgement, or, oldest first, above either limit: then a cursor before them is `trimmed`.
 *
 * With a keeper, nobody sees a frame that a crash could take back: only those up to `durableSeq` are read, and those after
 * it are not freed. Frames of an earlier process are cold: numbered, and on disk until `warm` brings them.
 */
export class EventLog {
  readonly #limits: LogLimits;
  /** Frames `oldestSeq` to `newestSeq`; those before `#head` are freed and only wait for the next compaction. */
  #frames: (string | undefined)[] = [];
  #head = 0;
  #newestSeq = 0;
  #bytes = 0;
  #dropped = false;
  /** Frames after `#trimmedSeq` up to `#coldSeq` are on disk alone. Without cold ones, both stand before the oldest frame. */
  #coldSeq = 0;
  #trimmedSeq = 0;
  /** The newest frame that is committed, and the newest that was given to the keeper. */
  #durableSeq = 0;
  #writtenSeq = 0;
  #keeper: LogKeeper | undefined;
  /** The connection this log is delivered to, while there is one. */
  reader: LogReader | undefined;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get newestSeq(): number {
    return this.#newestSeq;
  }

  /** The oldest frame kept; `newestSeq + 1` when none is. */
  get oldestSeq(): number {
    return this.#trimmedSeq + 1;
  }

  /** The newest frame that may be seen: a crash will not take it back. */
  get durableSeq(): number {
    return this.#keeper ? this.#durableSeq : this.#newestSeq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The newest frame, while it is kept. */
  get newestText(): string | undefined {
    return this.#frames.at(-1);
  }

  /** Numbers a frame, keeps it as the text `head` + number + `tail`, tells the reader, and returns the number. */
  append(head: string, tail: string): number {
    const eventSeq = this.#newestSeq + 1;
    this.#newestSeq = eventSeq;
    if (this.#dropped) {
      this.#forgetAll();
      return eventSeq;
    }
    const text = `${head}${eventSeq}${tail}`;
    this.#frames.push(text);
    this.#bytes += Buffer.byteLength(text);
    if (this.#keeper) {
      this.#keeper.note(this);
      return eventSeq;
    }
    if (this.#overflows()) this.#makeRoom();
    this.reader?.wake();
    return eventSeq;
  }

  /** The frames after the cursor, in order, until they come to `bytesMax`, one at the least; none where the next is freed. */
  read(cursor: number, bytesMax: number): string[] {
    const batch: string[] = [];
    if (cursor < this.#coldSeq) return batch;
    let index = this.#head + cursor - this.#coldSeq;
    const end = this.#frames.length - (this.#newestSeq - this.durableSeq);
    for (let bytes = 0; index < end && bytes < bytesMax; index += 1) {
      const text = this.#frames[index] ?? '';
      batch.push(text);
      bytes += Buffer.byteLength(text);
    }
    return batch;
  }

  /** Whether every frame after the cursor is kept: `trimmed` where one is gone, `ahead` of the newest (§6.3). */
  coverage(cursor: number): 'covered' | 'trimmed' | 'ahead' {
    if (cursor > this.#newestSeq) return 'ahead';
    return cursor < this.#trimmedSeq ? 'trimmed' : 'covered';
  }

  /** Bytes kept after the cursor that may be seen. */
  bytesAfter(cursor: number): number {
    return this.#bytesBetween(cursor, this.durableSeq);
  }

  /** Whether what the cursor has not had takes less than half of what may be kept: more may come, and free none of it. */
  hasRoomAfter(cursor: number): boolean {
    const { bufferEvents, bufferBytes } = this.#limits;
    if ((this.#newestSeq - cursor) * 2 > bufferEvents) return false;
    return this.#bytes * 2 <= bufferBytes || this.#bytesBetween(cursor, this.#newestSeq) * 2 <= bufferBytes;
  }

  /** Frees what the client has acknowledged. Beyond the newest, or going back: nothing happens (§6.5). */
  trim(throughSeq: number): void {
    if (throughSeq > this.#newestSeq || throughSeq <= this.#trimmedSeq) return;
    while (this.#trimmedSeq < throughSeq) this.#freeOldest();
    this.#compact();
    this.#keeper?.trimmed(this);
  }

  /** Frees everything and keeps nothing more: nobody can come back for it. Numbers go on. */
  drop(): void {
    this.#dropped = true;
    this.#frames = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#forgetAll();
    this.#keeper?.dropped(this);
  }

  #forgetAll(): void {
    this.#trimmedSeq = this.#coldSeq = this.#durableSeq = this.#writtenSeq = this.#newestSeq;
  }

  // The side of the keeper.

  /** From now on frames are seen once the keeper has committed them. `found`: what it has of them already, on disk. */
  keepBy(keeper: LogKeeper, found?: { trimmedSeq: number; newestSeq: number }): void {
    this.#keeper = keeper;
    if (!found) return;
    this.#trimmedSeq = found.trimmedSeq;
    this.#newestSeq = this.#coldSeq = this.#durableSeq = this.#writtenSeq = found.newestSeq;
  }

  /** What was appended and not yet given to the keeper; counts as given from now on. */
  takeUnwritten(): { firstSeq: number; texts: string[] } | undefined {
    const firstSeq = this.#writtenSeq + 1;
    if (firstSeq > this.#newestSeq) return undefined;
    const texts: string[] = [];
    const from = this.#frames.length - (this.#newestSeq - this.#writtenSeq);
    for (let index = from; index < this.#frames.length; index += 1) texts.push(this.#frames[index] ?? '');
    this.#writtenSeq = this.#newestSeq;
    return { firstSeq, texts };
  }

  /** Everything up to here is committed. */
  committed(throughSeq: number): void {
    if (throughSeq <= this.#durableSeq) return;
    this.#durableSeq = throughSeq;
    if (this.#overflows()) this.#makeRoom();
    this.reader?.wake();
  }

  /** Resolves when the keeper has kept up: an agent that emits much waits here, whatever the sockets do. */
  room(): Promise<void> {
    return this.#keeper?.room(this) ?? Promise.resolve();
  }

  /** Whether frames after the cursor are kept and on disk alone: they are to be warmed before they are read. */
  isCold(cursor: number): boolean {
    return this.#trimmedSeq < this.#coldSeq && cursor < this.#coldSeq && cursor >= this.#trimmedSeq;
  }

  /** Brings the frames after the cursor back from disk. Rejects where the disk cannot be read. */
  async warm(cursor: number): Promise<void> {
    if (!this.#keeper || !this.isCold(cursor)) return;
    const toSeq = this.#coldSeq;
    const texts = await this.#keeper.readFrames(this, cursor + 1, toSeq);
    // Meanwhile others may have warmed some of it, or freed it.
    if (this.#dropped || !this.isCold(cursor)) return;
    const firstSeq = toSeq - texts.length + 1;
    const wanted = texts.slice(Math.max(0, cursor + 1 - firstSeq), texts.length - (toSeq - this.#coldSeq));
    this.#frames = [...wanted, ...this.#frames.slice(this.#head)];
    this.#head = 0;
    this.#coldSeq -= wanted.length;
    for (const text of wanted) this.#bytes += Buffer.byteLength(text);
    // What the disk no longer has is gone.
    if (this.#coldSeq > cursor) this.#trimmedSeq = this.#coldSeq;
  }

  #bytesBetween(cursor: number, throughSeq: number): number {
    const at = (seq: number) => this.#head + Math.max(seq, this.#coldSeq) - this.#coldSeq;
    let bytes = 0;
    for (let index = at(cursor); index < at(throughSeq); index += 1)
      bytes += Buffer.byteLength(this.#frames[index] ?? '');
    return bytes;
  }

  #overflows(): boolean {
    const count = this.durableSeq - this.#trimmedSeq;
    // The newest frame always stays, however large.
    return (
      count > 1 &&
      (this.#newestSeq - this.#trimmedSeq > this.#limits.bufferEvents || this.#bytes > this.#limits.bufferBytes)
    );
  }

  #makeRoom(): void {
    while (this.#overflows()) {
      this.reader?.hurry();
      this.#freeOldest();
    }
    this.#compact();
    this.#keeper?.trimmed(this);
  }

  #freeOldest(): void {
    this.#trimmedSeq += 1;
    if (this.#trimmedSeq <= this.#coldSeq) return;
    this.#coldSeq = this.#trimmedSeq;
    this.#bytes -= Buffer.byteLength(this.#frames[this.#head] ?? '');
    this.#frames[this.#head] = undefined;
    this.#head += 1;
  }

  /** Shifting an array costs its length: done once half of it is freed, it costs next to nothing a frame. */
  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#head);
    this.#head = 0;
  }
}
