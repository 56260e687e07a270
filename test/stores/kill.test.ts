import { expect, onTestFinished, test } from 'vitest';
import { Opened } from './medium.ts';
import { driversHere, isSound, sqliteMedium } from './sqlite-medium.ts';
import { WritingProcess } from './writing.ts';

const rounds = Number(process.env.STORE_KILLS ?? 4);
const seed = Number(process.env.STORE_SEED ?? Date.now() % 2 ** 31);

/** A small generator of numbers from 0 to 1, the same for the same seed. */
function lots(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each(driversHere())(
  `kill -9 in the middle of writing loses nothing that was acknowledged, with %s (${rounds} rounds, seed ${seed})`,
  async (driver) => {
    const medium = await sqliteMedium({ driver });
    onTestFinished(() => medium.discard());
    const draw = lots(seed);
    let before = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const writing = new WritingProcess(medium.file, { driver });
      await writing.says(/^open/);
      await writing.reaches(before + Math.floor(draw() * 2_000));
      await writing.kill();
      const one = await Opened.of(medium.store());
      expect(one.recovered.epoch).toBe(round * 2);
      const { newestSeq } = one.recovered.logs.get('log') ?? { newestSeq: 0 };
      expect(newestSeq).toBeGreaterThanOrEqual(writing.committed);
      // One write is whole: the record counts the frames that are there.
      expect(one.recovered.records.map(({ body }) => Number(body))).toEqual([newestSeq]);
      const texts = await one.store.readFrames('log', 1, newestSeq);
      expect(texts.map((text) => JSON.parse(text).event_seq)).toEqual(texts.map((_, index) => index + 1));
      expect(texts).toHaveLength(newestSeq);
      before = newestSeq;
      await one.store.close();
      expect(isSound(medium.file, driver)).toBe(true);
    }
  },
  30_000 + rounds * 5_000,
);
