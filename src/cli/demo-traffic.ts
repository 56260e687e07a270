import { assign, emit, setup } from 'xstate';
import { pace } from './pace.ts';

/** A traffic light: `count` rounds, `delay_ms` a light. */
export const trafficMachine = setup({
  types: {
    context: {} as { round: number; count: number; delayMs: number },
    events: {} as { type: 'job.cancel' },
    emitted: {} as { type: 'status'; phase: string } | { type: 'progress'; current: number; total: number },
    output: {} as { count: number },
  },
  delays: { light: ({ context }) => context.delayMs },
  guards: { isOver: ({ context }) => context.round >= context.count },
  actions: {
    show: emit((_, phase: string) => ({ type: 'status', phase })),
    add: assign({ round: ({ context }) => context.round + 1 }),
    tell: emit(({ context }) => ({ type: 'progress', current: context.round, total: context.count })),
  },
}).createMachine({
  id: 'traffic',
  context: ({ input }) => ({ round: 0, ...pace(input, { count: 3, delayMs: 500 }) }),
  output: ({ context }) => ({ count: context.round }),
  initial: 'red',
  on: { 'job.cancel': '.off' },
  states: {
    red: {
      entry: { type: 'show', params: 'red' },
      always: { guard: 'isOver', target: 'off' },
      after: { light: 'green' },
    },
    green: { entry: { type: 'show', params: 'green' }, after: { light: 'yellow' } },
    yellow: {
      entry: { type: 'show', params: 'yellow' },
      after: { light: { target: 'red', actions: ['add', 'tell'] } },
    },
    off: { type: 'final' },
  },
});
