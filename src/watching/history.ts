import { partsOf } from '../wire/frame-text.ts';
import type { SequencedType } from '../wire/messages.ts';
import type { HistoryLimits, HistoryShelf } from './history-shelf.ts';

/** Whoever reads a history as it grows. */
export interface HistoryReader {
  /** The index of the entry it reads next. */
  readonly next: number;
  /** There is more, or there will be no more. */
  wake(): void;
  /** The entries before this index go: read them now. */
  hurry(before: number): void;
}

/** What a job emitted: a `job.event`, or its terminal. */
export interface HistoryEntry {
  /**
   * Its number in the submitting session. An event that was left out of that session's stream for want of a feature has no
   * number there: its place is a very small step behind the one before it, so that it comes after that number.
   */
  place: number;
  type: SequencedType;
  /** JSON text, the submitting session's own. */
  payload: string;
}

/** Four million of these make a whole number: so many may be left out between two that are not. */
const smallStep = 2 ** -22;

/** What is kept elsewhere of a job's history: frames as the submitting session's log has them, in order. */
export interface StoredHistory {
  frames: readonly { place: number; frame: string }[];
  /** The number up to which something may be gone; 0 where all is there. */
  goneSeq: number;
}

/** How a history begins whose frames are kept elsewhere: `load` is called when somebody asks for them. */
export interface HistoryElsewhere {
  /** Its frames are between these numbers of its session; there are none where the first is after the newest. */
  firstSeq: number;
  newestSeq: number;
  state: 'growing' | 'complete';
  load(): Promise<StoredHistory>;
}

/**
 * What one job has emitted, whoever has acknowledged it: a subscription is a cursor on this (src/watching/subscription.ts), as a
 * connection is one on its session's log. Entries have indexes, one after the other, that stay theirs.
 */
export class JobHistory {
  /** The submitting session's number of the job's newest event; 0 before the first. */
  newestSeq: number;
  /** Whether more will come. */
  state: 'growing' | 'complete';
  readonly readers = new Set<HistoryReader>();
  readonly #shelf: HistoryShelf;
  readonly #elsewhere: HistoryElsewhere | undefined;
  #loading: Promise<void> | undefined;
  #stored: 'elsewhere' | 'here';
  /** The frames are the strings that the session's log holds: to keep one here as well costs a pointer. */
  #frames: string[] = [];
  #places: number[] = [];
  /** Entries of the arrays that are gone, and wait for the next compaction. */
  #head = 0;
  /** The index of the oldest entry kept. */
  #first = 0;
  /** The place of the newest entry that is gone: what comes after it is kept, or was never emitted. */
  #gonePlace: number;
  #chars = 0;

  constructor(shelf: HistoryShelf, elsewhere?: HistoryElsewhere) {
    this.#shelf = shelf;
    this.#elsewhere = elsewhere;
    const { firstSeq, newestSeq } = elsewhere ?? { firstSeq: 1, newestSeq: 0 };
    this.#stored = firstSeq > newestSeq ? 'here' : 'elsewhere';
    this.newestSeq = newestSeq;
    this.#gonePlace = this.#stored === 'here' ? 0 : newestSeq;
    this.state = elsewhere?.state ?? 'growing';
  }

  /** That of another job, empty, where this one stands. */
  beside(): JobHistory {
    return new JobHistory(this.#shelf);
  }

  /** The newest number that an earlier process has left on disk; 0 where there was none. */
  get foundSeq(): number {
    return this.#elsewhere?.newestSeq ?? 0;
  }

  /** The index behind the newest entry. */
  get end(): number {
    return this.#first + this.count;
  }

  /** How many entries are kept. */
  get count(): number {
    return this.#frames.length - this.#head;
  }

  /** An event, or the terminal, with the number it has got. */
  add(seq: number, frame: string): void {
    this.newestSeq = seq;
    this.#keep(seq, frame);
  }

  /** A number that went to something of the submitting session's alone. */
  passed(seq: number): void {
    this.newestSeq = seq;
  }

  /** An event that the submitting session does not get. The number in the frame means nothing. */
  addLeftOut(frame: string): void {
    const place = Math.max(this.newestSeq, this.#places.at(-1) ?? 0) + smallStep;
    this.#keep(Math.min(place, this.newestSeq + 1 - smallStep), frame);
  }

  /** Nothing more will come. */
  complete(): void {
    this.state = 'complete';
    this.#shelf.put(this);
    for (const reader of this.readers) reader.wake();
  }

  /** Resolves when what is kept elsewhere is here; undefined where there is nothing to wait for. Rejects as the store does. */
  loaded(): Promise<void> | undefined {
    if (!this.#elsewhere || this.#gonePlace === 0) return undefined;
    this.#loading ??= this.#elsewhere
      .load()
      .then((stored) => this.#prepend(stored))
      .finally(() => {
        this.#loading = undefined;
      });
    return this.#loading;
  }

  /** The first number whose frame must not be lost elsewhere, for this history to be whole in the next process. */
  get neededFrom(): number {
    if (!this.#shelf.limits) return Number.POSITIVE_INFINITY;
    return this.#stored === 'elsewhere' ? 0 : Math.floor(this.#gonePlace) + 1;
  }

  /** The index of the first entry kept whose place is after this number. */
  after(seq: number): number {
    let low = this.#head;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle] ?? 0) > seq) high = middle;
      else low = middle + 1;
    }
    return this.#first + low - this.#head;
  }

  /** Where what is kept begins, if an entry after this number is gone: the number before the first one kept. */
  goneAfter(seq: number): number | undefined {
    return this.#gonePlace > seq ? Math.floor(this.#gonePlace) : undefined;
  }

  /** The place of the entry before this index, kept or gone. */
  placeBefore(index: number): number {
    const at = index - 1 - this.#first + this.#head;
    return (at < this.#head ? undefined : this.#places[at]) ?? this.#gonePlace;
  }

  read(index: number): HistoryEntry | undefined {
    const at = index - this.#first + this.#head;
    const frame = at < this.#head ? undefined : this.#frames[at];
    return frame === undefined ? undefined : { place: this.#places[at] ?? 0, ...partsOf(frame) };
  }

  /** Lets go of the oldest entries, at least one of them if there is one; a reader that is behind reads them first. */
  free(count: number): void {
    const before = Math.min(this.#first + Math.max(1, count), this.end);
    for (const reader of this.readers) if (reader.next < before) reader.hurry(before);
    const until = this.#head + before - this.#first;
    let chars = 0;
    for (let at = this.#head; at < until; at += 1) {
      chars += this.#frames[at]?.length ?? 0;
      this.#frames[at] = '';
    }
    if (until > this.#head) this.#gonePlace = this.#places[until - 1] ?? 0;
    this.#first = before;
    this.#head = until;
    this.#chars -= chars;
    this.#shelf.chars -= chars;
    this.#compact();
  }

  #keep(place: number, frame: string): void {
    const { limits } = this.#shelf;
    if (!limits) {
      this.#gonePlace = place;
      return;
    }
    this.#frames.push(frame);
    this.#places.push(place);
    this.#chars += frame.length;
    const { count } = this;
    // The newest entry always stays, however large.
    if (count > limits.historyEvents || (this.#chars > limits.historyBytes && count > 1)) this.#shorten(limits);
    this.#shelf.took(frame.length);
    if (this.readers.size > 0) for (const reader of this.readers) reader.wake();
  }

  #shorten(limits: HistoryLimits): void {
    // Some at a time: to let one go for each one that comes would cost as much as all the rest.
    const some = limits.historyEvents >> 4;
    while (this.count > limits.historyEvents || (this.#chars > limits.historyBytes && this.count > 1)) {
      this.free(Math.min(some, this.count - 1));
    }
  }

  /** Entries that come from elsewhere stand before those that are here: their indexes may be below 0. */
  #prepend({ frames, goneSeq }: StoredHistory): void {
    if (!this.#shelf.limits) return;
    const oldestPlace = this.#places[this.#head] ?? Number.POSITIVE_INFINITY;
    const older = frames.filter(({ place }) => place < oldestPlace);
    this.#frames = [...older.map(({ frame }) => frame), ...this.#frames.slice(this.#head)];
    this.#places = [...older.map(({ place }) => place), ...this.#places.slice(this.#head)];
    this.#head = 0;
    this.#first -= older.length;
    this.#gonePlace = goneSeq;
    this.#stored = 'here';
    const chars = older.reduce((sum, { frame }) => sum + frame.length, 0);
    this.#chars += chars;
    this.#shelf.put(this);
    this.#shelf.took(chars);
  }

  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#head);
    this.#places = this.#places.slice(this.#head);
    this.#head = 0;
  }
}
