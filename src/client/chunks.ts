import { ArcpError } from '../wire/errors.ts';
import type { EventBodies, ResultPayload } from '../wire/messages.ts';

/** Most characters of one streamed result that are kept for `result()`: the protocol's largest, 256 MiB, in base64. */
const keptCharsMax = 342 * 2 ** 20;

type Chunk = EventBodies['result_chunk'];

/** Puts a streamed result together (§7): chunks in order from 0, utf8 or base64. */
export class ResultChunks {
  #resultId: string | undefined;
  #parts: Chunk[] = [];
  #chars = 0;
  /** What is wrong with the chunks seen so far: told when the result is asked for, not before. */
  #problem: string | undefined;

  add(chunk: Chunk): void {
    this.#resultId ??= chunk.result_id;
    const problem = this.#problemWith(chunk);
    if (problem !== undefined) this.#spoil(problem);
    if (this.#problem === undefined) this.#parts.push(chunk);
  }

  /** The whole result: a string if every chunk was utf8, else bytes. Throws `ArcpError INTERNAL_ERROR` if it is not whole. */
  finish(payload: ResultPayload): string | Uint8Array {
    if (this.#resultId !== payload.result_id) this.#spoil('none of its chunks came');
    else if (this.#parts.at(-1)?.more !== false) this.#spoil('its last chunk is missing');
    const parts = this.#parts;
    this.#parts = [];
    if (this.#problem === undefined) {
      const isText = parts.every((part) => part.encoding === 'utf8');
      const value = isText ? parts.map((part) => part.data).join('') : bytesOf(parts);
      const size = typeof value === 'string' ? new TextEncoder().encode(value).length : value.length;
      if (payload.result_size === undefined || payload.result_size === size) return value;
      this.#problem = `${size} bytes came of ${payload.result_size}`;
    }
    throw new ArcpError('INTERNAL_ERROR', `the streamed result is not whole: ${this.#problem}`, {
      result_id: payload.result_id,
    });
  }

  #problemWith(chunk: Chunk): string | undefined {
    if (chunk.result_id !== this.#resultId) return 'its chunks are of two results';
    if (typeof chunk.data !== 'string') return 'a chunk has no data';
    const next = this.#parts.length;
    if (chunk.chunk_seq !== next) return `chunk ${next} is missing; had another client of this session received it?`;
    this.#chars += chunk.data.length;
    return this.#chars > keptCharsMax ? 'it is above 256 MiB: read its result_chunk events instead' : undefined;
  }

  #spoil(problem: string): void {
    this.#problem ??= problem;
    this.#parts = [];
  }
}

function bytesOf(parts: readonly Chunk[]): Uint8Array {
  const encoder = new TextEncoder();
  const pieces = parts.map(({ encoding, data }) => (encoding === 'base64' ? decodeBase64(data) : encoder.encode(data)));
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** `atob` is what browsers and Node have in common. */
function decodeBase64(data: string): Uint8Array {
  const binary = atob(data);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
