// The server process with our runtime. Its agent emits once it is told `go`, so that only delivery is measured.
import { bearer, createRuntime, defineAgent } from '../../dist/src/index.js';
import { serveControl } from './control.mjs';

/** `{"level":"info","message":"…"}` of 100 bytes. */
const message = 'x'.repeat(100 - '{"level":"info","message":""}'.length);
const batchEvents = 64;

const control = serveControl();

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

const runtime = createRuntime({
  agents: [emitter],
  authenticate: bearer({ 'tok-bench': 'bench' }),
  maxSessionsPerPrincipal: 10_000,
  log: { debug() {}, info() {}, warn: console.warn, error: console.error },
});

const { url } = await runtime.listen();
control.tell({ type: 'ready', url });
control.onEnd(() => runtime.close());
