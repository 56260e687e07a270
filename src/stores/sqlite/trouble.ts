import type { StoreTrouble } from '../store.ts';
import { resultCode } from './driver.ts';
import { Fenced } from './fenced.ts';

/** SQLite's result codes that say more than that something failed. */
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteNotADatabase = 26;

/** What a failed commit means. */
export function troubleOf(error: unknown, file: string): StoreTrouble {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof Fenced) {
    return { reason: 'fenced', final: true, message: `${file} is no longer this process's to write: ${text}` };
  }
  const code = resultCode(error);
  if (isDamage(error)) {
    const message = `${file} is damaged (${text}): end this process, and bring the file back from a backup.`;
    return { reason: 'failing', final: true, message };
  }
  if (code === sqliteFull) {
    return {
      reason: 'full',
      final: false,
      message: `There is no room for ${file} (${text}): make some, it is tried again.`,
    };
  }
  return { reason: 'failing', final: false, message: `${file} cannot be written (${text}); it is tried again.` };
}

/** Why a file cannot be opened. */
export function refusalOf(error: unknown, file: string): string {
  const text = error instanceof Error ? error.message : String(error);
  const advice = isDamage(error) ? ' It is no database, or damaged: move it away, or bring it back from a backup.' : '';
  return `The store ${file} cannot be opened. ${text}${advice}`;
}

function isDamage(error: unknown): boolean {
  return [sqliteCorrupt, sqliteNotADatabase].includes(resultCode(error));
}
