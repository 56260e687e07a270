import type { AgentDefinition, RuntimeOptions } from '../../src/index.ts';
import { type KeptStore, keptStore } from './kept.ts';
import { simulatedRuntime } from './runtime.ts';

type Options = Partial<RuntimeOptions> & { agents: AgentDefinition[] };

/** A runtime in simulated time over a store that outlives it. */
export function durableRuntime({ store = keptStore(), ...options }: Options & { store?: KeptStore }) {
  const at = simulatedRuntime({ resumeWindowSec: 60, ...options, store });
  /** The process dies, and the next one opens what it had committed. */
  const crashed = (changed: Partial<Options> = {}) => {
    store.crash();
    return durableRuntime({ ...options, ...changed, store: store.reopened() });
  };
  return { ...at, store, crashed };
}
