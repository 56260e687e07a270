// §7.3 and §7.4 for an agent that is an XState machine: it hears of its end, and has a grace to come to it.
import { describe, expect, test } from 'vitest';
import { createMachine, fromPromise, setup } from 'xstate';
import { cancel } from '../support/cancelling.ts';
import { begin, counting } from '../support/machines.ts';
import { events, turn } from '../support/session.ts';

describe('§7.4 cancelling a machine', () => {
  const heard = setup({}).createMachine({
    on: { 'job.cancel': { actions: ({ self, event }) => told.push({ id: self.id, event }) } },
  });
  const told: object[] = [];

  test('§7.4 it hears of it with the reason, and ends the job when it comes to its end', async () => {
    const { start, settled, clock, peer } = await begin(counting);
    const jobId = await start({ input: { count: 9 } });
    clock.advance(1000);
    expect(await cancel(peer, jobId, 'enough')).toMatchObject({ type: 'job.cancelled' });
    clock.advance(1999);
    expect(await settled()).toEqual([]);
    clock.advance(1);
    expect(await settled()).toMatchObject([{ payload: { final_status: 'cancelled', code: 'CANCELLED' } }]);
    expect(events(peer)).toHaveLength(1);
    expect(clock.nextInMs()).toBeGreaterThan(30_000);
  });

  test('§7.4 one that listens and does not end is stopped when the grace is over', async () => {
    const { start, settled, clock, peer } = await begin(heard, { cancelGraceSec: 5 });
    const jobId = await start();
    await cancel(peer, jobId, 'why');
    await cancel(peer, jobId, 'again');
    expect(told.splice(0)).toEqual([{ id: jobId, event: { type: 'job.cancel', reason: 'why' } }]);
    clock.advance(4999);
    expect(await settled()).toEqual([]);
    clock.advance(1);
    expect(await settled()).toMatchObject([{ payload: { final_status: 'cancelled' } }]);
  });

  test('§7.4 one that does not listen is stopped at once: there is nothing to wait for', async () => {
    const signals: AbortSignal[] = [];
    const work = fromPromise(({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const { start, settled, peer } = await begin(
      setup({ actors: { work } }).createMachine({ invoke: { src: 'work' } }),
    );
    const jobId = await start();
    await cancel(peer, jobId);
    expect(await settled()).toMatchObject([{ payload: { final_status: 'cancelled' } }]);
    expect(signals).toMatchObject([{ aborted: true }]);
  });

  test('§7.3 a timeout ends the job at once; the machine hears job.cancel and has the grace to clean up', async () => {
    const { start, settled, clock, runtime } = await begin(heard, { cancelGraceSec: 5 });
    const jobId = await start({ max_runtime_sec: 3 });
    clock.advance(3000);
    expect(await settled()).toMatchObject([{ payload: { final_status: 'timed_out', code: 'TIMEOUT' } }]);
    expect(told.splice(0)).toEqual([{ id: jobId, event: { type: 'job.cancel' } }]);
    expect(clock.nextInMs()).toBe(5000);
    clock.advance(5000);
    await runtime.close();
  });

  test('a shutdown reaches it too, and does not wait for one that does not listen', async () => {
    const listening = await begin(heard, { cancelGraceSec: 5 });
    const jobId = await listening.start();
    const closed = listening.runtime.close();
    await turn();
    expect(told.splice(0)).toEqual([{ id: jobId, event: { type: 'job.cancel' } }]);
    listening.clock.advance(5000);
    await closed;
    const deaf = await begin(createMachine({}));
    await deaf.start();
    await deaf.runtime.close();
  });
});
