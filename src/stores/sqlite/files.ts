import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a file that only its owner can read (0600), in a directory only its owner can enter (0700 where it has to be made), or
 * makes one that exists so. Never opens one that exists: closing it would end every lock this process holds on it.
 */
export function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!existsSync(file)) throw error;
    chmodSync(file, 0o600);
  }
}
