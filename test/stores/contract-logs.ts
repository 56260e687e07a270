import { expect, test } from 'vitest';
import type { Bench } from './bench.ts';
import { append, frames } from './medium.ts';

export function reading({ opened, reopened }: Bench): void {
  test('gives back frames byte for byte, over the restart too', async () => {
    const one = await opened();
    const odd = ['{"text":"grüße 🙂 \\n \\u0000 \\u2028"}', '{}', `{"long":"${'x'.repeat(100_000)}"}`, ''];
    one.write({ do: 'append', log: 'sess_1', firstSeq: 1, texts: odd }, append('sess_2', 1, 2));
    await one.store.flush();
    expect(await one.store.readFrames('sess_1', 1, 4)).toEqual(odd);
    const again = await reopened(one);
    expect(await again.store.readFrames('sess_1', 1, 4)).toEqual(odd);
    expect(await again.store.readFrames('sess_2', 1, 9)).toEqual(frames(1, 2, 'sess_2'));
  });

  test('gives back any part of a log, however it was written', async () => {
    const one = await opened();
    one.write(append('log', 1, 3), append('log', 4, 1));
    one.write(append('log', 5, 10));
    await one.settled();
    one.write(append('log', 15, 6));
    await one.settled();
    for (const [from, to] of [
      [1, 20],
      [2, 4],
      [5, 5],
      [14, 16],
      [20, 25],
      [0, 1],
      [21, 30],
      [4, 3],
    ] as const) {
      const part = frames(1, 20, 'log').slice(Math.max(from, 1) - 1, to);
      expect(await one.store.readFrames('log', from, to), `${from} to ${to}`).toEqual(part);
    }
    expect(await one.store.readFrames('no such log', 1, 5)).toEqual([]);
  });
}

export function trimming({ opened, reopened }: Bench): void {
  test('lets go of what was trimmed, and of nothing else', async () => {
    const one = await opened();
    one.write(append('log', 1, 10), append('other', 1, 2));
    await one.settled();
    one.write({ do: 'trim', log: 'log', throughSeq: 4 }, { do: 'trim', log: 'no such log', throughSeq: 4 });
    one.write({ do: 'trim', log: 'log', throughSeq: 2 });
    await one.settled();
    expect(await one.store.readFrames('log', 1, 10)).toEqual(frames(5, 6, 'log'));
    const again = await reopened(one);
    expect(again.recovered.logs).toEqual(
      new Map([
        ['log', { trimmedSeq: 4, newestSeq: 10 }],
        ['other', { trimmedSeq: 0, newestSeq: 2 }],
      ]),
    );
    expect(await again.store.readFrames('log', 1, 10)).toEqual(frames(5, 6, 'log'));
  });

  test('knows the numbers of a log of which everything was trimmed', async () => {
    const one = await opened();
    one.write(append('log', 1, 10));
    one.write({ do: 'trim', log: 'log', throughSeq: 99 });
    const again = await reopened(one);
    expect(again.recovered.logs).toEqual(new Map([['log', { trimmedSeq: 10, newestSeq: 10 }]]));
    again.write(append('log', 11, 2));
    const last = await reopened(again);
    expect(last.recovered.logs).toEqual(new Map([['log', { trimmedSeq: 10, newestSeq: 12 }]]));
    expect(await last.store.readFrames('log', 1, 12)).toEqual(frames(11, 2, 'log'));
  });

  test('forgets a log that was dropped, numbers and all; a new one may begin anywhere', async () => {
    const one = await opened();
    one.write(append('log', 1, 10), append('gone', 1, 1));
    one.write({ do: 'drop', log: 'log' }, { do: 'drop', log: 'gone' }, { do: 'drop', log: 'never was' });
    one.write(append('log', 8, 2));
    await one.settled();
    expect(await one.store.readFrames('log', 1, 10)).toEqual(frames(8, 2, 'log'));
    const again = await reopened(one);
    expect(again.recovered.logs).toEqual(new Map([['log', { trimmedSeq: 7, newestSeq: 9 }]]));
  });
}
