import { expect, test } from 'vitest';
import type { Bench } from './bench.ts';
import { append, put } from './medium.ts';

export function records({ opened, reopened }: Bench): void {
  test('has each record as it was put last, and how often', async () => {
    const one = await opened();
    one.write(put('a', '{"n":1}'), put('b', '{}'));
    one.write(put('a', '{"n":2,"text":"grüße 🙂"}'), { do: 'put', kind: 'job', id: 'a', body: '{}' });
    const { recovered } = await reopened(one);
    expect([...recovered.records].sort((a, b) => `${a.kind}${a.id}`.localeCompare(`${b.kind}${b.id}`))).toEqual([
      { kind: 'job', id: 'a', body: '{}', version: 1 },
      { kind: 'session', id: 'a', body: '{"n":2,"text":"grüße 🙂"}', version: 2 },
      { kind: 'session', id: 'b', body: '{}', version: 1 },
    ]);
  });

  test('has no record that was deleted; the next one of that name starts anew', async () => {
    const one = await opened();
    one.write(put('a', '1'), put('a', '2'), { do: 'delete', kind: 'session', id: 'a' }, put('b', '1'));
    one.write({ do: 'delete', kind: 'session', id: 'b' }, { do: 'delete', kind: 'job', id: 'never was' });
    one.write(put('a', '3', 0));
    const { recovered } = await reopened(one);
    expect(recovered.records).toEqual([{ kind: 'session', id: 'a', body: '3', version: 1 }]);
  });

  test('puts a record that is as it was expected', async () => {
    const one = await opened();
    one.write(put('a', '1', 0), put('a', '2', 1));
    one.write(put('a', '3', 2));
    const again = await reopened(one);
    again.write(put('a', '4', 3));
    const last = await reopened(again);
    expect(last.recovered.records).toEqual([{ kind: 'session', id: 'a', body: '4', version: 4 }]);
  });

  test.each([
    ['is there already', [put('a', '1')], 0],
    ['was put once more', [put('a', '1'), put('a', '2')], 1],
    ['is not there', [], 1],
  ])('is fenced by a record that %s', async (_what, before, expectation) => {
    const one = await opened();
    one.write(...before);
    one.write(put('a', 'theirs', expectation));
    expect(await one.trouble()).toMatchObject({ reason: 'fenced', final: true });
    await expect(one.store.flush()).rejects.toMatchObject({ trouble: { reason: 'fenced' } });
  });
}

export function names({ opened, reopened }: Bench): void {
  test('gives back names as they were, whatever a client has put into them', async () => {
    const one = await opened();
    const names = ['a\0b', 'a\0c', "'; DROP TABLE records; --", '"\\n\n', '\ud800', 'grüße 🙂', '', '\\u0000'];
    one.write(...names.map((name) => put(name, '{}')), ...names.map((name) => append(name, 1, 1)));
    one.write({ do: 'delete', kind: 'session', id: 'a\0c' }, { do: 'trim', log: '\ud800', throughSeq: 1 });
    const { recovered } = await reopened(one);
    expect(recovered.records.map(({ id }) => id).sort()).toEqual(names.filter((name) => name !== 'a\0c').sort());
    expect([...recovered.logs.keys()].sort()).toEqual([...names].sort());
    expect(recovered.logs.get('\ud800')).toEqual({ trimmedSeq: 1, newestSeq: 1 });
  });
}

export function fencing({ opened, reopened, intruder }: Bench): void {
  test('is of one epoch more each time it is opened', async () => {
    const one = await opened();
    const two = await reopened(one);
    const three = await reopened(two);
    expect([one, two, three].map(({ recovered }) => recovered.epoch)).toEqual([1, 2, 3]);
  });

  test('takes nothing more from whoever opened it before', async () => {
    const one = await opened();
    one.write(put('a', 'before'));
    await one.settled();
    const two = await intruder();
    expect(two.recovered.records).toEqual([{ kind: 'session', id: 'a', body: 'before', version: 1 }]);
    one.write(put('a', 'too late'));
    expect(await one.trouble()).toMatchObject({ reason: 'fenced', final: true });
    expect(one.store.committed).toBe(1);
    await expect(one.store.flush()).rejects.toMatchObject({ name: 'StoreFailure', trouble: { reason: 'fenced' } });
    two.write(put('b', 'ours'));
    await two.settled();
    await one.store.close().catch(() => {});
    const three = await reopened(two);
    expect(three.recovered.records.map(({ body }) => body)).toEqual(['before', 'ours']);
  });

  test('commits nothing more once it is fenced, whatever is written', async () => {
    const one = await opened();
    await intruder();
    one.write(put('a', '1'));
    await one.trouble();
    one.write(put('b', '1'));
    await expect(one.store.flush()).rejects.toThrow();
    expect([one.store.written, one.store.committed]).toEqual([2, 0]);
    expect(one.troubles).toHaveLength(1);
  });

  test.each([
    ['leaves a gap', 5],
    ['comes twice', 3],
  ])('is fenced by a frame that %s: someone else wrote to the log', async (_what, seq) => {
    const one = await opened();
    one.write(append('log', 1, 3));
    one.write(append('log', seq, 1));
    expect(await one.trouble()).toMatchObject({ reason: 'fenced', final: true });
  });
}
