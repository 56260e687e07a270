import { InvalidArgumentError } from 'commander';
import { memoryStore } from '../stores/memory.ts';
import { sqliteStore } from '../stores/sqlite.ts';
import type { Store } from '../stores/store.ts';

/** What `--store` names. */
export type StoreChoice = { kind: 'memory' } | { kind: 'sqlite'; file: string; synchronous: 'NORMAL' | 'FULL' };

export const defaultStore = 'sqlite:.arcpx/arcp.db';
export const storeForms = 'memory, sqlite:FILE, or sqlite:FILE?synchronous=full';

/** Reads `memory`, `sqlite:FILE` or `sqlite:FILE?synchronous=full`; a file's path is as seen from where `arcpx` runs. */
export function storeChoice(text: string): StoreChoice {
  if (text === 'memory') return { kind: 'memory' };
  const [, file = '', query] = /^sqlite:([^?]*)(?:\?(.*))?$/.exec(text) ?? [];
  if (file === '' || file === ':memory:' || /[/\\]$/.test(file))
    throw new InvalidArgumentError(`It must be ${storeForms}.`);
  return { kind: 'sqlite', file, synchronous: synchronousOf(query) };
}

function synchronousOf(query: string | undefined): 'NORMAL' | 'FULL' {
  if (query === undefined || query === 'synchronous=normal') return 'NORMAL';
  if (query === 'synchronous=full') return 'FULL';
  throw new InvalidArgumentError(`It must be ${storeForms}.`);
}

/** The store itself; nothing is opened or made before the runtime opens it. */
export function storeOf(choice: StoreChoice): Store {
  return choice.kind === 'memory' ? memoryStore() : sqliteStore(choice.file, { synchronous: choice.synchronous });
}
