// What the server of the crash suite serves: an agent for each thing that can become of a job whose process dies.
import { assign, emit, setup } from 'xstate';
import { defineAgent } from '../../dist/src/index.js';

async function count(job) {
  for (let i = 1; i <= job.input.count; i += 1) {
    job.progress({ current: i, total: job.input.count });
    await job.sleep(job.input.delayMs);
  }
  return { counted: job.input.count };
}

const counting = setup({
  guards: { counted: ({ context }) => context.current >= context.count },
  delays: { step: ({ context }) => context.delayMs },
}).createMachine({
  context: ({ input }) => ({ ...input, current: 0 }),
  output: ({ context }) => ({ counted: context.current }),
  initial: 'counting',
  states: {
    counting: {
      always: { guard: 'counted', target: 'done' },
      after: {
        step: {
          target: 'counting',
          reenter: true,
          actions: [
            assign({ current: ({ context }) => context.current + 1 }),
            emit(({ context }) => ({ type: 'progress', current: context.current, total: context.count })),
          ],
        },
      },
    },
    done: { type: 'final' },
  },
});

export default [
  defineAgent({ name: 'fails', run: count }),
  defineAgent({ name: 'reruns', onRestart: 'rerun', run: count }),
  defineAgent({ name: 'goes-on', machine: counting }),
];
