import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from './wire.ts';

/** `arcpx serve` in a process of its own. */
export interface Server {
  url: string;
  pid: number;
  /** Tells it to stop; its exit code. */
  stop(): Promise<number | null>;
  /** Whatever happens to the story, no process is left behind. */
  kill(): void;
}

/** Starts it on a free port, and waits for its ready line. */
export async function startServer(options: readonly string[]): Promise<Server> {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = spawn(
    process.execPath,
    [main, 'serve', '--port', '0', '--store', 'memory', '--log-level', 'error', ...options],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const ready = once(createInterface(child.stdout), 'line');
  const [line]: unknown[] = await within('the ready line', Promise.race([ready, exited.then(failed)]));
  const url = /^arcpx listening on (\S+)$/.exec(String(line))?.[1];
  if (url === undefined) throw new Error(`the server said ${JSON.stringify(line)} instead of its ready line`);
  return {
    url,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      await within("the server's end", exited);
      return child.exitCode;
    },
    kill: () => killed(child),
  };
}

function failed(): never {
  throw new Error('the server ended before it was ready');
}

function killed(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}
