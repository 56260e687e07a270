import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import type { CoverageReport, Policy } from '../../src/conformance/index.ts';
import type { Stage } from '../../src/conformance/stage.ts';
import { type Link, Wire } from '../../src/conformance/wire.ts';
import { authOf } from '../../src/conformance/wire-frames.ts';
import type { SessionInfo } from '../../src/index.ts';
import { stdioTransport } from '../../src/transports/stdio.ts';
import { wsTransport } from '../../src/transports/ws.ts';
import { tokens } from '../support/runtime.ts';

const limits = {
  heartbeatSec: 60,
  stallTimeoutSec: 5,
  maxFrameBytes: 100_000,
  maxUnsentBytes: 2 ** 20,
  bufferEvents: 100_000,
  bufferBytes: 2 ** 30,
};

/** A server process, and the way to move its puppets and its clock. */
export class ServerProcess {
  child: ChildProcess;
  /** What the processes before this one have measured. */
  readonly #earlier: CoverageReport[] = [];
  readonly #answers = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #count = 0;

  constructor() {
    this.child = this.#start();
  }

  #start(): ChildProcess {
    const file = fileURLToPath(new URL('server.mjs', import.meta.url));
    const child = fork(file, { stdio: ['pipe', 'pipe', 'inherit', 'ipc'], execArgv: [] });
    child.on('message', (message: { id: number; result?: unknown; error?: string }) => {
      const waiting = this.#answers.get(message.id);
      this.#answers.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.result);
      else waiting?.reject(new Error(message.error));
    });
    child.on('exit', (code) => {
      for (const { reject } of this.#answers.values()) reject(new Error(`the server process ended with ${code}`));
      this.#answers.clear();
    });
    return child;
  }

  /** kill -9, and another process in its place. */
  async crash(): Promise<void> {
    this.#earlier.push(...(await this.reports()));
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    this.child = this.#start();
  }

  /** Asks the server; what comes back is read by whoever asks. */
  call(call: string, argument?: unknown): Promise<unknown> {
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.child.send({ id, call, argument });
    });
  }

  /** What was measured since the last time this was asked. */
  async reports(): Promise<CoverageReport[]> {
    const report: CoverageReport = JSON.parse(JSON.stringify(await this.call('report')));
    return [...this.#earlier.splice(0), report];
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}

/** Level (c): a runtime in a process of its own. With `stdio`, the first connection is the process's own stdin and stdout. */
// tidy: one object, a line or a few for each thing a stage can do
export async function processStage(
  server: ServerProcess,
  { policy, first }: { policy: Policy; first: 'ws' | 'stdio' },
): Promise<Stage> {
  const names = { own: tokens.alice, another: tokens.bob };
  const file = policy.onShutdown === 'keep' ? join(await mkdtemp(join(tmpdir(), 'arcpx-walk-')), 'arcp.db') : undefined;
  const how = { policy, tokens: names, limits, stdio: first === 'stdio', file };
  const url = String(await server.call('begin', how));
  const sockets: WebSocket[] = [];
  let opened = 0;
  const stage: Stage = {
    tokens: names,
    frameBytesMax: limits.maxFrameBytes,
    heartbeatMs: limits.heartbeatSec * 1000,
    stallTimeoutMs: limits.stallTimeoutSec * 1000,
    stallEvents: 16,
    stallBytes: 1_400_000,
    holdBytes: 0,
    open: () => (++opened === 1 && first === 'stdio' ? Promise.resolve(stdioLink(server)) : wsLink(url, sockets)),
    advance: async (ms) => void (await server.call('advance', ms)),
    /** What was sent before a whole conversation of another client has been read before it. */
    async settle() {
      const other = new Wire(await wsLink(url, sockets));
      await other.ask('session.hello', authOf(stage, 'another'));
      await other.ask('session.bye');
      await other.ended;
    },
    async sessions() {
      const sessions: SessionInfo[] = JSON.parse(JSON.stringify(await server.call('sessions')));
      return sessions;
    },
    emit: async (...emission) => void (await server.call('emit', emission)),
    end: async (...end) => void (await server.call('end', end)),
    revoked: async () => void (await server.call('revoked')),
    now: async () => Number(await server.call('now')),
    stepWall: async (ms) => void (await server.call('stepWall', ms)),
    delegate: async (jobId) => String(await server.call('delegate', jobId)),
    authorize: async (jobId) => void (await server.call('authorize', jobId)),
    isStopped: async (jobId) => (await server.call('isStopped', jobId)) === true,
    breakJob: async (jobId) => void (await server.call('breakJob', jobId)),
    async crash(downMs) {
      const startMs = Number(await server.call('flush')) + downMs;
      await server.crash();
      await server.call('begin', { ...how, startMs, port: Number(new URL(url).port) });
    },
    shutdown: async () => void (await server.call('shutdown')),
    async close() {
      // The server would wait for one that does not read the close.
      for (const socket of sockets) socket.resume();
      await server.call('shutdown');
      if (file) await rm(dirname(file), { recursive: true });
    },
  };
  return stage;
}

async function wsLink(url: string, sockets: WebSocket[]): Promise<Link> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  sockets.push(socket);
  const transport = wsTransport(socket);
  await once(socket, 'open');
  return {
    transport,
    sendBytes: () => socket.send(new Uint8Array([1, 2, 3])),
    stall: () => socket.pause(),
    resume: () => socket.resume(),
    hold() {},
    release() {},
    bringsCodes: true,
  };
}

function stdioLink({ child }: ServerProcess): Link {
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('the server process has no pipes');
  return {
    transport: stdioTransport({ input: stdout, output: stdin, maxFrameBytes: 2 ** 24 }),
    // A line that is no UTF-8 is no text.
    sendBytes: () => stdin.write(Buffer.from([0xff, 0xfe, 0x0a])),
    stall: () => stdout.pause(),
    resume: () => stdout.resume(),
    hold() {},
    release() {},
    bringsCodes: false,
  };
}
