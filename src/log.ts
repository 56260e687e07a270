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

/**
 * The numbered frames of one session, from 1, without gap or repeat, over all its jobs and every reconnect (§6.3). The only
 * allocator of `event_seq`: numbering, keeping and ordering are one step. A connection is a cursor on this log, so that live
 * delivery, replay after a resume and a slow consumer are one loop (src/connection.ts).
 *
 * Kept frames are freed by acknowledgement, or, oldest first, above either limit: then a cursor before them is `trimmed`.
 */
export class EventLog {
  readonly #limits: LogLimits;
  /** Frames `oldestSeq` to `newestSeq`; those before `#head` are freed and only wait for the next compaction. */
  #frames: (string | undefined)[] = [];
  #head = 0;
  #newestSeq = 0;
  #bytes = 0;
  #dropped = false;
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
    return this.#newestSeq - (this.#frames.length - this.#head) + 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Numbers a frame, keeps it as the text `head` + number + `tail`, tells the reader, and returns the number. */
  append(head: string, tail: string): number {
    const eventSeq = this.#newestSeq + 1;
    this.#newestSeq = eventSeq;
    if (this.#dropped) return eventSeq;
    const text = `${head}${eventSeq}${tail}`;
    this.#frames.push(text);
    this.#bytes += Buffer.byteLength(text);
    if (this.#overflows()) {
      this.reader?.hurry();
      while (this.#overflows()) this.#freeOldest();
      this.#compact();
    }
    this.reader?.wake();
    return eventSeq;
  }

  /** The frames after the cursor, in order, until they come to `bytesMax`, one at the least; none where the next is freed. */
  read(cursor: number, bytesMax: number): string[] {
    const batch: string[] = [];
    if (cursor < this.oldestSeq - 1) return batch;
    let index = this.#head + cursor + 1 - this.oldestSeq;
    for (let bytes = 0; index < this.#frames.length && bytes < bytesMax; index += 1) {
      const text = this.#frames[index] ?? '';
      batch.push(text);
      bytes += text.length;
    }
    return batch;
  }

  /** Whether every frame after the cursor is kept: `trimmed` where one is gone, `ahead` of the newest (§6.3). */
  coverage(cursor: number): 'covered' | 'trimmed' | 'ahead' {
    if (cursor > this.#newestSeq) return 'ahead';
    return cursor < this.oldestSeq - 1 ? 'trimmed' : 'covered';
  }

  /** Bytes kept after the cursor. */
  bytesAfter(cursor: number): number {
    const kept = this.read(Math.max(cursor, this.oldestSeq - 1), Number.POSITIVE_INFINITY);
    return kept.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
  }

  /** Frees what the client has acknowledged. Beyond the newest, or going back: nothing happens (§6.5). */
  trim(throughSeq: number): void {
    if (throughSeq > this.#newestSeq) return;
    while (this.oldestSeq <= throughSeq) this.#freeOldest();
    this.#compact();
  }

  /** Frees everything and keeps nothing more: nobody can come back for it. Numbers go on. */
  drop(): void {
    this.#dropped = true;
    this.#frames = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #overflows(): boolean {
    const count = this.#frames.length - this.#head;
    // The newest frame always stays, however large.
    return count > 1 && (count > this.#limits.bufferEvents || this.#bytes > this.#limits.bufferBytes);
  }

  #freeOldest(): void {
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
