import type { Scene } from './scene.ts';

/** What a check cannot do without, beyond a runtime and a token. */
export type Need =
  | 'second token'
  | 'echo'
  | 'slow'
  | 'close verb'
  | 'bye verb'
  | 'short window'
  | 'short heartbeat'
  | 'frame limit';

/** One thing the protocol asks of a runtime, and how it is seen from outside. */
export interface Requirement {
  id: string;
  /** Of the ARCP 1.1 draft: '§6.3'. */
  section: string;
  /** One sentence that is true of a runtime that conforms. */
  sentence: string;
  needs: readonly Need[];
  /** Resolves where the sentence is true; rejects with `Broken`, in words for a person, where it is not. */
  check(scene: Scene): Promise<void>;
}

/** A runtime that does otherwise than the sentence says: what was expected, and what was seen. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** A check that cannot be done here, and why. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** Declares requirements of one section: id → sentence, check, and what the check needs. */
export function requirements(
  section: string,
  entries: Readonly<Record<string, [sentence: string, check: Requirement['check'], ...needs: Need[]]>>,
): Requirement[] {
  return Object.entries(entries).map(([id, [sentence, check, ...needs]]) => ({ id, section, sentence, check, needs }));
}

export function must(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Broken(otherwise);
}
