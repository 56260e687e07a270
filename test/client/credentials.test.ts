// A client and the credentials of its jobs (§9.8): as accepted, as rotated, over a drop, and none of another client's.
import { expect, onTestFinished, test } from 'vitest';
import { type Client, connect } from '../../src/client.ts';
import { type MemoryTransport, memoryPair } from '../../src/transports/memory.ts';
import { tokens } from '../support/runtime.ts';
import { provisionedRuntime } from '../support/upstream.ts';

async function world() {
  const at = provisionedRuntime();
  const cables: MemoryTransport[] = [];
  const open = async (): Promise<Client> => {
    const dial = async () => {
      const [ours, theirs] = memoryPair();
      cables.push(ours);
      at.runtime.accept(theirs);
      return ours;
    };
    const client = await connect('memory:', { token: tokens.alice, dial, reconnect: { baseMs: 1 } });
    onTestFinished(() => client.close());
    return client;
  };
  return { ...at, open, pull: () => cables.at(-1)?.close(1006) };
}

test('a client has its job’s credentials as they are now: accepted, rotated, and rotated while it was away', async () => {
  const at = await world();
  const client = await at.open();
  const job = await client.submit('puppet', {}, { idempotencyKey: 'k' });
  const [accepted] = job.credentials;
  expect(accepted).toMatchObject({ scheme: 'bearer', value: at.up.values[0] });
  const id = accepted?.id ?? '';
  await at.agent.job.rotateCredential(id);
  const events = job[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ kind: 'status', body: { id, value: at.up.values[1] } });
  expect(job.credentials).toEqual([{ ...accepted, value: at.up.values[1] }]);
  at.pull();
  await at.agent.job.rotateCredential(id);
  await events.next();
  expect(job.credentials).toMatchObject([{ id, value: at.up.values[2] }]);
  const other = await (await at.open()).submit('puppet', {}, { idempotencyKey: 'k' });
  expect(other.id).toBe(job.id);
  expect(other.credentials).toEqual([]);
  at.agent.finish('done');
  expect(await job.result()).toBe('done');
});
