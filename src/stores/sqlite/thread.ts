import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';

/** The worker as it is built, also for the source beside this file: a thread is started from JavaScript. */
const workerFile = createRequire(import.meta.url).resolve('#sqlite-worker');

/** The worker, as the runtime's thread sees it. */
export class Thread {
  readonly #worker: Worker;
  readonly #end: Promise<void>;

  /** `ended` is told when the thread is gone, for whatever reason. */
  constructor(start: WorkerStart, heard: { message(message: FromWorker): void; ended(why: string): void }) {
    // Node remarks once on its own SQLite being new; the log of a server is no place for it.
    const execArgv = ['--disable-warning=ExperimentalWarning'];
    this.#worker = new Worker(workerFile, { workerData: start, name: 'arcp-store', execArgv });
    let why = 'it ended by itself';
    this.#worker.on('message', heard.message);
    this.#worker.on('error', (error) => {
      why = String(error);
    });
    this.#end = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        resolve();
        heard.ended(why);
      });
    });
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Lets it finish what it does and close the file; resolves when the file is let go. */
  close(): Promise<void> {
    this.post({ do: 'close' });
    return this.#end;
  }

  /** Ends it at once, whatever it does. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
