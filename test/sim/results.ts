import type { Frame } from '../support/peer.ts';

/** A streamed result (§8): what its agent has written of it, and what has to be seen of that. */
export class PromisedResult {
  readonly encoding: 'utf8' | 'base64';
  /** Where the session has not negotiated `result_chunk`, it comes inline. */
  readonly isChunked: boolean;
  /** Whatever was refused a place on the disk is missing: the result cannot be whole. */
  isSpoilt = false;
  isWhole = false;
  #text = '';
  #due: { data: string; more: boolean }[] = [];
  #chunks = 0;
  #id: string | undefined;
  #held: string | undefined;

  constructor(encoding: 'utf8' | 'base64', isChunked: boolean) {
    this.encoding = encoding;
    this.isChunked = isChunked;
  }

  /** The chunk before this one goes out: only the end tells which was the last. */
  writes(text: string): void {
    this.#text += text;
    if (this.#held !== undefined) this.#due.push({ data: this.#held, more: true });
    this.#held = text;
  }

  ends(): void {
    this.#due.push({ data: this.#held ?? '', more: false });
    this.#held = undefined;
    this.isWhole = true;
  }

  /** What was due is not coming: the job has ended, or the disk is full. */
  loses(): void {
    this.#due = [];
  }

  get isDue(): boolean {
    return this.isChunked && this.#due.length > 0;
  }

  /** What is wrong with a chunk that was kept; undefined where nothing is. */
  faultOfChunk({ payload: { body } }: Frame): string | undefined {
    const due = this.#due.shift();
    this.#id ??= body.result_id;
    const wanted = {
      result_id: this.#id,
      chunk_seq: this.#chunks,
      data: due && this.#encoded(due.data),
      encoding: this.encoding,
      more: due?.more,
    };
    this.#chunks += 1;
    const [kept, promised] = [body, wanted].map((one) => JSON.stringify(one));
    return this.isChunked && kept === promised ? undefined : `kept the chunk ${kept}, and not ${promised}`;
  }

  /** The same of the terminal of a job that ended well. */
  faultOfEnd({ payload }: Frame): string | undefined {
    if (!this.isWhole || this.isSpoilt) return 'ended well, with a result that is not whole';
    const { result, result_id, result_size } = payload;
    const streamed = { result: undefined, result_id: this.#id, result_size: Buffer.byteLength(this.#text) };
    const inline = { result: this.#encoded(this.#text), result_id: undefined, result_size: undefined };
    const [told, promised] = [{ result, result_id, result_size }, this.isChunked ? streamed : inline].map((one) =>
      JSON.stringify(one),
    );
    return told === promised ? undefined : `ended with ${told}, and not ${promised}`;
  }

  #encoded(text: string): string {
    return this.encoding === 'utf8' ? text : Buffer.from(text).toString('base64');
  }
}
