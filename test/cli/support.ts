import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { dialWs } from '../../src/transports/ws.ts';
import { Peer } from '../support/peer.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into lines of every type
type Line = any; // tidy: see above

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** A file of test/cli/fixtures. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/** A program in a process of its own, and everything it has written. */
export class Program {
  stdout = '';
  stderr = '';
  /** The exit code, once both of its outputs have been read to their ends. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  #look = () => {};

  constructor(
    command: string,
    args: readonly string[],
    { env = {}, cwd }: { env?: Record<string, string>; cwd?: string } = {},
  ) {
    const { ARCPX_URL: _url, ARCPX_TOKEN: _token, ...inherited } = process.env;
    this.#child = spawn(command, args, { env: { ...inherited, ...env }, cwd });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    // A program that has ended takes no more input: whoever waits for its output learns why.
    this.#child.stdin.on('error', () => {});
    this.exited = once(this.#child, 'close').then(([code]) => {
      this.#look();
      return code;
    });
  }

  /** Resolves when an output has something that matches; rejects when the program ends without. */
  sees(output: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const before = this.#look;
      const look = () => {
        before();
        const match = pattern.exec(this[output]);
        if (match) resolve(match);
      };
      this.#look = look;
      this.exited.then((code) => {
        look();
        reject(new Error(`it ended with ${code} and no ${pattern}; stdout: ${this.stdout}; stderr: ${this.stderr}`));
      });
      look();
    });
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(text = ''): void {
    this.#child.stdin.end(text);
  }

  /** Reads no more of its stdout. */
  stopReading(): void {
    this.#child.stdout.destroy();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  stop(): Promise<number | null> {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** stdout, each line read as JSON. */
  json(): Line[] {
    return this.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
}

/** Runs `arcpx` as its users do, from dist. It ends with the test, unless it is asked to live on. */
export function arcpx(
  args: readonly string[],
  { env = {}, livesOn = false, cwd }: { env?: Record<string, string>; livesOn?: boolean; cwd?: string } = {},
): Program {
  // What a test serves is forgotten with it, unless the test says otherwise.
  const store = args[0] === 'serve' && cwd === undefined && !args.includes('--store') ? ['--store', 'memory'] : [];
  const program = new Program(process.execPath, [main, ...args, ...store], {
    env,
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (!livesOn) onTestFinished(async () => void (await program.stop()));
  return program;
}

/** Runs it to its end. */
export async function ran(args: readonly string[], env: Record<string, string> = {}) {
  const program = arcpx(args, { env });
  program.endInput();
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

export interface Served {
  program: Program;
  url: string;
  open(): Promise<Peer>;
  /** What a client's command needs to find it, as alice. */
  env: { ARCPX_URL: string; ARCPX_TOKEN: string };
}

/** `arcpx serve` on a free port, ready, for alice and bob. */
export async function serving(args: readonly string[] = [], { livesOn = false } = {}): Promise<Served> {
  const tokens = ['--token', 'tok-alice=alice', '--token', 'tok-bob=bob'];
  const program = arcpx(['serve', '--port', '0', ...tokens, ...args], { livesOn });
  const [, url = ''] = await program.sees('stdout', /listening on (\S+)\n/);
  return {
    program,
    url,
    open: async () => new Peer(await dialWs(url)),
    env: { ARCPX_URL: url, ARCPX_TOKEN: 'tok-alice' },
  };
}
