import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Has the driver built before the tests of a file, and removed behind them; tells where it lies. Without a checkout, nothing. */
export function built(checkout: string): () => string {
  let folder = '';
  const program = () => join(folder, 'driver');
  beforeAll(async () => {
    if (checkout === '') return;
    folder = await mkdtemp(join(tmpdir(), 'arcp-go-'));
    await build(checkout, { modfile: join(folder, 'go.mod'), program: program() });
  }, 600_000);
  afterAll(async () => {
    if (folder !== '') await rm(folder, { recursive: true });
  });
  return program;
}

/**
 * Builds the driver with the SDK of a checkout, as it is: nothing is written there. Where the module proxy is out of reach, a file
 * that ARCP_GO_MOD names has lines for go.mod, which say where what the SDK requires is to be had.
 */
async function build(checkout: string, { modfile, program }: { modfile: string; program: string }): Promise<void> {
  const more = process.env.ARCP_GO_MOD;
  const lines = [
    await readFile(join(here, 'go.mod'), 'utf8'),
    `replace github.com/agentruntimecontrolprotocol/go-sdk => ${JSON.stringify(resolve(checkout))}`,
    more === undefined ? '' : await readFile(more, 'utf8'),
  ];
  await writeFile(modfile, lines.join('\n'));
  const args = ['build', '-mod=mod', `-modfile=${modfile}`, '-o', program, '.'];
  await promisify(execFile)('go', args, { cwd: here, env: { ...process.env, GOWORK: 'off' } });
}
