import { expect, test } from 'vitest';
import { memoryPair } from '../../src/transports/memory.ts';
import { listen, transportContract } from './contract.ts';

transportContract('an in-memory pair', {
  codeTold: (code) => code,
  async open() {
    const [near, far] = memoryPair();
    return {
      near,
      far,
      stallFar: () => far.stall(),
      resumeFar: () => far.resume(),
      sendBytesToFar: (bytes) => near.sendBytes(bytes),
      cut: () => near.close(1006),
      end: async () => near.close(1000),
    };
  },
});

// proves P1.03
test('what is under way when the cable is pulled is lost, both ways', async () => {
  const [left, right] = memoryPair();
  const [atLeft, atRight] = [listen(left), listen(right)];
  left.send('to the right');
  right.send('to the left');
  right.close(1006, 'cable');
  expect(await atLeft.ended()).toEqual({ code: 1006, reason: 'cable' });
  expect(await atRight.ended()).toEqual({ code: 1006, reason: 'cable' });
  expect([...atLeft.frames, ...atRight.frames]).toEqual([]);
});

test('a stalled end is told of a pulled cable, but reads a close only when it reads', async () => {
  const [left, right] = memoryPair();
  const atRight = listen(right);
  right.stall();
  left.send('1');
  left.close(1000);
  await Promise.resolve();
  expect(atRight.ends).toEqual([]);
  right.resume();
  expect((await atRight.ended())?.code).toBe(1000);
  expect(atRight.frames).toEqual(['1']);

  const [here, there] = memoryPair();
  const atThere = listen(there);
  there.stall();
  here.close(1006);
  expect((await atThere.ended())?.code).toBe(1006);
});

test('unsent bytes are counted as UTF-8 and fall with every frame taken', async () => {
  const [left, right] = memoryPair();
  const atRight = listen(right);
  const counts: unknown[] = [];
  left.onDrain?.(() => counts.push(left.unsentBytes?.()));
  right.stall();
  left.sendAll?.(['é', '漢', 'x']);
  expect(left.unsentBytes?.()).toBe(2 + 3 + 1);
  right.resume();
  await atRight.heard(3);
  expect(counts).toEqual([4, 1, 0]);
});

test('an end that stalls while a frame is being delivered gets no other one', async () => {
  const [left, right] = memoryPair();
  const heard: unknown[] = [];
  right.onMessage((data) => {
    heard.push(data);
    right.stall();
  });
  left.sendAll?.(['1', '2', '3']);
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(['1']);
  right.resume();
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(['1', '2']);
});
