import { type AnyStateMachine, assign, emit, setup } from 'xstate';
import { defineAgent } from '../../src/index.ts';
import { simulatedRuntime } from './runtime.ts';
import { enter, terminals, turn } from './session.ts';

const countingSetup = setup({
  types: {
    input: {} as { count: number },
    context: {} as { current: number; count: number },
    output: {} as { counted: number },
  },
  guards: { counted: ({ context }) => context.current >= context.count },
});

/** Counts to `input.count`, a second each; told to stop, it takes two seconds to clean up. */
export const counting = countingSetup.createMachine({
  context: ({ input }) => ({ current: 0, count: input.count }),
  output: ({ context }) => ({ counted: context.current }),
  initial: 'counting',
  states: {
    counting: {
      always: { guard: 'counted', target: 'done' },
      after: {
        1000: {
          target: 'counting',
          reenter: true,
          actions: [
            assign({ current: ({ context }) => context.current + 1 }),
            emit(({ context }) => ({ type: 'progress', current: context.current, total: context.count })),
          ],
        },
      },
      on: { 'job.cancel': 'cleaning' },
    },
    cleaning: { after: { 2000: 'done' } },
    done: { type: 'final' },
  },
});

/** A client of a runtime whose one agent is this machine. */
export async function begin(machine: AnyStateMachine, options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const at = simulatedRuntime({ agents: [defineAgent({ name: 'agent', machine })], ...options });
  const session = await enter(at);
  const start = async (payload: object = {}) => {
    const accepted = await session.submit('agent', payload);
    await turn();
    return String(accepted.job_id);
  };
  /** What came in up to now, in which time did not go on. */
  const settled = async () => {
    await turn();
    await session.peer.settle();
    return terminals(session.peer);
  };
  return { ...at, ...session, start, settled };
}
