import type { Change } from '../store.ts';

/** Frames of one log, one behind the other, each a line of `text`. */
export interface Pack {
  do: 'pack';
  log: string;
  firstSeq: number;
  lastSeq: number;
  text: string;
}

/** What a batch is made of. */
export type Step = Exclude<Change, { do: 'append' }> | Pack;

/** A pack that has grown to this many characters is followed by another: one can be trimmed without the other. */
export const packLengthMax = 65_536;

/**
 * Changes that are committed together, in as few steps as they come to: frames of a log that follow each other are one step,
 * also where other things lie between. Within a batch only the order about one log, or one record, can be told.
 */
export class Batch {
  readonly steps: Step[] = [];
  /** The packs that the next frame of their log goes into. */
  readonly #growing = new Map<string, Pack>();
  #length = 0;

  /** How many characters it holds: about what it takes in memory. */
  get length(): number {
    return this.#length;
  }

  add(change: Change): void {
    if (change.do !== 'append') this.addStep(change);
    else {
      change.texts.forEach((text, index) => {
        const seq = change.firstSeq + index;
        this.#addPack({ do: 'pack', log: change.log, firstSeq: seq, lastSeq: seq, text });
      });
    }
  }

  addStep(step: Step): void {
    if (step.do === 'pack') this.#addPack({ ...step });
    else {
      if (step.do === 'trim' || step.do === 'drop') this.#growing.delete(step.log);
      this.#length += stepLength + (step.do === 'put' ? step.body.length : 0);
      this.steps.push(step);
    }
  }

  #addPack(pack: Pack): void {
    const growing = this.#growing.get(pack.log);
    this.#length += pack.text.length;
    if (growing && growing.lastSeq + 1 === pack.firstSeq && growing.text.length < packLengthMax) {
      growing.text += `\n${pack.text}`;
      growing.lastSeq = pack.lastSeq;
      return;
    }
    this.#length += stepLength;
    this.#growing.set(pack.log, pack);
    this.steps.push(pack);
  }
}

/** What a step takes beside its text, roughly. */
const stepLength = 100;
