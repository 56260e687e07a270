import { bearer } from '../../src/auth.ts';
import {
  type AgentDefinition,
  createRuntime,
  defineAgent,
  type JobContext,
  type RuntimeOptions,
  simulatedClock,
} from '../../src/index.ts';
import { memoryPair } from '../../src/transports/memory.ts';
import type { ConnectionFacts } from '../../src/transports/transport.ts';
import { Peer } from './peer.ts';

/** Bearer tokens of the tests' people. */
export const tokens = { alice: 'tok-alice', bob: 'tok-bob' };

/** Nothing the runtime logs is lost to a test, and nothing of it lands on the terminal. */
export function recordingLog() {
  const lines: { level: string; message: string; fields: object }[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A runtime in simulated time, over the in-memory transport. */
export function simulatedRuntime(options: Partial<RuntimeOptions> & { agents: AgentDefinition[] }) {
  const clock = simulatedClock();
  const log = recordingLog();
  const runtime = createRuntime({
    authenticate: bearer({ [tokens.alice]: 'alice', [tokens.bob]: 'bob' }),
    clock,
    log,
    ...options,
  });
  /** A connection, and the link it uses, which a test can stall. */
  const connect = (facts?: ConnectionFacts) => {
    const [ours, theirs] = memoryPair();
    runtime.accept(theirs, facts);
    return { peer: new Peer(ours), link: ours };
  };
  const open = (facts?: ConnectionFacts): Peer => connect(facts).peer;
  return { runtime, clock, log, open, connect };
}

/** An agent whose every step a test takes: it does nothing of its own, and ends when told. */
export function puppet(name = 'puppet') {
  const jobs: { context: JobContext; finish(result?: unknown): void; fail(error: Error): void }[] = [];
  const agent = defineAgent({
    name,
    run: (context) => new Promise((resolve, reject) => jobs.push({ context, finish: resolve, fail: reject })),
  });
  const newest = () => {
    const job = jobs.at(-1);
    if (!job) throw new Error(`agent ${name} has no job`);
    return job;
  };
  return {
    agent,
    jobs,
    get job(): JobContext {
      return newest().context;
    },
    emit(count: number): void {
      for (let i = 1; i <= count; i += 1) newest().context.log('info', `event ${i}`);
    },
    finish: (result?: unknown) => newest().finish(result),
    fail: (error: Error) => newest().fail(error),
  };
}
