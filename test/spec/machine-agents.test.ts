// §6 and §7 for an agent that is an XState machine: its input, its events, its result, its clock.
import { describe, expect, test } from 'vitest';
import { createMachine, emit, fromPromise, log, setup } from 'xstate';
import { type AgentDefinition, defineAgent, jobOf } from '../../src/index.ts';
import { begin, counting } from '../support/machines.ts';
import { failed } from '../support/results.ts';
import { events } from '../support/session.ts';

describe('§6 a job of a machine', () => {
  test('§6 its input is the job’s, its delays are on the runtime’s clock, its output is the inline result', async () => {
    const { start, settled, clock, peer } = await begin(counting);
    await start({ input: { count: 2 } });
    clock.advance(1999);
    expect(await settled()).toEqual([]);
    clock.advance(1);
    expect(await settled()).toMatchObject([{ type: 'job.result', payload: { result: { counted: 2 } } }]);
    expect(events(peer)).toEqual([1, 2].map((current) => ({ kind: 'progress', body: { current, total: 2 } })));
  });

  test('§6 a machine without an output ends with the result null; one that never ends runs on', async () => {
    const silent = await begin(createMachine({ initial: 'over', states: { over: { type: 'final' } } }));
    await silent.start();
    expect(await silent.settled()).toMatchObject([{ type: 'job.result', payload: { result: null } }]);
    const endless = await begin(createMachine({}));
    await endless.start();
    endless.clock.advance(86_400_000);
    expect(await endless.settled()).toEqual([]);
  });

  test('§8 what it emits is an event of the job, of the kinds of §8 and vendors’ own, from its first state on', async () => {
    const machine = createMachine({
      entry: [
        emit({ type: 'log', level: 'info', message: 'begun' }),
        emit({ type: 'thought', text: 'hm' }),
        emit({ type: 'metric', name: 'm', value: 1.5 }),
        emit({ type: 'artifact_ref', uri: 'file:///a', content_type: 'text/plain' }),
        emit({ type: 'x-vendor.acme.note', deep: { list: [1, null] } }),
      ],
      initial: 'over',
      states: { over: { type: 'final' } },
    });
    const { start, settled, peer } = await begin(machine);
    await start();
    expect(await settled()).toMatchObject([{ type: 'job.result' }]);
    expect(events(peer)).toEqual([
      { kind: 'log', body: { level: 'info', message: 'begun' } },
      { kind: 'thought', body: { text: 'hm' } },
      { kind: 'metric', body: { name: 'm', value: 1.5 } },
      { kind: 'artifact_ref', body: { uri: 'file:///a', content_type: 'text/plain' } },
      { kind: 'x-vendor.acme.note', body: { deep: { list: [1, null] } } },
    ]);
  });

  test.each([
    ['an unknown kind', { type: 'counted' }],
    ['a chunk', { type: 'result_chunk', data: '' }],
    ['a progress below 0', { type: 'progress', current: -1 }],
    ['a metric that is no number', { type: 'metric', name: 'm', value: Number.NaN }],
    ['what is not JSON', { type: 'log', level: 'info', message: 1n }],
  ])('§8 %s ends the job as an exception does, and nothing after it goes out', async (_name, event) => {
    const {
      start,
      settled,
      peer,
      log: logged,
    } = await begin(
      createMachine({
        entry: [emit({ type: 'thought', text: 'a' }), emit(event), emit({ type: 'thought', text: 'b' })],
      }),
    );
    await start();
    expect(await settled()).toMatchObject([failed]);
    expect(events(peer)).toEqual([{ kind: 'thought', body: { text: 'a' } }]);
    expect(logged.lines).toMatchObject([{ level: 'error', message: 'agent failed', fields: { agent: 'agent' } }]);
  });

  test('§6 a machine that fails, in its first step or later, ends the job; what it had started stops', async () => {
    const nested = createMachine({
      initial: 'a',
      states: { a: { after: { 1000: { actions: ({ self }) => jobOf(self).thought('still here') } } } },
    });
    const failing = (delayMs: number) =>
      setup({ actors: { nested } }).createMachine({
        invoke: { src: 'nested' },
        initial: 'a',
        states: { a: { after: { [delayMs]: 'b' } }, b: { entry: () => bang('secret of the machine') } },
      });
    const { start, settled, clock, peer, log: logged, runtime } = await begin(failing(10));
    await start();
    clock.advance(10);
    expect(await settled()).toMatchObject([failed]);
    expect(JSON.stringify(peer.frames)).not.toContain('secret of the machine');
    expect(logged.lines).toMatchObject([{ level: 'error', message: 'agent failed' }]);
    expect(clock.nextInMs()).toBeGreaterThan(1000);
    await runtime.close();

    const first = await begin(createMachine({ context: () => bang('at once') }));
    await first.start();
    expect(await first.settled()).toMatchObject([failed]);
  });

  test('§6 an invoked promise that rejects and is not listened to ends the job; one that is does not', async () => {
    const broken = fromPromise(() => Promise.reject(new Error('no')));
    const base = setup({ actors: { broken } });
    const heedless = await begin(base.createMachine({ invoke: { src: 'broken' } }));
    await heedless.start();
    expect(await heedless.settled()).toMatchObject([failed]);
    const careful = await begin(
      base.createMachine({
        initial: 'a',
        states: { a: { invoke: { src: 'broken', onError: 'b' } }, b: { type: 'final' } },
        output: 'caught',
      }),
    );
    await careful.start();
    expect(await careful.settled()).toMatchObject([{ type: 'job.result', payload: { result: 'caught' } }]);
  });
});

describe('jobOf', () => {
  test('actions, inputs, contexts and actors of any depth find the job they work for', async () => {
    const work = fromPromise(async ({ self }) => {
      jobOf(self).thought('from a promise');
      await jobOf(self).sleep(500);
      return jobOf(self).principal;
    });
    const child = setup({ actors: { work } }).createMachine({
      initial: 'a',
      states: { a: { invoke: { src: 'work', onDone: 'b' } }, b: { type: 'final' } },
    });
    const machine = setup({ actors: { child } }).createMachine({
      context: ({ self }) => ({ id: jobOf(self).id }),
      entry: ({ self }) => jobOf(self).log('info', 'from an action'),
      initial: 'a',
      states: { a: { invoke: { src: 'child', onDone: 'b' } }, b: { type: 'final' } },
      output: ({ context }) => context.id,
    });
    const { start, settled, clock, peer } = await begin(machine);
    const jobId = await start();
    clock.advance(500);
    expect(await settled()).toMatchObject([{ payload: { result: jobId } }]);
    expect(
      events(peer)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['log', 'thought']);
  });

  test('two jobs of one machine have each their own', async () => {
    const machine = createMachine({
      context: ({ self }) => ({ input: jobOf(self).input }),
      initial: 'over',
      states: { over: { type: 'final' } },
      output: ({ context }) => context.input,
    });
    const { start, settled } = await begin(machine);
    await start({ input: 'a' });
    await start({ input: 'b' });
    expect((await settled()).map(({ payload }) => payload.result)).toEqual(['a', 'b']);
  });

  test('a streamed result is the job’s, as of any agent', async () => {
    const machine = createMachine({
      entry: ({ self }) => {
        const result = jobOf(self).result();
        result.write('streamed');
        result.end();
      },
      initial: 'over',
      states: { over: { type: 'final' } },
    });
    const { start, settled } = await begin(machine);
    await start();
    expect(await settled()).toMatchObject([{ type: 'job.result', payload: { result_size: 8 } }]);
  });

  test('an actor that works for no job is told so', () => {
    expect(() => jobOf({ system: {} })).toThrow(/no job/);
  });
});

describe('watching and logging', () => {
  test('what its log actions say is in the runtime’s log, and the runtime’s inspect is not told of its contexts', async () => {
    const seen: string[] = [];
    const machine = createMachine({
      context: ({ input }) => ({ input }),
      entry: log('said by the machine', 'label'),
      initial: 'over',
      states: { over: { type: 'final' } },
    });
    const {
      start,
      settled,
      log: logged,
    } = await begin(machine, {
      inspect: (event) => seen.push(JSON.stringify('snapshot' in event ? event.snapshot : event.type)),
    });
    await start({ input: 'private' });
    await settled();
    expect(logged.lines).toMatchObject([
      { level: 'info', message: 'a machine agent says', fields: { words: ['label', 'said by the machine'] } },
    ]);
    expect(seen.join()).not.toContain('private');
  });
});

describe('defining machine agents', () => {
  test('exactly one of run and machine, and onRestart of a run agent alone', () => {
    const name = 'agent';
    const run = () => {};
    const machine = createMachine({});
    const loose = (definition: object): AgentDefinition => Object.assign(defineAgent({ name, run }), definition);
    expect(defineAgent({ name, machine })).toEqual({ name, machine });
    expect(defineAgent({ name, run, onRestart: 'rerun' })).toEqual({ name, run, onRestart: 'rerun' });
    expect(() => defineAgent(loose({ machine }))).toThrow(/either/);
    expect(() => defineAgent(loose({ run: undefined }))).toThrow(/either/);
    expect(() => defineAgent(loose({ run: 'x' }))).toThrow(/function/);
    expect(() => defineAgent(loose({ run: undefined, machine: {} }))).toThrow(/XState machine/);
    expect(() => defineAgent(loose({ run: undefined, machine, onRestart: 'rerun' }))).toThrow(/restored/);
    expect(() => defineAgent(loose({ onRestart: 'restore' }))).toThrow(/onRestart/);
  });
});

function bang(message: string): never {
  throw new Error(message);
}
