import { type SimulatedClock, simulatedClock } from '../../src/clock.ts';
import { durableRuntime } from './durable.ts';
import type { Frame } from './peer.ts';
import { comeBack, enter, turn } from './session.ts';

type Options = Omit<Parameters<typeof durableRuntime>[0], 'store'>;

/** A client of a runtime in its first process, and then, after each crash, in the next. Wall time goes on between them. */
export async function firstLife(options: Options) {
  const clock = simulatedClock();
  const at = durableRuntime({ ...options, clock });
  const { peer, sessionId, resumeToken, submit } = await enter(at);
  return { submit, ...lived({ at, clock, peer, sessionId, resumeToken }) };
}

interface Living {
  at: ReturnType<typeof durableRuntime>;
  clock: SimulatedClock;
  peer: Awaited<ReturnType<typeof comeBack>>['peer'];
  sessionId: string;
  resumeToken: string;
}

function lived({ at, clock, peer, sessionId, resumeToken }: Living) {
  const { runtime, store, log } = at;
  /** What is kept of the session's log, from the first frame on. */
  const kept = (): Frame[] => store.medium.frames(sessionId).map((text) => JSON.parse(text));
  /** Lets `ms` pass, and every turn that hangs on them. */
  const pass = async (ms: number, stepMs = ms) => {
    await turn();
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(Math.min(stepMs, ms - passed));
      await turn();
    }
  };
  /** The process dies, by `kill -9` or as `ends` has it; the next one comes `downMs` later, and the client comes back to it. */
  const dies = async ({ downMs = 0, after = 0, ends = () => {}, ...changed }: Death = {}) => {
    await ends();
    const next = simulatedClock(clock.now() + downMs);
    const reborn = at.crashed({ ...changed, clock: next });
    await reborn.runtime.ready;
    const back = await comeBack(reborn, { resumeToken, after });
    return lived({ at: reborn, clock: next, sessionId, peer: back.peer, resumeToken: back.resumeToken });
  };
  return { runtime, store, log, clock, peer, sessionId, resumeToken, kept, pass, dies };
}

interface Death extends Partial<Options> {
  downMs?: number;
  /** The last event the client has seen. */
  after?: number;
  ends?: () => unknown;
}

/** An event as its kind and body, a terminal as its type and what it says. */
export function said({ type, payload }: Frame): unknown {
  if (type === 'job.event') return [payload.kind, payload.body];
  return [type, 'result' in payload ? payload.result : payload.code];
}
