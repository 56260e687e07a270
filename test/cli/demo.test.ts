import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Program } from './support.ts';

test('the demo shows, on a real server process, that everything it tells is so', async () => {
  const demo = new Program(
    process.execPath,
    [fileURLToPath(new URL('../../dist/src/cli/demo.js', import.meta.url))],
    {},
  );
  onTestFinished(async () => void (await demo.stop()));
  expect(await demo.exited).toBe(0);
  expect(demo.stdout).not.toContain('✗');
  expect(demo.stdout).toContain('✓ every number from 1 to 151 exactly once, in order');
  expect(demo.stdout).toContain('✓ refused: PERMISSION_DENIED');
  expect(demo.stderr).toBe('');
});
