// `arcpx serve` as its users run it, over a SQLite file, killed and started again on the same port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const agents = fileURLToPath(new URL('./agents.mjs', import.meta.url));

export class Server {
  #child;
  #args;
  url = '';

  constructor(file) {
    this.#args = ['serve', '--store', `sqlite:${file}`, '--agents', agents, '--token', 'tok-crash=crash'];
    this.#args.push('--log-level', 'fatal', '--max-frames-per-second', '100000', '--drain', '1');
  }

  /** Starts it, on the port it had; how long it took to be ready. */
  async start() {
    const beganMs = performance.now();
    this.#spawn();
    const ended = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`the server ended with ${code} before it was ready`);
    });
    const [line] = await Promise.race([once(createInterface(this.#child.stdout), 'line'), ended]);
    ended.catch(() => {});
    this.url = line.replace('arcpx listening on ', '');
    return performance.now() - beganMs;
  }

  /** A process that is killed after `ms`, ready or not. */
  async startInVain(ms) {
    this.#spawn();
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.kill();
  }

  #spawn() {
    const port = this.url === '' ? '0' : new URL(this.url).port;
    this.#child = spawn(process.execPath, [main, ...this.#args, '--port', port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  async kill() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** SIGTERM; its exit code. */
  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code] = await ended;
    return code;
  }
}
