import type { Frame } from '../support/peer.ts';

/** Something that a job has emitted: an event, or its end. */
export interface Entry {
  /** Its number in the submitting session, or right behind one, where that session does not get it. */
  place: number;
  type: string;
  payload: Frame['payload'];
}

/** What an event takes up behind the number before it that has none of its own. */
const smallStep = 2 ** -20;

/** What a job has emitted, for whoever watches it (§7.6). */
export class PromisedHistory {
  /** Its first event has this number in the submitting session, or a later one. */
  readonly firstSeq: number;
  newestSeq: number;
  /** The newest event of its session when this process found it. */
  readonly foundSeq: number;
  /** What an earlier process has left of it, until somebody asks for that. */
  elsewhere: Entry[] | undefined;
  readonly #entries: Entry[] = [];

  constructor(firstSeq: number, { newestSeq = 0, elsewhere }: { newestSeq?: number; elsewhere?: Entry[] } = {}) {
    this.firstSeq = firstSeq;
    this.newestSeq = this.foundSeq = newestSeq;
    this.elsewhere = elsewhere;
  }

  add(seq: number, { type, payload }: Frame): void {
    this.newestSeq = seq;
    this.#entries.push({ place: seq, type, payload });
  }

  /** A number that went to something of the submitting session's alone. */
  passed(seq: number): void {
    this.newestSeq = seq;
  }

  addLeftOut(type: string, payload: object): void {
    const place = Math.max(this.newestSeq, this.#entries.at(-1)?.place ?? 0) + smallStep;
    this.#entries.push({ place, type, payload });
  }

  /** Where whoever wants no history begins. */
  get lastPlace(): number {
    return this.#entries.at(-1)?.place ?? (this.elsewhere ? this.newestSeq : 0);
  }

  after(place: number): Entry[] {
    return this.#entries.filter((entry) => entry.place > place);
  }

  /** What is elsewhere is here now. */
  load(): void {
    this.#entries.unshift(...(this.elsewhere ?? []));
    this.elsewhere = undefined;
  }

  /** What the next process finds of it, on a disk with events up to a number. */
  left(newestSeq: number): PromisedHistory {
    const all = [...(this.elsewhere ?? []), ...this.#entries];
    // What the session was not given is nowhere but in memory.
    const elsewhere = all.filter(({ place }) => Number.isInteger(place) && place <= newestSeq);
    return new PromisedHistory(this.firstSeq, newestSeq >= this.firstSeq ? { newestSeq, elsewhere } : { newestSeq });
  }

  copy(): PromisedHistory {
    const copy = new PromisedHistory(this.firstSeq, { newestSeq: this.newestSeq });
    copy.elsewhere = this.elsewhere;
    copy.#entries.push(...this.#entries);
    return copy;
  }

  /** The text of a result that was streamed; undefined where some of it is not here. */
  resultText(resultId: string): string | undefined {
    const pieces: Buffer[] = [];
    let state: 'more' | 'whole' = 'more';
    let encoding: BufferEncoding = 'utf8';
    for (const { payload } of this.#entries) {
      if (payload.kind !== 'result_chunk' || payload.body.result_id !== resultId) continue;
      if (payload.body.chunk_seq !== pieces.length) return undefined;
      encoding = payload.body.encoding;
      pieces.push(Buffer.from(payload.body.data, encoding));
      state = payload.body.more ? 'more' : 'whole';
    }
    return state === 'whole' ? Buffer.concat(pieces).toString(encoding) : undefined;
  }
}
