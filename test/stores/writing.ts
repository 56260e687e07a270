import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SqliteOptions } from '../../src/stores/sqlite.ts';

const program = fileURLToPath(new URL('./fixtures/writer.mjs', import.meta.url));

/** A process that writes to a store for as long as it lives (fixtures/writer.mjs), and what it says. */
export class WritingProcess {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #look = () => {};

  /** `shell` is what a shell does before the process begins, in its place. */
  constructor(file: string, { shell = '', ...options }: SqliteOptions & { shell?: string } = {}) {
    const run = [process.execPath, program, file, JSON.stringify(options)];
    this.#child = spawn('sh', ['-c', `${shell} exec "$@"`, 'sh', ...run], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#ended = once(this.#child, 'close').then(() => this.#look());
    if (!this.#child.stdout) throw new Error('a pipe was asked for');
    createInterface(this.#child.stdout).on('line', (line) => {
      this.lines.push(line);
      this.#look();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How many frames it has been told are committed. */
  get committed(): number {
    const newest = this.lines.findLast((line) => line.startsWith('committed '));
    return Number(newest?.split(' ')[1] ?? 0);
  }

  /** Resolves when there is a line after the first `seen` that fits; rejects when the process ends without. */
  async says(pattern: RegExp, seen = 0): Promise<string> {
    for (;;) {
      const line = this.lines.slice(seen).find((one) => pattern.test(one));
      if (line !== undefined) return line;
      if (this.#child.exitCode !== null) throw new Error(`it ended, and said: ${this.lines.slice(-5).join(' / ')}`);
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }

  /** Resolves when at least so many frames are committed. */
  async reaches(frames: number): Promise<void> {
    for (let seen = 0; this.committed < frames; seen = this.lines.length) await this.says(/^committed/, seen);
  }

  /** kill -9, in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
