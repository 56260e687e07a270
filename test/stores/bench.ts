import { afterEach, beforeEach } from 'vitest';
import type { Store } from '../../src/stores/store.ts';
import { type Medium, Opened } from './medium.ts';

/** What the tests of a suite open stores with: a medium for each test, freed behind it. */
export interface Bench {
  /** A store of the next process, open. */
  opened(): Promise<Opened>;
  /** The same, but not opened yet. */
  next(): Store;
  /** Closes a store, fenced or not, and opens the next. */
  reopened(before: Opened): Promise<Opened>;
  /** A second one, open although the first is. */
  intruder(): Promise<Opened>;
}

export function over(create: () => Promise<Medium>): Bench {
  let medium: Medium;
  let stores: Store[] = [];
  beforeEach(async () => {
    medium = await create();
    stores = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close().catch(() => {});
    await medium.discard();
  });
  const kept = (store: Store): Store => {
    stores.push(store);
    return store;
  };
  return {
    next: () => kept(medium.store()),
    opened: () => Opened.of(kept(medium.store())),
    intruder: () => Opened.of(kept(medium.intruder())),
    async reopened(before) {
      await before.store.close().catch(() => {});
      return Opened.of(kept(medium.store()));
    },
  };
}
