// §3, Crash: a job whose agent is a machine goes on in the next process, where the one that died had left it.
import { describe, expect, test } from 'vitest';
import { type AnyEventObject, type AnyStateMachine, assign, createMachine, emit, fromPromise, setup } from 'xstate';
import { defineAgent, jobOf } from '../../src/index.ts';
import { firstLife, said } from '../support/lives.ts';
import { counting } from '../support/machines.ts';
import { turn } from '../support/session.ts';

const agentOf = (machine: AnyStateMachine) => defineAgent({ name: 'agent', machine });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const progress = (current: number, total: number) => ['progress', { current, total }];

describe('§3 a machine whose process died', () => {
  test('§3 goes on where it was, its delay ending when it would have; the client sees 1..n once', async () => {
    const first = await firstLife({ agents: [agentOf(counting)] });
    const accepted = await first.submit('agent', { input: { count: 5 } });
    await first.pass(2600, 100);
    expect(first.peer.seqs()).toEqual([1, 2]);
    const second = await first.dies({ downMs: 300, after: 2 });
    await second.pass(99);
    expect(second.peer.seqs()).toEqual([]);
    await second.pass(1);
    expect(second.peer.sequenced().map(said)).toEqual([progress(3, 5)]);
    const third = await second.dies({ downMs: 60_000, after: 3 });
    await third.pass(0);
    await third.pass(1000, 100);
    expect(third.peer.sequenced().map(said)).toEqual([progress(4, 5), progress(5, 5), ['job.result', { counted: 5 }]]);
    expect(third.kept().map((frame) => [frame.event_seq, frame.job_id])).toEqual(
      range(1, 6).map((seq) => [seq, accepted.job_id]),
    );
  });

  test('§3 dies at any moment: what was seen is never emitted again, and nothing is left out', async () => {
    // Several events a step, an action that emits by itself, and a child: all of a turn stands or falls together.
    const child = createMachine({ initial: 'a', states: { a: { after: { 700: 'b' } }, b: { type: 'final' } } });
    const machine = setup({ types: { emitted: {} as AnyEventObject }, actors: { child } }).createMachine({
      context: { steps: 0 },
      output: ({ context }) => context.steps,
      initial: 'stepping',
      states: {
        stepping: {
          entry: [
            assign({ steps: ({ context }) => context.steps + 1 }),
            emit(({ context }) => ({ type: 'thought', text: `step ${context.steps}` })),
            ({ self, context }) => jobOf(self).log('info', `step ${context.steps}`),
            emit(({ context }) => ({ type: 'x-vendor.step', step: context.steps })),
          ],
          invoke: { src: 'child', onDone: [{ guard: ({ context }) => context.steps < 4, target: 'resting' }, 'over'] },
        },
        resting: { after: { 400: 'stepping' } },
        over: { entry: emit({ type: 'thought', text: 'over' }), type: 'final' },
      },
    });
    const whole = await firstLife({ agents: [agentOf(machine)] });
    await whole.submit('agent');
    await whole.pass(10_000, 100);
    const expected = whole.kept().map(said);
    expect(expected.slice(-2)).toEqual([
      ['thought', { text: 'over' }],
      ['job.result', 4],
    ]);
    expect(expected).toHaveLength(4 * 3 + 2);

    let writes = 0;
    for (let committed = 0; committed <= writes; committed += 1) {
      const first = await firstLife({ agents: [agentOf(machine)] });
      await first.submit('agent');
      first.store.hold(true);
      await first.pass(10_000, 100);
      writes = first.store.waiting.length;
      first.store.commit(committed);
      const second = await first.dies();
      await second.pass(10_000, 100);
      expect(second.kept().map(said), `of ${writes} writes ${committed} were committed`).toEqual(expected);
    }
    expect(writes).toBeGreaterThan(8);
  });

  test('§3 with a promise under way asks it again; what it had come to before is not asked again', async () => {
    const asked: string[] = [];
    const work = fromPromise(async ({ input, self }: { input: string; self: Parameters<typeof jobOf>[0] }) => {
      asked.push(input);
      await jobOf(self).sleep(1000);
      return input;
    });
    const machine = setup({ actors: { work } }).createMachine({
      initial: 'one',
      states: {
        one: { invoke: { src: 'work', input: () => 'one', onDone: 'two' } },
        two: { invoke: { src: 'work', input: () => 'two', onDone: 'over' } },
        over: { type: 'final' },
      },
    });
    const first = await firstLife({ agents: [agentOf(machine)] });
    await first.submit('agent');
    await first.pass(1500, 500);
    const second = await first.dies();
    await second.pass(1000);
    expect(asked).toEqual(['one', 'two', 'two']);
    expect(second.peer.sequenced().map(said)).toEqual([['job.result', null]]);
  });

  test('§3 right after it was accepted begins with its input', async () => {
    const first = await firstLife({ agents: [agentOf(counting)] });
    first.store.hold(true);
    first.peer.send('job.submit', { agent: 'agent', input: { count: 1 } });
    await turn();
    first.store.commit(1);
    const second = await first.dies();
    await second.pass(1000);
    expect(second.kept().map(said)).toEqual([progress(1, 1), ['job.result', { counted: 1 }]]);
  });

  test('§3 and had failed, has failed: nothing of it is done again', async () => {
    const failing = setup({}).createMachine({
      initial: 'a',
      states: {
        a: { after: { 1000: 'b' } },
        b: {
          entry: [
            ({ self }) => jobOf(self).thought('about to fail'),
            () => {
              throw new Error('failed');
            },
          ],
        },
      },
    });
    for (const committed of [0, 1, 2]) {
      const first = await firstLife({ agents: [agentOf(failing)] });
      await first.submit('agent');
      await turn();
      first.store.hold(true);
      await first.pass(1000);
      first.store.commit(committed);
      const second = await first.dies();
      await second.pass(1000);
      expect(second.kept().map(said), `${committed} writes`).toEqual([
        ['thought', { text: 'about to fail' }],
        ['job.error', 'INTERNAL_ERROR'],
      ]);
    }
  });

  test('§3 by an orderly shutdown hears of no cancel, and goes on like any other', async () => {
    const told: unknown[] = [];
    const machine = setup({ types: { emitted: {} as AnyEventObject } }).createMachine({
      initial: 'waiting',
      on: { 'job.cancel': { actions: () => told.push('job.cancel') } },
      states: {
        waiting: { entry: emit({ type: 'thought', text: 'waiting' }), after: { 60000: 'over' } },
        over: { type: 'final' },
      },
    });
    const first = await firstLife({ agents: [agentOf(machine)], drainSec: 1, cancelGraceSec: 1 });
    await first.submit('agent');
    const ends = async () => {
      const closed = first.runtime.close();
      const states = ['closing'];
      closed.finally(() => states.push('closed'));
      while (states.length < 2) await first.pass(100);
    };
    const second = await first.dies({ ends });
    expect(told).toEqual([]);
    await second.pass(60_000);
    expect(second.kept().map(said)).toEqual([
      ['thought', { text: 'waiting' }],
      ['job.result', null],
    ]);
  });
});

describe('§7 what a job keeps over a restart', () => {
  test('§7 max_runtime_sec counts the time without a process; one that passed meanwhile is told at once', async () => {
    const first = await firstLife({ agents: [agentOf(createMachine({}))] });
    await first.submit('agent', { max_runtime_sec: 10 });
    await first.submit('agent', { max_runtime_sec: 5 });
    await first.pass(4000);
    const second = await first.dies({ downMs: 3000 });
    expect(second.kept()).toMatchObject([
      { type: 'job.error', payload: { code: 'TIMEOUT', final_status: 'timed_out' } },
    ]);
    await second.pass(2999);
    expect(second.kept()).toHaveLength(1);
    await second.pass(1);
    expect(second.kept().map(said)).toEqual([
      ['job.error', 'TIMEOUT'],
      ['job.error', 'TIMEOUT'],
    ]);
  });

  test('§7 it can be cancelled by its session as before', async () => {
    const first = await firstLife({ agents: [agentOf(createMachine({}))] });
    const accepted = await first.submit('agent');
    const second = await first.dies();
    expect(await second.peer.ask('job.cancel', { job_id: accepted.job_id })).toMatchObject({ type: 'job.cancelled' });
    await second.pass(0);
    expect(second.kept().map(said)).toEqual([['job.error', 'CANCELLED']]);
  });

  test('§3 a version that is not served any more, or that has lost the state it was in, ends with INTERNAL_ERROR', async () => {
    const other = createMachine({ initial: 'elsewhere', states: { elsewhere: {} } });
    for (const agents of [[], [agentOf(other)]]) {
      const first = await firstLife({ agents: [agentOf(counting)] });
      await first.submit('agent', { input: { count: 9 } });
      const second = await first.dies({ agents });
      expect(second.kept()).toMatchObject([{ payload: { code: 'INTERNAL_ERROR', retryable: true } }]);
    }
  });
});

describe('what cannot be kept', () => {
  const until = (context: object) => createMachine({ context: {}, on: {}, entry: assign(() => context) });
  test.each([
    ['a context that is not JSON', until({ big: 1n }), /BigInt/],
    ['a snapshot over 1 MiB', until({ long: 'x'.repeat(2 ** 20) }), /over 1048576 bytes/],
  ])('%s ends its job, and the log says why', async (_what, machine, problem) => {
    const first = await firstLife({ agents: [agentOf(machine)] });
    await first.submit('agent');
    await first.pass(0);
    expect(first.kept().map(said)).toEqual([['job.error', 'INTERNAL_ERROR']]);
    expect(first.log.lines).toMatchObject([{ message: 'agent failed', fields: { err: { message: problem } } }]);
  });

  test('a job that has ended leaves no snapshot behind', async () => {
    const first = await firstLife({ agents: [agentOf(counting)] });
    await first.submit('agent', { input: { count: 1 } });
    await first.pass(500);
    expect(first.store.medium.text).toContain('xstate.after');
    await first.pass(500);
    await first.pass(0);
    expect(first.store.medium.text).not.toContain('xstate.after');
  });
});
