import { bearer } from '../../src/auth.ts';
import { createRuntime, defineAgent } from '../../src/index.ts';
import { Bystander, ticker } from './bystander.ts';
import type { Storm } from './storm.ts';

const bystanders = 3;
const token = 'tok-attacker';

export interface FuzzReport {
  frames: number;
  seconds: number;
  faults: string[];
  /** Lines of the runtime's log that are errors. */
  errors: string[];
  tally: ReadonlyMap<string, number>;
  bystanderEvents: number;
  longestGapMs: number;
  /** Bytes of heap after a collection, before and after; absent where the process cannot be told to collect. */
  heapBefore: number | undefined;
  heapAfter: number | undefined;
}

export interface FuzzOptions {
  frames: number;
  seed: number;
  /** Where the attackers are: in this process, or in a thread of their own, so that this heap is the runtime's alone. */
  storm: Storm;
  /** Hears how many frames were sent, of how many in all: those before the heap is first looked at are counted, too. */
  tell?: (done: number, total: number) => void;
}

const echo = defineAgent({ name: 'echo', run: (job) => job.input });
const slow = defineAgent({ name: 'slow', run: (job) => job.sleep(20) });

/** What is tested is what a frame does, not how many are let in; the rest is short, so that all is over at the end. */
const brief = {
  maxFramesPerSecond: 1_000_000,
  resumeWindowSec: 1,
  jobRetentionSec: 1,
  cancelGraceSec: 0.2,
  // The jobs of the others run all the while: their histories are full before the heap is first looked at.
  historyEvents: 100,
};

/** Fuzzes a runtime of this process over real sockets, while others use it, and tells what became of both. */
export async function fuzz({ frames, seed, storm, tell }: FuzzOptions): Promise<FuzzReport> {
  const errors: string[] = [];
  const quietly = () => {};
  const log = {
    debug: quietly,
    info: quietly,
    warn: quietly,
    error: (_: object, message: string) => errors.push(message),
  };
  const runtime = createRuntime({
    agents: [echo, slow, ticker],
    authenticate: bearer({ [token]: 'attacker', 'tok-bystander': 'bystander' }),
    ...brief,
    log,
  });
  const { url } = await runtime.listen();
  try {
    const quiet = await Promise.all(Array.from({ length: bystanders }, () => Bystander.enter(url, 'tok-bystander')));
    // What is made once, by the first frames, is no leak.
    const before = Math.ceil(frames / 20);
    const told = (done: number) => tell?.(done, before + frames);
    const first = await storm({ url, token, frames: before, seed: seed + 1 }, told);
    await untilAlone(runtime, bystanders);
    const heapBefore = await heapBytes();
    for (const bystander of quiet) bystander.longestGapMs = 0;
    const startedMs = performance.now();
    const { faults, tally } = await storm({ url, token, frames, seed }, (done) => told(before + done));
    const seconds = (performance.now() - startedMs) / 1000;
    await untilAlone(runtime, bystanders);
    const heapAfter = await heapBytes();
    const longestGapMs = Math.max(...quiet.map((bystander) => bystander.longestGapMs));
    for (const bystander of quiet) await bystander.leave();
    return {
      frames,
      seconds,
      faults: [...first.faults, ...faults, ...quiet.flatMap((bystander) => bystander.faults)],
      errors,
      tally,
      bystanderEvents: quiet.reduce((sum, { events }) => sum + events, 0),
      longestGapMs,
      heapBefore,
      heapAfter,
    };
  } finally {
    await runtime.close();
  }
}

/** Resolves when the attackers' sessions, and the jobs they left, are over. */
async function untilAlone(runtime: { sessions(): unknown[] }, alone: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (runtime.sessions().length > alone && performance.now() < deadline) await tick();
  // What ended is remembered for another second.
  const forgotten = performance.now() + 1500;
  while (performance.now() < forgotten) await tick();
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

async function heapBytes(): Promise<number | undefined> {
  if (!globalThis.gc) return undefined;
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await tick();
  }
  return process.memoryUsage().heapUsed;
}
