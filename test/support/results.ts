import { defineAgent, type JobContext, type RunAgentDefinition } from '../../src/index.ts';
import type { Frame, Peer } from './peer.ts';
import { simulatedRuntime } from './runtime.ts';
import { enter, terminals, turn } from './session.ts';

export const mebibyte = 2 ** 20;
/** Features of a client that takes no chunks. */
export const inlineOnly = ['ack', 'progress'];
/** What the terminal of a job looks like whose agent failed. */
export const failed = {
  type: 'job.error',
  payload: { final_status: 'error', code: 'INTERNAL_ERROR', retryable: true },
};

/** Runs one job of this agent to its end, and tells what came over the wire. */
export async function runJob(run: RunAgentDefinition['run'], options: { features?: string[] } = {}) {
  const at = simulatedRuntime({ agents: [defineAgent({ name: 'agent', run })] });
  const { peer, submit } = await enter(at, options);
  await submit('agent');
  await turn();
  await peer.settle();
  const [terminal, ...more] = terminals(peer);
  if (more.length > 0) throw new Error('more than one terminal');
  return { peer, terminal, chunks: chunksOf(peer), log: at.log };
}

/** The bodies of the result chunks that came in. */
export function chunksOf(peer: Peer) {
  return peer.sequenced().flatMap(({ payload }: Frame) => (payload.kind === 'result_chunk' ? [payload.body] : []));
}

/** What a client makes of the chunks. */
export function assembled(chunks: { data: string; encoding: BufferEncoding }[]): Buffer {
  return Buffer.concat(chunks.map(({ data, encoding }) => Buffer.from(data, encoding)));
}

/** A stream of these chunks, ended. */
export function ending(job: JobContext, chunks: (string | Uint8Array)[]) {
  const result = job.result();
  for (const chunk of chunks) result.write(chunk);
  result.end();
  return result;
}
