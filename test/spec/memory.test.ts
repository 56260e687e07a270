// §6 of the protocol: what has ended is freed, and what was promised to be remembered is remembered no longer than that.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { cut, enter, terminals, turn } from '../support/session.ts';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** Waits until the collector has taken what nobody holds; gives up after many rounds. */
async function freed(...held: WeakRef<object>[]): Promise<boolean> {
  for (let round = 0; round < 20; round += 1) {
    // What a WeakRef was asked for is kept to the end of that turn.
    await turn();
    gc();
    await turn();
    if (held.every((one) => one.deref() === undefined)) return true;
  }
  return false;
}

/** An agent whose inputs and contexts can be watched being freed, and that keeps none of them. */
function watched(run: (input: unknown) => unknown) {
  const held: WeakRef<object>[] = [];
  const agent = defineAgent({
    name: 'watched',
    run(job) {
      held.push(new WeakRef(job), new WeakRef(Object(job.input)));
      return run(job.input);
    },
  });
  return { agent, held };
}

test('§6 the input and the context of an ended job are freed while its session lives on', async () => {
  const { agent, held } = watched(() => 'done');
  const { peer, submit } = await enter(simulatedRuntime({ agents: [agent] }));
  for (let i = 0; i < 5; i += 1)
    await submit('watched', { input: { large: [i] }, idempotency_key: `k${i}`, max_runtime_sec: 100 });
  await peer.settle();
  expect(terminals(peer)).toHaveLength(5);
  expect(held).toHaveLength(10);
  expect(await freed(...held)).toBe(true);
});

test('§6 a job that timed out is let go, though its agent never ends', async () => {
  const { agent, held } = watched(() => new Promise(() => {}));
  const { clock, ...at } = simulatedRuntime({ agents: [agent] });
  const { peer, submit } = await enter(at);
  await submit('watched', { input: {}, max_runtime_sec: 1 });
  clock.advance(1000);
  await peer.settle();
  expect(terminals(peer)).toHaveLength(1);
  expect(await freed(...held)).toBe(true);
});

for (const end of ['bye', 'expiry']) {
  test(`§6 a session that ended by ${end} is freed with its jobs, and no timer is left but those of what is remembered`, async () => {
    const { agent, held } = watched(() => 'done');
    const { clock, runtime, ...at } = simulatedRuntime({ agents: [agent], resumeWindowSec: 60, jobRetentionSec: 3600 });
    const { peer, submit } = await enter(at);
    await submit('watched', { input: {} });
    await peer.settle();
    if (end === 'bye') {
      await peer.ask('session.bye');
      await peer.closed;
    } else {
      await cut(peer);
      clock.advance(60_000);
    }
    expect(runtime.sessions()).toEqual([]);
    expect(await freed(...held)).toBe(true);
    clock.advance(3600_000);
    expect(clock.nextInMs()).toBeUndefined();
  });
}

// proves P3.14
test('§6 a closed session waits for its last job, and is gone with it', async () => {
  const agent = puppet();
  const { runtime, ...at } = simulatedRuntime({ agents: [agent.agent], onBye: 'keep' });
  const { peer, submit } = await enter(at);
  await submit('puppet');
  await submit('puppet');
  await peer.ask('session.bye');
  agent.jobs[0]?.finish();
  await turn();
  expect(runtime.sessions()).toMatchObject([{ state: 'closed', jobs: [agent.jobs[1]?.context.id], bufferedBytes: 0 }]);
  agent.jobs[1]?.finish();
  await turn();
  expect(runtime.sessions()).toEqual([]);
});

test('§6 a closed session whose agent ignores its signal is gone when the cancel grace is over', async () => {
  const agent = puppet();
  const { runtime, clock, ...at } = simulatedRuntime({ agents: [agent.agent], cancelGraceSec: 30 });
  const { peer, submit } = await enter(at);
  await submit('puppet');
  await peer.ask('session.bye');
  clock.advance(29_999);
  expect(runtime.sessions()).toHaveLength(1);
  clock.advance(1);
  expect(runtime.sessions()).toEqual([]);
});

test('§6 a thousand jobs of one session, one after the other, leave nothing in its chart', async () => {
  const { runtime, ...at } = simulatedRuntime({ agents: [defineAgent({ name: 'quick', run: () => 1 })] });
  const { peer, submit } = await enter(at);
  for (let i = 0; i < 1000; i += 1) await submit('quick');
  await peer.settle();
  expect(terminals(peer)).toHaveLength(1000);
  expect(runtime.sessions()).toMatchObject([{ jobs: [], newestSeq: 1000 }]);
});
