import type { HistoryEntry, JobHistory } from '../watching/history.ts';
import type { EventBodies, ResultPayload } from '../wire/messages.ts';
import { inlineResult, inlineResultBytesMax } from './results.ts';

/**
 * A terminal for who has not negotiated `result_chunk`: a result that was streamed is put in, if it fits and all of its chunks
 * are still kept (§8). Else it stays as it is, naming the stream and its size.
 */
export function inlined({ type, payload }: HistoryEntry, history: JobHistory): string {
  if (type !== 'job.result' || !payload.includes('"result_id"')) return payload;
  const { result_id, result_size, ...ended } = JSON.parse(payload) as ResultPayload;
  if (result_id === undefined || result_size === undefined || result_size > inlineResultBytesMax) return payload;
  const text = streamed(history, result_id);
  return text === undefined ? payload : (withResult(ended, text) ?? payload);
}

/** The text of a stream's chunks, base64 where they are: undefined where one is missing. */
function streamed(history: JobHistory, resultId: string): string | undefined {
  const pieces: Buffer[] = [];
  let encoding: BufferEncoding = 'utf8';
  let isWhole = false;
  for (let index = history.after(0); index < history.end; index += 1) {
    const { payload = '' } = history.read(index) ?? {};
    if (!payload.startsWith('{"kind":"result_chunk"')) continue;
    const { body } = JSON.parse(payload) as { body: EventBodies['result_chunk'] };
    if (body.result_id !== resultId || body.chunk_seq !== pieces.length) continue;
    encoding = body.encoding;
    pieces.push(Buffer.from(body.data, encoding));
    isWhole = !body.more;
  }
  return isWhole ? Buffer.concat(pieces).toString(encoding) : undefined;
}

/** Undefined: as JSON it is too long after all. */
function withResult(ended: object, text: string): string | undefined {
  try {
    return `${JSON.stringify(ended).slice(0, -1)},"result":${inlineResult(text)}}`;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
