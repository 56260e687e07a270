import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { onTestFinished } from 'vitest';

/** A disk of its own, in memory, that can really be full; or why there is none here. */
export function smallDisk(directory: string, size: string): { directory: string; grow(to: string): void } | string {
  mkdirSync(directory, { recursive: true });
  const mount = (...args: string[]) => spawnSync('mount', [...args, directory]).status === 0;
  if (!mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs')) return 'a small disk can be mounted only by root';
  onTestFinished(() => {
    spawnSync('umount', ['--lazy', directory]);
  });
  return { directory, grow: (to) => mount('-o', `remount,size=${to}`) };
}
