// The package as others get it: packed, installed from the tarball in a project of its own, imported and run from there.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../', import.meta.url));
const project = await mkdtemp(join(tmpdir(), 'arcp-xstate-package-'));
let packed: string[] = [];

beforeAll(async () => {
  // Without scripts: `prepare` would build again, under the feet of tests that run what is built.
  const pack = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: repository,
  });
  const [{ filename, files }] = JSON.parse(pack.stdout) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'scratch', private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${filename}`], { cwd: project });
}, 240_000);

afterAll(() => rm(project, { recursive: true, force: true }));

test('the package has what runs, its types, its sources for debuggers and its licence, and nothing else', () => {
  expect(packed).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/src/index.js', 'dist/src/index.d.ts']),
  );
  expect(packed.filter((path) => !/^(dist|src|machines)\/|^(LICENSE|README\.md|package\.json)$/.test(path))).toEqual(
    [],
  );
  expect(packed.filter((path) => /(^|\/)\.|\.test\./.test(path))).toEqual([]);
});

test('a program in JavaScript imports it, serves an agent and runs a job of it', async () => {
  const program = `
    import { bearer, createRuntime, defineAgent } from 'arcp-xstate';
    import { connect } from 'arcp-xstate/client';
    import { clientMachine, jobMachine, sessionMachine } from 'arcp-xstate/machines';
    import { createActor } from 'xstate';

    const doubler = defineAgent({ name: 'doubler', version: '1.0.0', run: (job) => job.input.number * 2 });
    const runtime = createRuntime({ agents: [doubler], authenticate: bearer({ 'tok-alice': 'alice' }) });
    const { url } = await runtime.listen({ port: 0 });
    const client = await connect(url, { token: 'tok-alice' });
    const job = await client.submit('doubler', { number: 21 });
    console.log(await job.result());
    await client.bye();
    await runtime.close();
    console.log([sessionMachine, jobMachine, clientMachine].map(({ id }) => id).join());
    console.log(createActor(jobMachine, { input: { jobId: 'job_1', maxRuntimeMs: null, cancelGraceMs: 1 } }).getSnapshot().value);
  `;
  expect(await outputOf('program.js', program)).toBe('42\nsession,job,client\npending\n');
});

test('what is no part of its surface cannot be imported', async () => {
  const program = `await import('arcp-xstate/dist/src/log.js').catch(({ code }) => console.log(code));`;
  expect(await outputOf('inside.js', program)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
});

test('a program in strict TypeScript compiles against its types, its dependencies’ types included', async () => {
  await writeFile(
    join(project, 'typed.ts'),
    `import { bearer, createRuntime, defineAgent, type ErrorCode } from 'arcp-xstate';
    import { ArcpError, connect, type Ticket } from 'arcp-xstate/client';
    import { sessionMachine } from 'arcp-xstate/machines';

    const agent = defineAgent<{ count: number }>({ name: 'counter', run: async (job) => ({ counted: job.input.count }) });
    const runtime = createRuntime({ agents: [agent], authenticate: bearer({ token: 'alice' }), resumeWindowSec: 600 });
    const client = await connect('ws://127.0.0.1:1/arcp', { token: 'token' });
    const job = await client.submit('counter', { count: 1 });
    for await (const event of job) { const seq: number = event.seq; console.log(seq, event.kind); }
    const ticket: Ticket = client.ticket;
    const code: ErrorCode = new ArcpError('TIMEOUT', 'late').code;
    // @ts-expect-error: no such option
    createRuntime({ agents: [agent], authenticate: bearer({}), resumeWindow: 600 });
    console.log(runtime, ticket, code, sessionMachine.id);
    `,
  );
  const compilerOptions = {
    ...{ target: 'es2023', module: 'nodenext', moduleResolution: 'nodenext', strict: true, noEmit: true },
    ...{ skipLibCheck: false, types: ['node'] },
    typeRoots: [join(repository, 'node_modules/@types')],
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }));
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', project]).catch((failed) => failed);
  expect(stdout).toBe('');
});

test('npx arcpx runs its command', async () => {
  const { stdout } = await run('npx', ['arcpx', '--help'], { cwd: project });
  expect(stdout).toMatch(/^Usage: arcpx /);
  const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  expect((await run('npx', ['arcpx', '--version'], { cwd: project })).stdout.trim()).toBe(version);
});

/** What a program writes that stands in a file of the scratch project. */
async function outputOf(file: string, program: string): Promise<string> {
  await writeFile(join(project, file), program);
  return (await run(process.execPath, [file], { cwd: project })).stdout;
}
