import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { simulatedClock } from '../../src/clock.ts';
import { MachineActor } from '../../src/jobs/machine-actor.ts';

/** A machine that lives until its process dies, and then, `downMs` later, in the next one. */
export function life(
  machine: AnyStateMachine,
  { from, atMs, input }: { from?: string; atMs?: number; input?: unknown } = {},
) {
  const clock = simulatedClock(atMs);
  const emitted: unknown[] = [];
  const one = new MachineActor({ machine, id: 'root', input, clock, from, inspect: () => {}, say: () => {} });
  one.actor.on('*', (event) => emitted.push(event));
  one.actor.subscribe({ error: () => {} });
  one.start();
  const { actor } = one;
  return {
    actor,
    clock,
    emitted,
    send: (event: AnyEventObject) => actor.send(event),
    kept: () => one.snapshot(),
    value: () => actor.getSnapshot().value,
    dies: ({ downMs = 0, as = machine } = {}) =>
      life(as, { from: one.snapshot(), atMs: clock.now() + downMs, ...(input === undefined ? {} : { input }) }),
  };
}

export const seconds = (count: number) => count * 1000;
