// How the measuring process steers a server process, and asks what it has used. Over the channel of `fork`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The server's end. `go()` waits for the starting shot. */
export function serveControl(handlers = {}) {
  const waiting = [];
  let end = () => {};
  const answers = {
    go: () => {
      for (const start of waiting.splice(0)) start();
    },
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    memory: async () => {
      // What a socket's end leaves behind takes some turns of the event loop to let go.
      for (let i = 0; i < 5; i += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        globalThis.gc();
      }
      const { heapUsed, external, rss } = process.memoryUsage();
      return { heap: heapUsed + external, rss };
    },
    ...handlers,
  };
  process.on('message', async ({ id, name, argument }) => {
    process.send({ type: 'answer', id, value: await answers[name](argument) });
  });
  process.on('disconnect', () => end());
  return {
    tell: (message) => process.send(message),
    go: () => new Promise((resolve) => waiting.push(resolve)),
    onEnd: (then) => {
      end = then;
    },
  };
}

/** The measuring end: a server process, by its file's name. */
export class ServerProcess {
  url = '';
  #child;
  #pending = new Map();
  #listeners = new Set();
  #count = 0;

  static async start(file, nodeOptions = []) {
    const server = new ServerProcess();
    const path = fileURLToPath(new URL(file, import.meta.url));
    server.#child = fork(path, { execArgv: ['--expose-gc', ...nodeOptions], serialization: 'advanced' });
    server.#child.on('message', (message) => server.#receive(message));
    server.#child.on('exit', (code) => {
      if (code !== 0) throw new Error(`${file} ended with ${code}`);
    });
    ({ url: server.url } = await server.told('ready'));
    return server;
  }

  ask(name, argument) {
    this.#count += 1;
    const id = this.#count;
    this.#child.send({ id, name, argument });
    return new Promise((resolve) => this.#pending.set(id, resolve));
  }

  /** The next message of this type, `times` of them. */
  told(type, times = 1) {
    return new Promise((resolve) => {
      const listener = (message) => {
        if (message.type !== type) return;
        times -= 1;
        if (times > 0) return;
        this.#listeners.delete(listener);
        resolve(message);
      };
      this.#listeners.add(listener);
    });
  }

  async end() {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  #receive(message) {
    if (message.type === 'answer') {
      this.#pending.get(message.id)(message.value);
      this.#pending.delete(message.id);
    }
    for (const listener of [...this.#listeners]) listener(message);
  }
}
