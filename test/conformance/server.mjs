// The server of level (c): a process of its own, with the runtime as it was built, on real sockets. Its agents are puppets
// and its clock is simulated, both moved by messages of the process that started it; nothing else of it is special.
import { jobMachine, sessionMachine } from '../../dist/machines/index.js';
import { chartCoverage } from '../../dist/src/conformance/index.js';
import { breakableStore, puppets, purse } from '../../dist/src/conformance/puppets.js';
import { durations } from '../../dist/src/conformance/session-input.js';
import {
  bearer,
  createRuntime,
  memoryStore,
  simulatedClock,
  sqliteStore,
  stdioTransport,
} from '../../dist/src/index.js';

const coverage = chartCoverage([sessionMachine, jobMachine]);
const turn = () => new Promise((resolve) => setImmediate(resolve));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let scene;

const calls = {
  /** A new runtime, as if the server had just been started; over a file, the one that an earlier process has left there. */
  async begin({ policy, tokens, limits, stdio, port, file, startMs }) {
    const { onBye, onExpire } = policy;
    const clock = simulatedClock(startMs);
    const troupe = puppets(policy);
    const gateway = purse();
    const { store, breakNext } = breakableStore(file ? sqliteStore(file) : memoryStore());
    const runtime = createRuntime({
      agents: troupe.agents,
      provisioner: gateway.provisioner,
      provisionerTimeoutSec: 1e6,
      revocationGraceSec: durations.revocationGraceMs / 1000,
      store,
      authenticate: bearer({ [tokens.own]: 'alice', [tokens.another]: 'bob' }),
      clock,
      log: quiet,
      inspect: coverage.inspect,
      handshakeTimeoutSec: durations.handshakeTimeoutMs / 1000,
      resumeWindowSec: durations.resumeWindowMs / 1000,
      cancelGraceSec: durations.cancelGraceMs / 1000,
      ...limits,
      onBye,
      onExpire,
    });
    scene = { clock, troupe, gateway, runtime, store, breakNext };
    const { url } = await runtime.listen({ port });
    if (stdio) {
      const { input, output } = { input: process.stdin, output: process.stdout };
      runtime.accept(stdioTransport({ input, output, maxFrameBytes: limits.maxFrameBytes }));
    }
    return url;
  },
  async advance(ms) {
    scene.clock.advance(ms);
    for (let i = 0; i < 3; i += 1) await turn();
  },
  async sessions() {
    for (let i = 0; i < 3; i += 1) await turn();
    return scene.runtime.sessions();
  },
  async emit([jobId, count, bytes]) {
    scene.troupe.emit(jobId, count, bytes);
    await turn();
  },
  async end([jobId, how]) {
    scene.troupe.end(jobId, how);
    for (let i = 0; i < 3; i += 1) await turn();
  },
  async breakJob(jobId) {
    scene.breakNext();
    await calls.end([jobId, 'returns']);
  },
  async revoked() {
    scene.gateway.revoked();
    for (let i = 0; i < 3; i += 1) await turn();
  },
  now: async () => scene.clock.now(),
  stepWall: async (ms) => scene.clock.stepWall(ms),
  async delegate(jobId) {
    const child = scene.troupe.delegate(jobId);
    for (let i = 0; i < 3; i += 1) await turn();
    return child;
  },
  async authorize(jobId) {
    scene.troupe.authorize(jobId);
    for (let i = 0; i < 3; i += 1) await turn();
  },
  isStopped: async (jobId) => scene.troupe.isStopped(jobId),
  /** Everything that has happened is committed; the wall clock of that moment. */
  async flush() {
    for (let i = 0; i < 3; i += 1) await turn();
    await scene.store.flush();
    return scene.clock.now();
  },
  async shutdown() {
    const closed = scene.runtime.close();
    scene.gateway.open();
    scene.troupe.endAll();
    await closed;
  },
  report: async () => coverage.report(),
};

process.on('message', async ({ id, call, argument }) => {
  try {
    process.send({ id, result: await calls[call](argument) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
// Whoever started this is gone.
process.on('disconnect', () => process.exit(0));
