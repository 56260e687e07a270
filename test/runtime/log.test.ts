// The numbered frames of one session (src/log.ts): numbering, coverage, acknowledgement, limits, and the end.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../src/log.ts';

const roomy = { bufferEvents: 1_000_000, bufferBytes: 1_000_000_000 };

function filled(count: number, limits: Partial<typeof roomy> = {}) {
  const log = new EventLog({ ...roomy, ...limits });
  for (let i = 0; i < count; i += 1) log.append('frame ', '');
  return log;
}

const everything = Number.POSITIVE_INFINITY;
const kept = (log: EventLog) => log.read(log.oldestSeq - 1, everything);

describe('numbering', () => {
  test('an empty log has no newest frame, covers a cursor of 0, and nothing beyond', () => {
    const log = filled(0);
    expect(log).toMatchObject({ newestSeq: 0, oldestSeq: 1, bytes: 0 });
    expect([log.coverage(0), log.coverage(1)]).toEqual(['covered', 'ahead']);
    expect([log.read(0, everything), log.read(1, everything)]).toEqual([[], []]);
  });

  // proves P1.18
  test('frames are numbered from 1 without gap, and each carries its number', () => {
    const log = filled(0);
    expect([1, 2, 3].map(() => log.append('{"event_seq":', '}'))).toEqual([1, 2, 3]);
    expect(kept(log)).toEqual(['{"event_seq":1}', '{"event_seq":2}', '{"event_seq":3}']);
  });

  test('numbers go on where everything before was freed', () => {
    const log = filled(5);
    log.trim(5);
    expect(log).toMatchObject({ newestSeq: 5, oldestSeq: 6, bytes: 0 });
    expect(log.append('', '')).toBe(6);
    expect(kept(log)).toEqual(['6']);
  });
});

describe('reading', () => {
  test('a batch ends with the frame that brings it to its bytes, and has one frame at the least', () => {
    const log = filled(9);
    expect(log.read(0, 7)).toEqual(['frame 1']);
    expect(log.read(0, 8)).toEqual(['frame 1', 'frame 2']);
    expect(log.read(7, 1)).toEqual(['frame 8']);
    // Bytes are what a socket holds: a letter may have several.
    const greek = new EventLog(roomy);
    for (let i = 0; i < 3; i += 1) greek.append('λ', '');
    expect(greek.read(0, 3)).toEqual(['λ1']);
    expect(greek.read(0, 4)).toEqual(['λ1', 'λ2']);
    expect(log.read(9, 1)).toEqual([]);
  });

  test('a cursor whose next frame is freed reads nothing: to go on would be a gap', () => {
    const log = filled(9);
    log.trim(4);
    expect(log.read(3, everything)).toEqual([]);
    expect(log.read(4, 1)).toEqual(['frame 5']);
  });
});

describe('coverage', () => {
  test('a cursor is covered as long as the frame right after it is kept, or it stands at the newest', () => {
    const log = filled(10);
    log.trim(4);
    expect([0, 3, 4, 9, 10, 11].map((cursor) => log.coverage(cursor))).toEqual([
      'trimmed',
      'trimmed',
      'covered',
      'covered',
      'covered',
      'ahead',
    ]);
  });

  test('the bytes after a cursor are those of the kept frames after it', () => {
    const log = filled(9);
    log.trim(4);
    expect([0, 4, 8, 9, 20].map((cursor) => log.bytesAfter(cursor))).toEqual([35, 35, 7, 0, 0]);
  });
});

describe('freeing', () => {
  test('an acknowledgement frees up to and with its number', () => {
    const log = filled(10);
    log.trim(6);
    expect(kept(log)).toEqual(['frame 7', 'frame 8', 'frame 9', 'frame 10']);
    expect([log.read(5, everything), log.read(6, 1)]).toEqual([[], ['frame 7']]);
  });

  test('an acknowledgement beyond the newest, going back, or negative changes nothing', () => {
    const log = filled(10);
    log.trim(6);
    for (const seq of [11, 6, 2, 0, -3, Number.POSITIVE_INFINITY]) log.trim(seq);
    expect(log).toMatchObject({ oldestSeq: 7, newestSeq: 10 });
  });

  test('above the limit on their count the oldest frames go', () => {
    expect(kept(filled(10, { bufferEvents: 3 }))).toEqual(['frame 8', 'frame 9', 'frame 10']);
  });

  test('above the limit on their bytes the oldest frames go, counted in bytes and not in characters', () => {
    const log = new EventLog({ ...roomy, bufferBytes: 10 });
    for (let i = 0; i < 5; i += 1) log.append('€', 'x');
    expect(log).toMatchObject({ oldestSeq: 4, newestSeq: 5, bytes: 10 });
  });

  test('the newest frame always stays, however large', () => {
    const log = filled(3, { bufferBytes: 4 });
    log.append('far more than four bytes: ', '');
    expect(kept(log)).toEqual(['far more than four bytes: 4']);
    log.append('ok', '');
    expect(kept(log)).toEqual(['ok5']);
  });

  test('whoever reads is told before a frame is freed for want of room, and can still read it', () => {
    const log = filled(3, { bufferEvents: 3 });
    const readable: (string | undefined)[] = [];
    const hurry = () => readable.push(log.read(log.oldestSeq - 1, 1)[0]);
    log.reader = { hurry, wake: () => {} };
    log.append('frame ', '');
    log.append('frame ', '');
    expect(readable).toEqual(['frame 1', 'frame 2']);
    log.trim(4);
    log.append('frame ', '');
    expect(readable).toHaveLength(2);
  });

  test('so it is where one frame makes many go', () => {
    const log = filled(3, { bufferBytes: 30 });
    const readable: (string | undefined)[] = [];
    log.reader = { hurry: () => readable.push(log.read(log.oldestSeq - 1, 1)[0]), wake: () => {} };
    log.append('as long as four of the others: ', '');
    expect(readable).toEqual(['frame 1', 'frame 2', 'frame 3']);
  });

  test('whoever reads is woken by every frame, once it can be read', () => {
    const log = filled(2);
    const woken: string[][] = [];
    log.reader = { hurry: () => {}, wake: () => woken.push(log.read(2, everything)) };
    log.append('frame ', '');
    log.append('frame ', '');
    expect(woken).toEqual([['frame 3'], ['frame 3', 'frame 4']]);
  });

  test('a dropped log keeps nothing more, and its numbers go on', () => {
    const log = filled(5);
    log.drop();
    expect(log).toMatchObject({ newestSeq: 5, oldestSeq: 6, bytes: 0 });
    expect(log.append('', '')).toBe(6);
    expect(log.read(5, everything)).toEqual([]);
    expect(log).toMatchObject({ newestSeq: 6, oldestSeq: 7, bytes: 0 });
    expect([log.coverage(5), log.coverage(6), log.coverage(7)]).toEqual(['trimmed', 'covered', 'ahead']);
  });
});

describe('against a naive array', () => {
  /** The same, written so that it is plainly right, and as slow as that comes. */
  class NaiveLog {
    frames: { seq: number; text: string }[] = [];
    newest = 0;
    dropped = false;
    limits: typeof roomy;

    constructor(limits: typeof roomy) {
      this.limits = limits;
    }

    bytes(after = 0) {
      return this.frames.reduce((sum, { seq, text }) => (seq > after ? sum + Buffer.byteLength(text) : sum), 0);
    }

    append(head: string, tail: string) {
      this.newest += 1;
      const text = head + this.newest + tail;
      if (this.dropped) return;
      this.frames.push({ seq: this.newest, text });
      const { bufferEvents, bufferBytes } = this.limits;
      while (this.frames.length > 1 && (this.frames.length > bufferEvents || this.bytes() > bufferBytes))
        this.frames.shift();
    }

    trim(through: number) {
      if (through <= this.newest) this.frames = this.frames.filter(({ seq }) => seq > through);
    }

    read(cursor: number) {
      return this.coverage(cursor) === 'covered'
        ? this.frames.filter(({ seq }) => seq > cursor).map(({ text }) => text)
        : [];
    }

    coverage(cursor: number) {
      if (cursor > this.newest) return 'ahead';
      const missing = Array.from({ length: this.newest - cursor }, (_, index) => cursor + 1 + index);
      return missing.every((seq) => this.frames.some((frame) => frame.seq === seq)) ? 'covered' : 'trimmed';
    }
  }

  const step = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ do: fc.constant('append' as const), text: fc.string({ unit: 'binary', maxLength: 30 }) }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('burst' as const), count: fc.integer({ min: 1, max: 90 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('trim' as const), back: fc.integer({ min: -3, max: 60 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  );
  const limits = fc.record({
    bufferEvents: fc.integer({ min: 1, max: 200 }),
    bufferBytes: fc.integer({ min: 1, max: 2000 }),
  });

  test('whatever is appended, acknowledged and dropped, in whatever order, the log is what an array would be', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.info(`seed ${seed}`);
    const property = fc.property(limits, fc.array(step, { maxLength: 40 }), (given, steps) => {
      const log = new EventLog(given);
      const naive = new NaiveLog(given);
      for (const taken of steps) {
        take(taken, log, naive);
        expect(log).toMatchObject({ newestSeq: naive.newest, bytes: naive.bytes() });
        expect(log.oldestSeq).toBe(naive.frames[0]?.seq ?? naive.newest + 1);
        expect(kept(log)).toEqual(naive.frames.map(({ text }) => text));
        for (const cursor of [0, log.oldestSeq - 2, log.oldestSeq - 1, log.oldestSeq, naive.newest, naive.newest + 1]) {
          if (cursor < 0) continue;
          expect(log.coverage(cursor)).toBe(naive.coverage(cursor));
          if (naive.coverage(cursor) === 'covered') expect(log.bytesAfter(cursor)).toBe(naive.bytes(cursor));
          expect(log.read(cursor, everything)).toEqual(naive.read(cursor));
        }
      }
    });
    fc.assert(property, { seed, numRuns: 300 });
  });

  function take(taken: typeof step extends fc.Arbitrary<infer Step> ? Step : never, log: EventLog, naive: NaiveLog) {
    if (taken.do === 'append') {
      log.append(taken.text, '}');
      naive.append(taken.text, '}');
    } else if (taken.do === 'burst') {
      for (let i = 0; i < taken.count; i += 1) {
        log.append('', '');
        naive.append('', '');
      }
    } else if (taken.do === 'trim') {
      log.trim(log.newestSeq - taken.back);
      naive.trim(naive.newest - taken.back);
    } else {
      log.drop();
      naive.frames = [];
      naive.dropped = true;
    }
  }
});
