// The attackers in a thread of their own: each message asks for a storm, and is answered with how far it is, and last with what came of it.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type Storm, type StormReport, storm } from './storm.ts';

type Answer = { done: number } | { report: StormReport };

/** A storm that comes from another thread. */
export function stormThread(): { storm: Storm; end(): Promise<unknown> } {
  const worker = new Worker(new URL(import.meta.url));
  return {
    storm: (options, tell) =>
      new Promise((resolve, reject) => {
        const hear = (answer: Answer) => {
          if ('done' in answer) return tell?.(answer.done);
          worker.off('message', hear).off('error', reject);
          resolve(answer.report);
        };
        worker.on('message', hear).on('error', reject);
        worker.postMessage(options);
      }),
    end: () => worker.terminate(),
  };
}

const answer = (words: Answer) => parentPort?.postMessage(words);
if (!isMainThread) {
  parentPort?.on('message', async (options) => answer({ report: await storm(options, (done) => answer({ done })) }));
}
