import type { InspectionEvent } from 'xstate';
import type { Policy } from '../../src/conformance/index.ts';
import { breakableStore, puppets, purse } from '../../src/conformance/puppets.ts';
import { durations } from '../../src/conformance/session-input.ts';
import type { Stage } from '../../src/conformance/stage.ts';
import { bearer, createRuntime, simulatedClock } from '../../src/index.ts';
import { memoryPair } from '../../src/transports/memory.ts';
import type { Transport } from '../../src/transports/transport.ts';
import { recordingLog, tokens } from '../support/runtime.ts';

/** Level (b): a runtime in this process, over the in-memory transport, in simulated time. */
// tidy: one object over one scope
export function memoryStage(policy: Policy, inspect: (event: InspectionEvent) => void): Stage {
  const clock = simulatedClock();
  const troupe = puppets();
  const gateway = purse();
  const { store, breakNext } = breakableStore();
  const valves = new Set<Valve>();
  const runtime = createRuntime({
    agents: troupe.agents,
    provisioner: gateway.provisioner,
    // What revocations wait for is told, and never time.
    provisionerTimeoutSec: 1e6,
    revocationGraceSec: durations.revocationGraceMs / 1000,
    store,
    authenticate: bearer({ [tokens.alice]: 'alice', [tokens.bob]: 'bob' }),
    clock,
    log: recordingLog(),
    inspect,
    handshakeTimeoutSec: durations.handshakeTimeoutMs / 1000,
    resumeWindowSec: durations.resumeWindowMs / 1000,
    cancelGraceSec: durations.cancelGraceMs / 1000,
    heartbeatSec: 60,
    stallTimeoutSec: 5,
    maxFrameBytes: 100_000,
    maxUnsentBytes: 4 * 2 ** 20,
    bufferEvents: 100_000,
    ...policy,
  });
  return {
    tokens: { own: tokens.alice, another: tokens.bob },
    frameBytesMax: 100_000,
    heartbeatMs: 60_000,
    stallTimeoutMs: 5_000,
    stallBytes: 1_400_000,
    stallEvents: 4,
    holdBytes: 300_000,
    async open() {
      const [ours, theirs] = memoryPair();
      const valve = valveOn(theirs);
      valves.add(valve);
      runtime.accept(valve.transport);
      return {
        transport: ours,
        hold: valve.hold,
        release: valve.release,
        sendBytes: () => ours.sendBytes(new Uint8Array([1, 2, 3])),
        stall: () => ours.stall(),
        resume: () => ours.resume(),
        bringsCodes: true,
      };
    },
    async advance(ms) {
      // A held socket takes a little now and then: it is slow, not stalled.
      const stepMs = [...valves].some((valve) => valve.isHeld()) ? 2_000 : ms;
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advance(Math.min(left, stepMs));
        for (const valve of valves) valve.trickle();
        await turns();
      }
    },
    settle: turns,
    async sessions() {
      await turns();
      return runtime.sessions();
    },
    async emit(jobId, count, bytes) {
      troupe.emit(jobId, count, bytes);
      await turns();
    },
    async end(jobId, how) {
      troupe.end(jobId, how);
      await turns();
    },
    async revoked() {
      gateway.revoked();
      await turns();
    },
    isStopped: async (jobId) => troupe.isStopped(jobId),
    async breakJob(jobId) {
      breakNext();
      troupe.end(jobId, 'returns');
      await turns();
    },
    async shutdown() {
      const closed = runtime.close();
      gateway.open();
      troupe.endAll();
      await closed;
    },
    async close() {
      const closed = runtime.close();
      gateway.open();
      troupe.endAll();
      await closed;
    },
  };
}

interface Valve {
  transport: Transport;
  hold(): void;
  release(): void;
  isHeld(): boolean;
  trickle(): void;
}

/** A runtime's end of a link that can be made to look full: then the runtime keeps its log to itself, and still replies. */
function valveOn(inner: Transport): Valve {
  let held = false;
  let drained = () => {};
  const release = () => {
    held = false;
    drained();
  };
  return {
    hold: () => {
      held = true;
    },
    release,
    isHeld: () => held,
    trickle: () => {
      if (held) drained();
    },
    transport: {
      send: (text) => inner.send(text),
      close: (code, reason) => inner.close(code, reason),
      onMessage: (receive) => inner.onMessage(receive),
      onClose: (closed) => inner.onClose(closed),
      unsentBytes: () => (held ? 2 ** 20 : (inner.unsentBytes?.() ?? 0)),
      onDrain(listener) {
        drained = listener;
        inner.onDrain?.(listener);
      },
    },
  };
}

/** What follows at once, in microtasks and promises, has happened. */
async function turns(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
