// The README's first screen is a promise: its server and its client are run here as they stand, as processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const [server = '', client = ''] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code ?? '');

test('the server of the README has twenty lines, the client fifteen, give or take a blank one', () => {
  const lines = (code: string) => code.split('\n').filter((line) => line.trim() !== '').length;
  expect(lines(server)).toBeLessThanOrEqual(21);
  expect(lines(client)).toBeLessThanOrEqual(15);
});

test('the server and the client of the README work together as they stand', async () => {
  // Inside the package, its name leads to itself.
  const folder = await mkdtemp(join(root, 'dist', 'readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'server.js'), server.replace('port: 7420', 'port: 0'));
  const serving = run(join(folder, 'server.js'));
  onTestFinished(() => {
    serving.process.kill();
  });
  const url = await serving.line(/listening on (\S+)/);
  await writeFile(join(folder, 'client.js'), client.replace('ws://127.0.0.1:7420/arcp', url));
  const asking = run(join(folder, 'client.js'));
  const [code] = await once(asking.process, 'exit');
  expect(asking.output()).toContain('{ counted: 20 }');
  expect(asking.output().match(/ progress /g)).toHaveLength(20);
  expect(code).toBe(0);
});

function run(file: string) {
  const child: ChildProcess = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const listeners = new Set<() => void>();
  const heard = (chunk: Buffer) => {
    output += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout?.on('data', heard);
  child.stderr?.on('data', heard);
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output)?.[1];
        if (found !== undefined) resolve(found);
      };
      listeners.add(look);
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code}: ${output}`)));
      look();
    });
  return { process: child, line, output: () => output };
}
