import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** What an example that serves returns from its `start`. */
export interface Served {
  url: string;
  httpUrl?: string;
  result?: unknown;
  close(): Promise<void>;
}

/** What the examples of docs/examples/ export, as far as they do. */
interface Example {
  start(options: object): Promise<Served>;
  order(url: string, topic: string, show: (line: string) => void): Promise<unknown>;
  countTo(url: string, count: number, show: (line: string) => void): Promise<unknown>;
}

const urlOf = (name: string) => new URL(`../../docs/examples/${name}`, import.meta.url);

/** An example as a module of this process, on a free port; it ends with the test. */
export async function start(name: string, options: object = {}): Promise<Served & Omit<Example, 'start'>> {
  const example: Example = await import(urlOf(name).href);
  const served = await example.start({ port: 0, ...options });
  onTestFinished(() => served.close());
  return { ...served, countTo: example.countTo, order: example.order };
}

/** An example run as its first lines say, by `node`; it ends with the test, at the latest. */
export function run(name: string, ...parameters: string[]) {
  const child = spawn(process.execPath, [fileURLToPath(urlOf(name)), ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  return {
    /** The next line it prints that begins so, without that beginning. */
    async prints(beginning: string): Promise<string> {
      for (let next = await lines.next(); !next.done; next = await lines.next()) {
        if (next.value.startsWith(beginning)) return next.value.slice(beginning.length);
      }
      throw new Error(`${name} never printed ${JSON.stringify(beginning)}`);
    },
    /** Resolves with its exit code. */
    exited: (): Promise<unknown> => exited,
    terminate(): Promise<unknown> {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
