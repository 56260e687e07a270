// Paths from a chart of one's own: what an outsider gets from `lifecyclePaths`.
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { type Case, declaredTransitions, lifecyclePaths, walkChart } from '../../src/conformance/index.ts';

/** A door that locks itself, and takes three wrong codes. */
const doorMachine = setup({
  types: {
    context: {} as { wrong: number },
    events: {} as { type: 'code'; is: string } | { type: 'open' } | { type: 'close' },
  },
  guards: {
    isRight: ({ event }) => event.type === 'code' && event.is === '1234',
    isThird: ({ context }) => context.wrong >= 3,
  },
  actions: {
    count: assign({ wrong: ({ context }) => context.wrong + 1 }),
    forget: assign({ wrong: 0 }),
  },
}).createMachine({
  id: 'door',
  context: { wrong: 0 },
  initial: 'locked',
  states: {
    locked: {
      always: { guard: 'isThird', target: 'alarmed' },
      on: { code: [{ guard: 'isRight', target: 'unlocked', actions: 'forget' }, { actions: 'count' }] },
    },
    unlocked: { after: { 5000: 'locked' }, on: { open: 'standing' } },
    standing: { on: { close: 'locked' } },
    alarmed: { type: 'final' },
  },
});

const cases: Case[] = [
  { name: 'the right code', told: [{ event: { type: 'code', is: '1234' } }] },
  { name: 'a wrong code', told: [{ event: { type: 'code', is: '0000' } }] },
  { name: 'open', told: [{ event: { type: 'open' } }] },
  { name: 'close', told: [{ event: { type: 'close' } }] },
];
const view = ({ context }: { context: { wrong?: unknown } }) => context.wrong;

describe('lifecyclePaths', () => {
  const { walks, states, edges, unreachable } = lifecyclePaths(doorMachine, { cases, view });

  test('takes every declared transition: each guarded branch, always, and after', () => {
    expect(unreachable).toEqual([]);
    const taken = new Set(walks.flat().flatMap(({ transitions }) => transitions));
    expect([...taken].sort()).toEqual(
      declaredTransitions(doorMachine)
        .map(({ id }) => id)
        .sort(),
    );
    expect([...taken]).toContain('door.locked | always[0] → door.alarmed');
    expect([...taken]).toContain('door.unlocked | xstate.after.5000.door.unlocked[0] → door.locked');
  });

  test('walks every case in every state, also those that change nothing', () => {
    // Locked with 0, 1 and 2 wrong codes, unlocked, standing, alarmed; four cases in all but the last, and one timer.
    expect(states).toBe(6);
    expect(edges).toBe(5 * 4 + 1);
    expect(new Set(walks.flat().map(({ label }) => label)).size).toBe(edges);
  });

  test('chains steps into few walks, each from the beginning', () => {
    expect(walks.length).toBe(1);
    for (const walk of walks) {
      expect(walk[0]?.before.value).toBe('locked');
      for (const [index, step] of walk.entries()) if (index > 0) expect(step.from).toBe(walk[index - 1]?.to);
    }
  });

  test('gives the same walks each time', () => {
    const again = lifecyclePaths(doorMachine, { cases, view });
    expect(again.walks.map((walk) => walk.map(({ name }) => name))).toEqual(
      walks.map((walk) => walk.map(({ name }) => name)),
    );
  });

  test('begins a new walk above stepsMax', () => {
    const short = lifecyclePaths(doorMachine, { cases, view, stepsMax: 8 });
    expect(short.walks.length).toBeGreaterThan(1);
    expect(new Set(short.walks.flat().map(({ label }) => label)).size).toBe(edges);
  });

  test('covers every pair of transitions one after the other, on demand', () => {
    const { walks: longer } = lifecyclePaths(doorMachine, { cases, view, pairs: true });
    const pairs = new Set(
      longer.flatMap((walk) => {
        const taken = walk.flatMap(({ transitions }) => transitions);
        return taken.slice(1).map((id, index) => `${taken[index]} > ${id}`);
      }),
    );
    const timedOut = 'door.unlocked | xstate.after.5000.door.unlocked[0] → door.locked';
    expect(pairs).toContain(`${timedOut} > door.locked | code[0] → door.unlocked`);
    expect(pairs).toContain('door.locked | code[1] stays > door.locked | code[1] stays');
  });

  test('names the declared transitions that no case reaches', () => {
    const { unreachable: missing } = lifecyclePaths(doorMachine, { cases: cases.slice(0, 2), view, after: false });
    expect(missing).toEqual([
      'door.unlocked | open[0] → door.standing',
      'door.unlocked | xstate.after.5000.door.unlocked[0] → door.locked',
      'door.standing | close[0] → door.locked',
    ]);
  });

  test('gives up where the view is not clamped', () => {
    const endless = setup({
      types: { context: {} as { count: number } },
      actions: { count: assign({ count: ({ context }) => context.count + 1 }) },
    }).createMachine({ id: 'endless', context: { count: 0 }, on: { tick: { actions: 'count' } } });
    const ticks = [{ name: 'tick', told: [{ event: { type: 'tick' } }] }];
    const paths = () => lifecyclePaths(endless, { cases: ticks, view: ({ context }) => context.count, edgesMax: 1000 });
    expect(paths).toThrow('Traversal limit exceeded');
  });

  test('carries what cases remember, and what a driver needs', () => {
    const coins = ({ memory = 2 }: { memory: number | undefined }): Case<number, string>[] =>
      memory === 0 ? [] : [{ name: 'pay', told: [], memory: memory - 1, data: `${memory} left` }];
    const { walks: paid } = lifecyclePaths<typeof doorMachine, number, string>(doorMachine, {
      cases: coins,
      after: false,
    });
    expect(paid.map((walk) => walk.map(({ data }) => data))).toEqual([['2 left', '1 left']]);
  });
});

describe('walkChart', () => {
  const { walks } = lifecyclePaths(doorMachine, { cases, view });

  test('takes a live machine along a walk', () => {
    const seen: string[] = [];
    for (const walk of walks) walkChart(doorMachine, walk, { check: ({ name }) => seen.push(name) });
    expect(seen).toEqual(walks.flat().map(({ name }) => name));
  });

  test('names the steps that lead to where another machine goes otherwise', () => {
    const careless = doorMachine.provide({ guards: { isRight: () => true } });
    const walked = () => {
      for (const walk of walks) walkChart(careless, walk);
    };
    expect(walked).toThrow(/expected \["locked",\{\}\], the machine is in \["unlocked",\{\}\] after .*a wrong code/);
  });
});
