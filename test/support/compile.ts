import { spawnSync } from 'node:child_process';

/** Brings `dist` up to date before the tests that start processes from it. Type errors are for `npm run typecheck` to tell. */
export default function compile(): void {
  const { status, stdout } = spawnSync('npm', ['run', '--silent', 'compile'], { encoding: 'utf8' });
  if (status !== 0) console.error(`npm run compile:\n${stdout}`);
}
