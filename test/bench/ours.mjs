// The server process with our runtime. Its agent emits once it is told `go`, so that only delivery is measured.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { bearer, createRuntime, defineAgent, memoryStore, sqliteStore } from '../../dist/src/index.js';
import { serveControl } from './control.mjs';

/** `{"level":"info","message":"…"}` of 100 bytes. */
const message = 'x'.repeat(100 - '{"level":"info","message":""}'.length);
const batchEvents = 64;

const loop = monitorEventLoopDelay({ resolution: 1 });

const control = serveControl({
  watchLoop: () => {
    loop.reset();
    loop.enable();
  },
  /** The 99th percentile since `watchLoop`, in milliseconds. */
  loopDelay: () => {
    loop.disable();
    return loop.percentile(99) / 1e6;
  },
});

const emitter = defineAgent({
  name: 'emitter',
  async run(job) {
    await control.go();
    for (let i = 1; i <= job.input.count; i += 1) {
      job.log('info', message);
      if (i % batchEvents === 0) await job.drained();
    }
    control.tell({ type: 'emitted' });
  },
});

/** So many events a second, ten times a second at the least. */
const steady = defineAgent({
  name: 'steady',
  async run(job) {
    const { perSecond, seconds } = job.input;
    await control.go();
    const beganMs = performance.now();
    for (let sent = 0; sent < perSecond * seconds; ) {
      const due = Math.min(perSecond * seconds, ((performance.now() - beganMs) / 1000) * perSecond);
      for (; sent < due; sent += 1) job.log('info', message);
      await job.sleep(10);
    }
  },
});

const file = process.env.ARCPX_BENCH_STORE;
const runtime = createRuntime({
  agents: [emitter, steady],
  store: file === undefined ? memoryStore() : sqliteStore(file),
  authenticate: bearer({ 'tok-bench': 'bench' }),
  maxSessionsPerPrincipal: 10_000,
  log: { debug() {}, info() {}, warn: console.warn, error: console.error },
});

const { url } = await runtime.listen();
control.tell({ type: 'ready', url });
control.onEnd(() => runtime.close());
