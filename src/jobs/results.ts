import { mintId } from '../wire/ids.ts';
import type { Job } from './job.ts';
import type { Outcome } from './job-options.ts';

/** Bytes of one chunk and of a whole streamed result (§8). */
const chunkBytesMax = 2 ** 20;
const resultBytesMax = 256 * 2 ** 20;
const summaryCharsMax = 4096;
/** An inline result's JSON may have this many bytes (§8). */
export const inlineResultBytesMax = 2 ** 20;

/**
 * Streams a result as `result_chunk` events: in order from 0, the last one `more: false`, its size counted in bytes. Where
 * the session has not negotiated `result_chunk` when the stream begins, the chunks are gathered and the result is delivered
 * inline if it fits.
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
  #ending: { summary?: string } | undefined;
  #violation: Error | undefined;
  /** The first half of a character whose second half is in the next write. */
  #surrogate = '';

  constructor(job: Job, encoding: 'utf8' | 'base64') {
    this.#job = job;
    this.#encoding = encoding;
    if (!job.session.features.has('result_chunk')) this.#gathered = [];
    else if (job.parent) job.streamed = { encoding, parts: [] };
  }

  /** One chunk, at most 1 MiB; the whole at most 256 MiB. A text chunk of a base64 stream is sent as its UTF-8 bytes. */
  write(chunk: string | Uint8Array): void {
    if (this.#ending) throw this.#violated(new Error('write(): the result has ended'));
    if (this.#encoding === 'utf8' && typeof chunk !== 'string') {
      throw this.#violated(new TypeError("write(): bytes need result({ encoding: 'base64' })"));
    }
    const bytes = typeof chunk === 'string' ? this.#encode(this.#job.secrets.hide(chunk)) : this.#behind(chunk);
    if (bytes.length > chunkBytesMax) {
      throw this.#violated(new RangeError(`write(): a chunk has at most ${chunkBytesMax} bytes`));
    }
    const bytesMax = this.#gathered ? inlineResultBytesMax : resultBytesMax;
    if (this.#bytes + bytes.length > bytesMax) {
      throw this.#violated(new RangeError(`write(): the result has at most ${bytesMax} bytes for this client`));
    }
    if (bytes.length > 0) this.#take(bytes);
  }

  /** Ends the result, with a summary of at most 4,096 characters if there is one to give. */
  end(summary?: string): void {
    if (this.#ending) throw this.#violated(new Error('end(): the result has ended'));
    if (summary !== undefined && summary.length > summaryCharsMax) {
      throw this.#violated(new RangeError(`end(): a summary has at most ${summaryCharsMax} characters`));
    }
    if (this.#surrogate !== '') this.#take(Buffer.from(this.#surrogate));
    this.#ending = summary === undefined ? {} : { summary };
    if (!this.#gathered) this.#emit(this.#held ?? Buffer.alloc(0), false);
  }

  /** What the terminal says. A rule of §8 that was broken is told here too: the agent may have swallowed it. */
  conclude(): Outcome {
    if (this.#violation) throw this.#violation;
    if (!this.#ending) throw new Error('the streamed result was never ended');
    if (!this.#gathered) return { resultId: this.#resultId, resultSize: this.#bytes, ...this.#ending };
    return { result: inlineResult(Buffer.concat(this.#gathered).toString(this.#encoding)), ...this.#ending };
  }

  #violated(error: Error): Error {
    this.#violation ??= error;
    return error;
  }

  /** Text as UTF-8. A character that is cut between two writes waits for its second half. */
  #encode(text: string): Buffer {
    const whole = this.#surrogate + text;
    const last = whole.charCodeAt(whole.length - 1);
    this.#surrogate = last >= 0xd800 && last <= 0xdbff ? whole.slice(-1) : '';
    return Buffer.from(this.#surrogate === '' ? whole : whole.slice(0, -1));
  }

  /** Bytes come behind the half of a character that text left waiting, which will have no second half. */
  #behind(chunk: Uint8Array): Buffer {
    const bytes = Buffer.concat([Buffer.from(this.#surrogate), chunk]);
    this.#surrogate = '';
    return bytes;
  }

  #take(bytes: Buffer): void {
    this.#bytes += bytes.length;
    this.#job.streamed?.parts.push(bytes);
    if (this.#gathered) this.#gathered.push(bytes);
    else this.#pass(bytes);
  }

  #pass(bytes: Buffer): void {
    if (this.#held) this.#emit(this.#held, true);
    this.#held = bytes;
  }

  #emit(bytes: Buffer, more: boolean): void {
    const [encoding, data] = [this.#encoding, bytes.toString(this.#encoding)];
    const chunk = { result_id: this.#resultId, chunk_seq: this.#chunkSeq, data, encoding, more };
    try {
      this.#job.emit('result_chunk', chunk);
    } catch (error) {
      // A chunk that could not be kept is missing, whatever the agent makes of it.
      throw this.#violated(error instanceof Error ? error : new Error(String(error)));
    }
    this.#chunkSeq += 1;
  }
}

/** The JSON text of an inline result, written once; nothing is null (§7, §8). */
export function inlineResult(value: unknown): string {
  const text = JSON.stringify(value === undefined ? null : value);
  if (text === undefined) throw new TypeError('the result is not JSON');
  if (Buffer.byteLength(text) <= inlineResultBytesMax) return text;
  throw new RangeError(`the inline result is over ${inlineResultBytesMax} bytes; stream it with job.result()`);
}

/** The parts of a streamed result, as they were written. */
export interface StreamedResult {
  encoding: 'utf8' | 'base64';
  parts: Buffer[];
}

/** What a job has to give to the job that delegated it: an inline result, or text or bytes put together. */
export function wholeResult(outcome: Outcome, { encoding, parts }: StreamedResult = { encoding: 'utf8', parts: [] }) {
  if ('result' in outcome) return JSON.parse(outcome.result);
  const bytes = Buffer.concat(parts);
  return encoding === 'utf8' ? bytes.toString() : bytes;
}
