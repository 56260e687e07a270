import { onTestFinished } from 'vitest';
import { bearer } from '../../src/auth.ts';
import { createRuntime, type RuntimeOptions } from '../../src/index.ts';
import { dialWs } from '../../src/transports/ws.ts';
import { Peer } from './peer.ts';
import { recordingLog, tokens } from './runtime.ts';

/** A runtime on a real socket of this machine, in real time; it ends with the test. */
export async function socketRuntime(options: Partial<RuntimeOptions> & Pick<RuntimeOptions, 'agents'>) {
  const log = recordingLog();
  const runtime = createRuntime({
    authenticate: bearer({ [tokens.alice]: 'alice', [tokens.bob]: 'bob' }),
    log,
    cancelGraceSec: 0.1,
    ...options,
  });
  const { url } = await runtime.listen({ port: 0 });
  onTestFinished(() => runtime.close());
  const open = async (headers?: Record<string, string>, query = ''): Promise<Peer> =>
    new Peer(await dialWs(`${url}${query}`, headers === undefined ? {} : { headers }));
  return { runtime, url, log, open };
}

/** Random numbers that a seed repeats (mulberry32): a test that uses them prints its seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
