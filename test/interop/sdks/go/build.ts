import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * Builds the driver with the SDK of a checkout, as it is, and tells where it lies. Where the module proxy is out of reach, a file
 * that ARCP_GO_MOD names has lines for go.mod, which say where what the SDK requires is to be had.
 */
export async function build(checkout: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'arcp-go-'));
  const more = process.env.ARCP_GO_MOD;
  const lines = [
    await readFile(join(here, 'go.mod'), 'utf8'),
    `replace github.com/agentruntimecontrolprotocol/go-sdk => ${JSON.stringify(resolve(checkout))}`,
    more === undefined ? '' : await readFile(more, 'utf8'),
  ];
  const modfile = join(folder, 'go.mod');
  await writeFile(modfile, lines.join('\n'));
  const program = join(folder, 'driver');
  const args = ['build', '-mod=mod', `-modfile=${modfile}`, '-o', program, '.'];
  await promisify(execFile)('go', args, { cwd: here, env: { ...process.env, GOWORK: 'off' } });
  return program;
}
