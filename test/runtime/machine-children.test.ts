// What a machine has started (children, promises, callbacks, delayed events between them) goes on with it after a restart.
import { describe, expect, test } from 'vitest';
import {
  type AnyActorRef,
  assign,
  createMachine,
  emit,
  fromCallback,
  fromPromise,
  fromTransition,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import { life, seconds } from '../support/machine-life.ts';
import { turn } from '../support/session.ts';

/** Tells its parent after ten seconds. */
const timer = createMachine({
  initial: 'waiting',
  states: { waiting: { after: { 10000: 'rung' } }, rung: { type: 'final', entry: sendParent({ type: 'rang' }) } },
});
const ringing = { rang: { actions: emit({ type: 'heard' }) } };

describe('children', () => {
  test('the `after` of an invoked machine ends when it would have', () => {
    const before = life(setup({ actors: { timer } }).createMachine({ invoke: { src: 'timer' }, on: ringing }));
    before.clock.advance(seconds(4));
    const after = before.dies({ downMs: seconds(1) });
    after.clock.advance(seconds(5) - 1);
    expect(after.emitted).toEqual([]);
    after.clock.advance(1);
    expect(after.emitted).toEqual([{ type: 'heard' }]);
  });

  test('so do those of spawned machines, and of what they have spawned, each by its own id', () => {
    const inner = setup({ actors: { timer } }).createMachine({
      entry: spawnChild('timer', { id: 'a.b' }),
      on: { rang: { actions: sendParent({ type: 'rang' }) } },
    });
    const outer = setup({ actors: { inner, timer } }).createMachine({
      on: {
        more: { actions: spawnChild('inner', { id: ({ event }) => event.id }) },
        one: { actions: spawnChild('timer', { id: 'a' }) },
        ...ringing,
      },
    });
    const before = life(outer);
    before.send({ type: 'more', id: 'a b' });
    before.clock.advance(seconds(3));
    before.send({ type: 'more', id: 'c' });
    before.clock.advance(seconds(3));
    before.send({ type: 'one' });
    const after = before.dies({ downMs: seconds(3) }).dies();
    const heard = [1, 2, 1, 3].map((count) => {
      after.clock.advance(seconds(count));
      return after.emitted.length;
    });
    expect(heard).toEqual([1, 1, 2, 3]);
  });

  test('one that has ended stays ended', () => {
    const machine = setup({ actors: { timer } }).createMachine({ invoke: { id: 'timer', src: 'timer' }, on: ringing });
    const before = life(machine);
    before.clock.advance(seconds(10));
    const after = before.dies({ downMs: seconds(60) });
    after.clock.advance(seconds(60));
    expect([before.emitted.length, after.emitted.length]).toEqual([1, 0]);
  });

  test('references to children in a context lead to them again', () => {
    const counter = fromTransition((count: number) => count + 1, 0);
    const machine = setup({ types: { context: {} as { counter: AnyActorRef } }, actors: { counter } }).createMachine({
      context: ({ spawn }) => ({ counter: spawn('counter', { id: 'counter' }) }),
      on: { count: { actions: sendTo(({ context }) => context.counter, { type: 'count' }) } },
    });
    const before = life(machine);
    before.send({ type: 'count' });
    const after = before.dies();
    after.send({ type: 'count' });
    expect(after.actor.getSnapshot().context.counter.getSnapshot().context).toBe(2);
  });

  test('a child defined inline cannot be kept, and that is said', () => {
    const machine = createMachine({ entry: spawnChild(timer, { id: 'timer' }) });
    expect(() => life(machine).kept()).toThrow(/inline/i);
  });
});

describe('what was under way', () => {
  test('a promise that had not settled is asked again, with its input; one that had is not', async () => {
    const asked: unknown[] = [];
    const work = fromPromise(async ({ input }: { input: string }) => {
      asked.push(input);
      return `${input} done`;
    });
    const machine = setup({ actors: { work } }).createMachine({
      initial: 'first',
      states: {
        first: { invoke: { src: 'work', input: () => 'first', onDone: 'second' } },
        second: { invoke: { src: 'work', input: () => 'second', onDone: { target: 'over' } } },
        over: { entry: emit({ type: 'over' }) },
      },
    });
    const before = life(machine);
    const unsettled = before.kept();
    await turn();
    expect(asked).toEqual(['first', 'second']);
    const after = life(machine, { from: unsettled });
    await turn();
    expect(asked).toEqual(['first', 'second', 'first', 'second']);
    expect(after.emitted).toEqual([{ type: 'over' }]);
    const ended = after.dies();
    await turn();
    expect([asked.length, ended.emitted]).toEqual([4, []]);
  });

  test('a callback runs again, and what it says at once is heard', () => {
    const talker = fromCallback(({ sendBack }) => sendBack({ type: 'rang' }));
    const after = life(setup({ actors: { talker } }).createMachine({ invoke: { src: 'talker' }, on: ringing })).dies();
    expect(after.emitted).toEqual([{ type: 'heard' }]);
  });
});

describe('delayed events', () => {
  test('raised, sent to a child and sent to a parent with a delay: each comes when it would have', () => {
    const child = createMachine({
      on: { poke: { actions: sendParent({ type: 'poked' }, { delay: 2000 }) } },
    });
    const machine = setup({ actors: { child } }).createMachine({
      invoke: { id: 'child', src: 'child' },
      entry: [raise({ type: 'self' }, { delay: 9000 }), sendTo('child', { type: 'poke' }, { delay: 4000 })],
      on: {
        self: { actions: emit({ type: 'self' }) },
        poked: { actions: emit({ type: 'poked' }) },
      },
    });
    const before = life(machine);
    before.clock.advance(seconds(3));
    const between = before.dies({ downMs: seconds(1) });
    between.clock.advance(0);
    between.clock.advance(seconds(1));
    const after = between.dies({ downMs: 500 });
    expect(after.clock.nextInMs()).toBe(500);
    after.clock.advance(500);
    expect(after.emitted).toEqual([{ type: 'poked' }]);
    after.clock.advance(seconds(3));
    expect(after.emitted).toEqual([{ type: 'poked' }, { type: 'self' }]);
  });

  test('the event comes with what it carried, and can still be cancelled by its id', () => {
    const machine = setup({}).createMachine({
      context: { heard: '' },
      entry: [
        raise({ type: 'note', text: 'kept' }, { delay: 1000, id: 'one' }),
        raise({ type: 'note', text: 'not' }, { delay: 2000, id: 'two' }),
      ],
      on: {
        note: { actions: assign({ heard: ({ context, event }) => context.heard + event.text }) },
        enough: { actions: ({ system, self }) => system.scheduler.cancel(self, 'two') },
      },
    });
    const after = life(machine).dies();
    after.clock.advance(seconds(1));
    after.send({ type: 'enough' });
    after.clock.advance(seconds(9));
    expect(after.actor.getSnapshot().context).toEqual({ heard: 'kept' });
  });

  test('an endless delay is never due, before or after', () => {
    const endless = setup({ delays: { never: Number.POSITIVE_INFINITY } }).createMachine({
      initial: 'a',
      states: { a: { after: { never: 'b' } }, b: {} },
    });
    expect(life(endless).dies().clock.nextInMs()).toBeUndefined();
  });
});
