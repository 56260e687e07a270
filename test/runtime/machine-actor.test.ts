// A machine whose state was kept as text goes on from there in another process: in simulated time, nothing else of the runtime.
import { describe, expect, test } from 'vitest';
import { assign, createMachine, emit } from 'xstate';
import { life, seconds } from '../support/machine-life.ts';

const light = createMachine({
  initial: 'green',
  states: {
    green: { entry: emit({ type: 'lit', colour: 'green' }), after: { 60000: 'yellow' } },
    yellow: { entry: emit({ type: 'lit', colour: 'yellow' }), after: { 5000: 'red' }, on: { broken: 'dark' } },
    red: { entry: emit({ type: 'lit', colour: 'red' }), type: 'final' },
    dark: { on: { repaired: 'yellow', 'xstate.after.*': 'red' } },
  },
});

describe('a machine goes on from its snapshot', () => {
  test('it is in the state it was in, with its context, and runs no entry action again', () => {
    const counting = createMachine({
      context: { count: 0 },
      entry: emit({ type: 'begun' }),
      on: { more: { actions: [assign({ count: ({ context }) => context.count + 1 }), emit({ type: 'counted' })] } },
    });
    const before = life(counting);
    before.send({ type: 'more' });
    before.send({ type: 'more' });
    const after = before.dies();
    after.send({ type: 'more' });
    expect(after.actor.getSnapshot().context).toEqual({ count: 3 });
    expect([before.emitted.length, after.emitted]).toEqual([3, [{ type: 'counted' }]]);
  });

  test('its input is the job’s, also for what is invoked after the restart', () => {
    const fed = createMachine({
      context: ({ input }) => ({ given: input }),
      on: { say: { actions: emit(({ context }) => ({ type: 'said', given: context.given })) } },
    });
    const after = life(fed, { input: { city: 'Oslo' } }).dies();
    after.send({ type: 'say' });
    expect(after.emitted).toEqual([{ type: 'said', given: { city: 'Oslo' } }]);
  });

  test('one that had come to its end has its output', () => {
    const adding = createMachine({ initial: 'sum', states: { sum: { type: 'final' } }, output: { sum: 3 } });
    const after = life(adding).dies();
    expect(after.actor.getSnapshot()).toMatchObject({ status: 'done', output: { sum: 3 } });
  });

  test('a text of another format, or no text of ours, is refused', () => {
    const text = life(light).kept();
    expect(() => life(light, { from: text.replace('"format":1', '"format":7') })).toThrow(/format 7/);
    expect(() => life(light, { from: 'null' })).toThrow();
    expect(() => life(light, { from: '{' })).toThrow(SyntaxError);
  });

  test('a machine that has lost the state it was in has failed, and does not begin anew', () => {
    const other = createMachine({ initial: 'amber', states: { amber: { entry: emit({ type: 'lit' }) } } });
    const after = life(light).dies({ as: other });
    expect(after.actor.getSnapshot().status).toBe('error');
    expect(after.emitted).toEqual([]);
  });
});

describe('delays end when they would have', () => {
  test('what remains of an `after` counts from its beginning, the time without a process included', () => {
    const before = life(light);
    before.clock.advance(seconds(20));
    const after = before.dies({ downMs: seconds(10) });
    after.clock.advance(seconds(30) - 1);
    expect(after.value()).toBe('green');
    after.clock.advance(1);
    expect(after.value()).toBe('yellow');
    expect(after.emitted).toEqual([{ type: 'lit', colour: 'yellow' }]);
  });

  test('one that passed meanwhile ends at once, and the next one has its whole length', () => {
    const after = life(light).dies({ downMs: seconds(3600) });
    expect(after.value()).toBe('green');
    after.clock.advance(0);
    expect(after.value()).toBe('yellow');
    after.clock.advance(seconds(5) - 1);
    expect(after.value()).toBe('yellow');
    after.clock.advance(1);
    expect(after.actor.getSnapshot().status).toBe('done');
  });

  test('many restarts lengthen nothing', () => {
    let current = life(light);
    for (let i = 0; i < 5; i += 1) {
      current.clock.advance(seconds(10));
      current = current.dies({ downMs: seconds(1) });
    }
    current.clock.advance(seconds(5) - 1);
    expect(current.value()).toBe('green');
    current.clock.advance(1);
    expect(current.value()).toBe('yellow');
  });

  test('leaving the state cancels it, and coming back begins it anew', () => {
    const before = life(light);
    before.clock.advance(seconds(60));
    const after = before.dies({ downMs: seconds(1) });
    after.send({ type: 'broken' });
    after.clock.advance(seconds(60));
    expect(after.value()).toBe('dark');
    after.send({ type: 'repaired' });
    after.clock.advance(seconds(5) - 1);
    expect(after.value()).toBe('yellow');
    expect(after.clock.nextInMs()).toBe(1);
  });

  test('a wall clock that was set back makes nothing wait longer than its whole delay', () => {
    const after = life(light).dies({ downMs: -seconds(86_400) });
    expect(after.clock.nextInMs()).toBe(seconds(60));
  });

  test('several, in parallel states: each has what remains of it, past ones in the order of their deadlines', () => {
    const heard = (by: string) => emit({ type: 'over', by });
    const both = createMachine({
      type: 'parallel',
      states: {
        slow: {
          initial: 'on',
          states: { on: { after: { 9000: { target: 'off', actions: heard('slow') } } }, off: {} },
        },
        quick: {
          initial: 'on',
          states: { on: { after: { 4000: { target: 'off', actions: heard('quick') } } }, off: {} },
        },
        last: {
          initial: 'on',
          states: { on: { after: { 20000: { target: 'off', actions: heard('last') } } }, off: {} },
        },
      },
    });
    const before = life(both);
    before.clock.advance(seconds(1));
    const after = before.dies({ downMs: seconds(11) });
    after.clock.advance(0);
    expect(after.value()).toEqual({ slow: 'off', quick: 'off', last: 'on' });
    expect(after.emitted).toEqual([
      { type: 'over', by: 'quick' },
      { type: 'over', by: 'slow' },
    ]);
    expect(after.clock.nextInMs()).toBe(seconds(8));
  });

  test('two delays of one state', () => {
    const patient = createMachine({
      initial: 'waiting',
      states: {
        waiting: { after: { 1000: { actions: emit({ type: 'reminded' }) }, 5000: 'gone' } },
        gone: { type: 'final' },
      },
    });
    const before = life(patient);
    before.clock.advance(seconds(2));
    const after = before.dies();
    after.clock.advance(seconds(3));
    expect(after.emitted).toEqual([]);
    expect(after.actor.getSnapshot().status).toBe('done');
  });
});
