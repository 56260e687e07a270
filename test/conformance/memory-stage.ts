import type { InspectionEvent } from 'xstate';
import type { Policy } from '../../src/conformance/index.ts';
import { breakableStore, puppets, purse } from '../../src/conformance/puppets.ts';
import { durations } from '../../src/conformance/session-input.ts';
import type { Stage } from '../../src/conformance/stage.ts';
import { bearer, createRuntime, memoryStore, type Runtime, simulatedClock } from '../../src/index.ts';
import type { Store } from '../../src/stores/store.ts';
import { memoryPair } from '../../src/transports/memory.ts';
import type { Transport } from '../../src/transports/transport.ts';
import { type KeptStore, keptStore } from '../support/kept.ts';
import { recordingLog, tokens } from '../support/runtime.ts';

/** Level (b): a runtime in this process, over the in-memory transport, in simulated time. */
// tidy: one object over one scope
export function memoryStage(policy: Policy, inspect: (event: InspectionEvent) => void): Stage {
  const keeps = policy.onShutdown === 'keep';
  const valves = new Set<Valve>();
  const links = new Set<Transport>();
  const begin = (store: Store | KeptStore, startMs?: number) => {
    const clock = simulatedClock(startMs);
    const troupe = puppets(policy);
    const gateway = purse();
    const { provisioner } = gateway;
    const { breakNext } = breakableStore(store);
    const { onBye, onExpire } = policy;
    const parts = { agents: troupe.agents, provisioner, store, clock, inspect };
    return {
      store,
      clock,
      troupe,
      gateway,
      breakNext,
      runtime: createRuntime({ ...limits, ...parts, onBye, onExpire }),
    };
  };
  let scene = begin(keeps ? keptStore() : memoryStore());
  return {
    tokens: { own: tokens.alice, another: tokens.bob },
    frameBytesMax: 100_000,
    heartbeatMs: 60_000,
    stallTimeoutMs: 5_000,
    stallBytes: 200_000,
    stallEvents: 4,
    holdBytes: 100,
    async open() {
      // Before that a connection waits for the store, and no timer of it runs.
      await scene.runtime.ready;
      const [ours, theirs] = memoryPair();
      const valve = valveOn(theirs);
      valves.add(valve);
      scene.runtime.accept(valve.transport);
      links.add(ours);
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
        scene.clock.advance(Math.min(left, stepMs));
        for (const valve of valves) valve.trickle();
        await turns();
      }
    },
    settle: turns,
    async sessions() {
      await turns();
      return scene.runtime.sessions();
    },
    async emit(jobId, count, bytes) {
      scene.troupe.emit(jobId, count, bytes);
      await turns();
    },
    async end(jobId, how) {
      scene.troupe.end(jobId, how);
      await turns();
    },
    async revoked() {
      scene.gateway.revoked();
      await turns();
    },
    isStopped: async (jobId) => scene.troupe.isStopped(jobId),
    now: async () => scene.clock.now(),
    stepWall: async (ms) => scene.clock.stepWall(ms),
    async delegate(jobId) {
      const child = scene.troupe.delegate(jobId);
      await turns();
      return child;
    },
    async authorize(jobId) {
      scene.troupe.authorize(jobId);
      await turns();
    },
    async breakJob(jobId) {
      scene.breakNext();
      scene.troupe.end(jobId, 'returns');
      await turns();
    },
    async crash(downMs) {
      const { store, clock } = scene;
      if (!('crash' in store)) throw new Error('a store that does not last has no other process');
      const kept = store.medium.records('session').map(({ id }) => id);
      const known = new Set(scene.runtime.sessions().map(({ sessionId }) => sessionId));
      const left = kept.filter((id) => !known.has(id));
      if (left.length > 0) throw new Error(`the store still has what is over: ${left.join(', ')}`);
      store.crash();
      for (const link of links) link.close(1006);
      links.clear();
      await turns();
      scene = begin(store.reopened(), clock.now() + downMs);
      await scene.runtime.ready;
    },
    shutdown: () => ended(scene),
    close: () => ended(scene),
  };
}

const limits = {
  authenticate: bearer({ [tokens.alice]: 'alice', [tokens.bob]: 'bob' }),
  log: recordingLog(),
  handshakeTimeoutSec: durations.handshakeTimeoutMs / 1000,
  resumeWindowSec: durations.resumeWindowMs / 1000,
  cancelGraceSec: durations.cancelGraceMs / 1000,
  // What revocations wait for is told, and never time.
  provisionerTimeoutSec: 1e6,
  revocationGraceSec: durations.revocationGraceMs / 1000,
  heartbeatSec: 60,
  stallTimeoutSec: 5,
  maxFrameBytes: 100_000,
  maxUnsentBytes: 2 ** 19,
  bufferEvents: 100_000,
};

/** Its agents end as they are told to stop. */
async function ended(scene: {
  runtime: Runtime;
  troupe: ReturnType<typeof puppets>;
  gateway: ReturnType<typeof purse>;
}): Promise<void> {
  const { runtime, troupe, gateway } = scene;
  const closed = runtime.close();
  gateway.open();
  troupe.endAll();
  await closed;
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
