import { describe, expect, test } from 'vitest';
import { type Bench, over } from './bench.ts';
import { reading, trimming } from './contract-logs.ts';
import { fencing, names, records } from './contract-records.ts';
import { histories } from './histories.ts';
import { append, type Medium, Opened, put } from './medium.ts';

/** What holds of every store (src/stores/store.ts), durable or not. */
export function everyStore(name: string, create: () => Promise<Medium>): void {
  describe(`${name}: a store`, () => {
    const { opened, next } = over(create);

    test('is empty when it is new, and of epoch 1', async () => {
      expect((await opened()).recovered).toEqual({ epoch: 1, uptimeMs: 0, records: [], logs: new Map() });
    });

    test('counts what is written, and commits all of it', async () => {
      const { store } = await opened();
      expect(store.write([put('a', '1'), put('b', '1')])).toBe(2);
      expect(store.write([append('log', 1, 3)])).toBe(3);
      expect(store.written).toBe(3);
      await store.flush();
      expect(store.committed).toBe(3);
    });

    test('has nothing to wait for when nothing was written', async () => {
      const { store } = await opened();
      await store.flush();
      await store.close();
    });

    test('opens an empty log for a session, numbered from 1', async () => {
      const { store } = await opened();
      const log = store.openLog('sess_1', { bufferEvents: 10, bufferBytes: 1000 });
      expect([log.newestSeq, log.oldestSeq]).toEqual([0, 1]);
    });

    test('can be opened again by the next process', async () => {
      const { store } = await opened();
      await store.close();
      await Opened.of(next()).then((again) => again.store.close());
    });
  });
}

/** What holds of every store that outlives its process. */
export function durableStore(name: string, create: () => Promise<Medium>): void {
  describe(`${name}: a durable store`, () => {
    watermark(over(create));
    records(over(create));
    names(over(create));
    reading(over(create));
    trimming(over(create));
    fencing(over(create));
    endings(over(create));
    histories(create);
  });
}

function watermark({ opened, reopened }: Bench): void {
  test('says what is committed, in order, up to all of it, and never from inside write', async () => {
    const one = await opened();
    for (let seq = 1; seq <= 500; seq += 1) {
      const before = one.positions.length;
      one.write(append('log', seq, 1));
      expect(one.positions.length).toBe(before);
    }
    await one.settled();
    expect(one.positions.at(-1)).toBe(500);
    expect(one.positions).toEqual([...one.positions].sort((a, b) => a - b));
  });

  test('commits what one write holds, or nothing of it', async () => {
    const one = await opened();
    one.write(put('a', '1'));
    await one.settled();
    one.write(put('b', '1'), append('log', 1, 2), { do: 'time', uptimeMs: 5 }, put('a', '2', 7), put('c', '1'));
    await one.trouble();
    const again = await reopened(one);
    expect(again.recovered.records).toEqual([{ kind: 'session', id: 'a', body: '1', version: 1 }]);
    expect(again.recovered.logs).toEqual(new Map());
    expect(again.recovered.uptimeMs).toBe(0);
  });

  test('keeps the newest time it was told', async () => {
    const one = await opened();
    one.write({ do: 'time', uptimeMs: 1_500 });
    one.write({ do: 'time', uptimeMs: 4_102_444_800_123 });
    expect((await reopened(one)).recovered.uptimeMs).toBe(4_102_444_800_123);
  });
}

function endings({ opened, next }: Bench): void {
  test('commits what was written before it is closed, and takes nothing after', async () => {
    const one = await opened();
    one.write(append('log', 1, 5));
    await one.store.close();
    expect(one.store.committed).toBe(1);
    one.write(append('log', 6, 1));
    const again = await Opened.of(next());
    expect(again.recovered.logs.get('log')).toEqual({ trimmedSeq: 0, newestSeq: 5 });
    expect(one.store.committed).toBe(1);
  });

  test('has nothing to wait for once it is closed, nor before it is open', async () => {
    const one = await opened();
    one.write(append('log', 1, 5));
    await Promise.all([one.store.close(), one.store.close()]);
    await one.store.flush();
    one.write(append('log', 6, 1));
    await expect(one.store.flush()).rejects.toThrow();
    await expect(one.store.readFrames('log', 1, 5)).rejects.toThrow('not open');
    await expect(next().readFrames('log', 1, 5)).rejects.toThrow('not open');
  });

  test('is opened once', async () => {
    const { store } = await opened();
    await expect(store.open({ committed() {}, trouble() {} })).rejects.toThrow('once');
  });
}
