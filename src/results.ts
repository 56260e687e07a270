import { inlineResultBytesMax } from './job-context.ts';
import type { Job, Outcome } from './job.ts';
import { mintId } from './wire/ids.ts';

/** Bytes of one chunk and of a whole streamed result (§8). */
const chunkBytesMax = 2 ** 20;
const resultBytesMax = 256 * 2 ** 20;

/**
 * Streams a result as `result_chunk` events: in order from 0, the last one `more: false`, its size counted in bytes. Where
 * the session has not negotiated `result_chunk`, the chunks are gathered and the result is delivered inline if it fits.
 */
export class ResultWriter {
  readonly #job: Job;
  readonly #encoding: 'utf8' | 'base64';
  readonly #resultId = mintId('res');
  /** The bytes not yet emitted: one chunk is held back, since only the end tells which was the last. */
  #held: Buffer | undefined;
  #gathered: Buffer[] | undefined;
  #chunkSeq = 0;
  #bytes = 0;
  #ending: { summary: string | undefined } | undefined;

  constructor(job: Job, encoding: 'utf8' | 'base64') {
    this.#job = job;
    this.#encoding = encoding;
    if (!job.session.features.has('result_chunk')) this.#gathered = [];
  }

  /** One chunk, at most 1 MiB; the whole at most 256 MiB. A text chunk of a base64 stream is sent as its UTF-8 bytes. */
  write(chunk: string | Uint8Array): void {
    if (this.#ending) throw new Error('write(): the result has ended');
    if (this.#encoding === 'utf8' && typeof chunk !== 'string') {
      throw new TypeError("write(): bytes need result({ encoding: 'base64' })");
    }
    const bytes = Buffer.from(chunk);
    if (bytes.length > chunkBytesMax) throw new RangeError(`write(): a chunk has at most ${chunkBytesMax} bytes`);
    this.#bytes += bytes.length;
    const bytesMax = this.#gathered ? inlineResultBytesMax : resultBytesMax;
    if (this.#bytes > bytesMax) throw new RangeError(`write(): the result has at most ${bytesMax} bytes for this client`);
    if (this.#gathered) this.#gathered.push(bytes);
    else this.#pass(bytes);
  }

  /** Ends the result, with one sentence about it if there is one to say. */
  end(summary?: string): void {
    if (this.#ending) throw new Error('end(): the result has ended');
    this.#ending = { summary };
    if (!this.#gathered) this.#emit(this.#held ?? Buffer.alloc(0), false);
  }

  conclude(): Outcome {
    if (!this.#ending) throw new Error('the streamed result was never ended');
    if (this.#gathered) return { result: Buffer.concat(this.#gathered).toString(this.#encoding) };
    return { resultId: this.#resultId, resultSize: this.#bytes, summary: this.#ending.summary };
  }

  #pass(bytes: Buffer): void {
    if (this.#held) this.#emit(this.#held, true);
    this.#held = bytes;
  }

  #emit(bytes: Buffer, more: boolean): void {
    this.#job.emit('result_chunk', {
      result_id: this.#resultId,
      chunk_seq: this.#chunkSeq,
      data: bytes.toString(this.#encoding),
      encoding: this.#encoding,
      more,
    });
    this.#chunkSeq += 1;
  }
}
