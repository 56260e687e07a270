import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

const { ARCP_JAVA_CLASSPATH: jars = '', JAVA_HOME: home } = process.env;

/** What a call of the SDK's API failed with. */
export class SdkFailure extends Error {
  readonly code: string | undefined;
  readonly retryable: boolean | undefined;

  constructor({
    name,
    message,
    code,
    retryable,
  }: { name: string; message: string; code?: string; retryable?: boolean }) {
    super(message);
    this.name = name;
    this.code = code;
    this.retryable = retryable;
  }
}

type Failed = ConstructorParameters<typeof SdkFailure>[0];

/** A JVM in which the SDK's client is led by calls: one line a call, one line an answer. */
export class Jvm {
  readonly #process: ChildProcess;
  readonly #classes: string;
  readonly #waiting = new Map<number, (line: string) => void>();
  #calls = 0;
  #stderr = '';

  /** Compiles the SDK's client and core with what leads them, and starts it. */
  static async start(checkout: string): Promise<Jvm> {
    const classes = await mkdtemp(join(tmpdir(), 'arcp-java-'));
    const roots = ['arcp-core', 'arcp-client'].map((module) => join(checkout, module, 'src/main/java'));
    const files = (await Promise.all([...roots, import.meta.dirname].map(javaFilesOf))).flat();
    await compile(['--release', '21', '-proc:none', '-nowarn', '-cp', jars, '-d', classes, ...files]);
    return new Jvm(classes);
  }

  private constructor(classes: string) {
    this.#classes = classes;
    this.#process = spawn(tool('java'), ['-cp', [classes, jars].join(delimiter), 'Drive'], { stdio: 'pipe' });
    this.#process.stderr?.on('data', (text) => {
      this.#stderr += text;
    });
    createInterface({ input: this.#process.stdout ?? process.stdin }).on('line', (line) => {
      const { id }: { id: number } = JSON.parse(line);
      this.#waiting.get(id)?.(line);
      this.#waiting.delete(id);
    });
    this.#process.on('exit', () => {
      const failed: Failed = { name: 'Exit', message: `the JVM has ended: ${this.#stderr}` };
      for (const settle of this.#waiting.values()) settle(JSON.stringify({ failed }));
    });
  }

  /** What a call returned; rejects with what it threw. */
  async ask<Saw>(call: string, fields: object = {}): Promise<Saw> {
    this.#calls += 1;
    const id = this.#calls;
    const answered = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#process.stdin?.write(`${JSON.stringify({ ...fields, id, call })}\n`);
    const { saw, failed }: { saw: Saw; failed?: Failed } = JSON.parse(await answered);
    if (failed) throw new SdkFailure(failed);
    return saw;
  }

  async end(): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
    await rm(this.#classes, { recursive: true });
  }
}

async function javaFilesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((name) => name.endsWith('.java')).map((name) => join(folder, name));
}

async function compile(options: string[]): Promise<void> {
  const javac = spawn(tool('javac'), options, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  javac.stderr.on('data', (text) => {
    said += text;
  });
  const [code] = await once(javac, 'exit');
  if (code !== 0) throw new Error(`javac ended with ${code}:\n${said}`);
}

function tool(name: string): string {
  return home === undefined ? name : join(home, 'bin', name);
}
