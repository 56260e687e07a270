// What XState keeps of the charts themselves: for every state, what that does upon each type of event it was ever told.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StateNode } from 'xstate';
import { memoryStore, type Store } from '../../src/index.ts';
import { echo } from '../support/leases.ts';
import { simulatedRuntime } from '../support/runtime.ts';
import { enter } from '../support/session.ts';

// Where XState keeps it, nobody else can look: what goes into its map is seen on the way.
const kept = vi.fn<(node: unknown, memory: object) => void>();
const { set } = WeakMap.prototype;

beforeEach(() => {
  vi.spyOn(WeakMap.prototype, 'set').mockImplementation(function (this: WeakMap<WeakKey, unknown>, node, memory) {
    if (node instanceof StateNode) kept(node, Object(memory));
    return set.call(this, node, memory);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  kept.mockReset();
});

const remembered = () => kept.mock.calls.flatMap(([, memory]) => Object.keys(memory));

/** A store that takes no result, so that each job that has one fails inside the runtime. */
function storeWithoutResults(): Store {
  const memory = memoryStore();
  const openLog: Store['openLog'] = (sessionId, limits) => {
    const log = memory.openLog(sessionId, limits);
    const append = log.append.bind(log);
    log.append = (head, tail) => {
      if (head.includes('"job.result"')) throw new Error('no space left');
      return append(head, tail);
    };
    return log;
  };
  return { ...memory, openLog };
}

for (const [how, store, terminal] of [
  ['well', memoryStore(), 'job.result'],
  ['by a fault of the runtime', storeWithoutResults(), 'job.error'],
] as const) {
  test(`the charts remember nothing of a job that has ended ${how}`, async () => {
    const at = simulatedRuntime({ agents: [echo], store });
    const { peer, submit } = await enter(at);
    const run = async () => {
      await submit('echo');
      await peer.next(terminal);
      await peer.settle();
    };
    await run();
    const before = remembered();
    expect(before.filter((key) => key.includes(terminal === 'job.result' ? '.done.' : '.error.'))).not.toEqual([]);
    for (let job = 0; job < 10; job += 1) await run();
    expect(remembered()).toEqual(before);
    await at.runtime.close();
  });
}
