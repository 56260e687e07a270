import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change, StoredRecord } from '../../src/stores/store.ts';
import { KeptMedium } from '../support/kept-medium.ts';
import { append, type Medium, Opened } from './medium.ts';

const logNames = ['sess_1', 'sess_2', 'sess_3'];
const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.FC_RUNS ?? 8);

/** One step of a history: what to do, to which of a few things, and how much of it. */
const step = fc.record({
  what: fc.constantFrom('append', 'append', 'append', 'trim', 'drop', 'put', 'expect', 'delete', 'time'),
  which: fc.constantFrom(...logNames),
  much: fc.integer({ min: 1, max: 8 }),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Any history of writes, over several lives of a process, against the contract in its simplest form: a medium in memory. */
export function histories(create: () => Promise<Medium>): void {
  test(
    `holds, after any history of changes and restarts, what the changes say (seed ${seed})`,
    async () => {
      const life = fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { maxLength: 6 });
      const lives = fc.array(life, { minLength: 1, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(lives, (each) => live(create, each)),
        { numRuns, seed },
      );
    },
    60_000 + numRuns * 2_000,
  );
}

async function live(create: () => Promise<Medium>, lives: readonly (readonly (readonly Step[])[])[]): Promise<void> {
  const medium = await create();
  const model = new KeptMedium();
  for (const writes of lives) {
    const { epoch } = model.open();
    const one = await Opened.of(medium.store());
    for (const steps of writes) {
      const changes = steps.map((one) => changeOf(one, model, epoch));
      one.write(...changes);
      // Now and then everything so far is committed, so that what follows is another batch.
      if (steps.length % 3 === 0) await one.settled();
    }
    await one.store.flush();
    for (const name of logNames) expect(await one.store.readFrames(name, 2, 12)).toEqual(model.frames(name, 2, 12));
    await one.store.close();
  }
  const expected = model.open();
  const one = await Opened.of(medium.store());
  expect({ ...one.recovered, records: sorted(one.recovered.records) }).toEqual({
    ...expected,
    records: sorted(expected.records),
  });
  for (const name of logNames) expect(await one.store.readFrames(name, 1, 999)).toEqual(model.frames(name));
  await one.store.close();
  await medium.discard();
}

/** A change that fits what the model holds, done to the model too. */
function changeOf({ what, which, much }: Step, model: KeptMedium, epoch: number): Change {
  const change = ((): Change => {
    const record = { kind: 'session', id: which, body: `{"n":${much}}` } as const;
    switch (what) {
      case 'append':
        return append(which, model.numbers(which).newestSeq + 1, much);
      case 'trim':
        return { do: 'trim', log: which, throughSeq: model.numbers(which).trimmedSeq + much };
      case 'drop':
        return { do: 'drop', log: which };
      case 'delete':
        return { do: 'delete', kind: 'session', id: which };
      case 'time':
        return { do: 'time', uptimeMs: much };
      case 'expect':
        return { do: 'put', ...record, expect: model.record('session', which)?.version ?? 0 };
      default:
        return { do: 'put', ...record };
    }
  })();
  expect(model.commit(epoch, [change])).toBe(true);
  return change;
}

function sorted(records: readonly StoredRecord[]): StoredRecord[] {
  return [...records].sort((a, b) => (a.id < b.id ? -1 : 1));
}
