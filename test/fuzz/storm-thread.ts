// The attackers in a thread of their own: each message asks for a storm, and is answered with what came of it.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type Storm, storm } from './storm.ts';

/** A storm that comes from another thread. */
export function stormThread(): { storm: Storm; end(): Promise<unknown> } {
  const worker = new Worker(new URL(import.meta.url));
  return {
    storm: async (options) => {
      worker.postMessage(options);
      const [answer] = await once(worker, 'message');
      return answer;
    },
    end: () => worker.terminate(),
  };
}

if (!isMainThread) parentPort?.on('message', async (options) => parentPort?.postMessage(await storm(options)));
