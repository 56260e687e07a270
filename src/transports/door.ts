import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import { isDialectName } from '../wire/dialects.ts';
import { type ConnectionFacts, closeCodes } from './transport.ts';
import {
  dialectOf,
  type Gate,
  hostsFor,
  mount,
  pathOf,
  refusalOf,
  refuse,
  type Upgrade,
  type UpgradeServer,
  unknownPath,
} from './upgrade.ts';

/** How long anybody is waited for: the other half of a close, someone else's answer to an upgrade that is not ours. */
export const patienceDefaultMs = 5_000;
const maxSilentDefault = 1000;

export interface DoorOptions extends Gate {
  /** The one path that is served; upgrades to another get 404. */
  path: string;
  /** Longest inbound frame, in bytes; above it the connection ends with 1009. */
  maxFrameBytes: number;
  /**
   * How long a peer may take to answer a close, in milliseconds, and half of what it may take to say what it wants; then it
   * is cut. Default 5,000.
   */
  patienceMs?: number | undefined;
  /** Sockets of a server of our own that may be without an upgrade; more are destroyed. Default 1,000. */
  maxSilent?: number | undefined;
}

/** Where WebSocket connections come in. */
export interface Door {
  /** Serves one upgrade, for servers that route upgrades themselves. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Serves the upgrades to `path` of a server that others use too. Upgrades to other paths are left to its other
   * listeners. Throws when the path is already served there.
   */
  attach(server: UpgradeServer, options?: { path?: string }): void;
  /**
   * Serves on a port of its own; port 0, the default, is any free one. Rejects with the system's error where it cannot.
   */
  listen(options?: { host?: string; port?: number }): Promise<{ host: string; port: number; url: string }>;
  /** Serves no more, and resolves when every socket has ended. Those still open are closed with 1001. */
  close(): Promise<void>;
}

/** The part of a door that knows servers, not sockets: `wsDoor` (ws.ts) makes it. */
export class UpgradeDoor implements Door {
  readonly #options: DoorOptions;
  readonly #patienceMs: number;
  readonly #sockets: WebSocketServer;
  readonly #upgrade: Upgrade;
  readonly #servers = new Set<Server>();
  readonly #detaches: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: DoorOptions, { sockets, upgrade }: { sockets: WebSocketServer; upgrade: Upgrade }) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? patienceDefaultMs;
    this.#sockets = sockets;
    this.#upgrade = upgrade;
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { path, allowedHosts } = this.#options;
    if (pathOf(request) === path) this.#admitter(allowedHosts)(request, socket, head);
    else refuse(socket, unknownPath(request), this.#patienceMs);
  }

  attach(server: UpgradeServer, { path = this.#options.path } = {}): void {
    if (this.#closing) throw new Error('the runtime is closed');
    const upgrade = this.#admitter(this.#options.allowedHosts);
    this.#detaches.push(mount(server, path, { upgrade, patienceMs: this.#patienceMs }));
  }

  async listen({ host = '127.0.0.1', port = 0 } = {}): Promise<{ host: string; port: number; url: string }> {
    if (this.#closing) throw new Error('the runtime is closed');
    const { path } = this.#options;
    const allowedHosts = this.#options.allowedHosts ?? hostsFor(host);
    const { maxSilent = maxSilentDefault } = this.#options;
    const limits = {
      headersTimeout: 2 * this.#patienceMs,
      requestTimeout: 2 * this.#patienceMs,
      connectionsCheckingInterval: Math.ceil(this.#patienceMs / 4),
    };
    const server = createServer(limits, (_request, response) => {
      const headers = { connection: 'upgrade, close', upgrade: 'websocket', 'content-type': 'text/plain' };
      response.writeHead(426, headers).end(`This is an ARCP runtime. It speaks WebSocket, at ${path}\n`);
    });
    const upgrade = this.#admitter(allowedHosts);
    mount(server, path, { upgrade, patienceMs: this.#patienceMs });
    boundSilence(server, maxSilent);
    await once(server.listen(port, host), 'listening');
    if (this.#closing) {
      server.close();
      throw new Error('the runtime is closed');
    }
    this.#servers.add(server);
    const address = server.address();
    const bound = typeof address === 'object' && address ? address.port : port;
    return { host, port: bound, url: `ws://${host.includes(':') ? `[${host}]` : host}:${bound}${path}` };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const detach of this.#detaches) detach();
    for (const socket of this.#sockets.clients) socket.close(closeCodes.shutdown);
    const timer = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate();
    }, this.#patienceMs);
    const ends = [new Promise((resolve) => this.#sockets.close(resolve))];
    for (const server of this.#servers) {
      ends.push(new Promise((resolve) => server.close(resolve)));
      server.closeAllConnections();
    }
    await Promise.all(ends);
    clearTimeout(timer);
  }

  #admitter(allowedHosts: Gate['allowedHosts']): Upgrade {
    const { allowedOrigins, hasRoom } = this.#options;
    const gate = { allowedHosts, allowedOrigins, hasRoom: () => !this.#closing && (hasRoom?.() ?? true) };
    return (request, socket, head) => {
      const refusal = refusalOf(request, gate);
      if (refusal) refuse(socket, refusal, this.#patienceMs);
      else this.#upgrade(request, socket, head);
    };
  }
}

/** Sockets that have not asked for an upgrade yet are counted, and closed above a limit: they cost what they promise. */
function boundSilence(server: Server, maxSilent: number): void {
  const silent = new Set<Duplex>();
  server.on('connection', (socket) => {
    if (silent.size >= maxSilent) return socket.destroy();
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('upgrade', (_request, socket) => silent.delete(socket));
}

/** What is known of a connection from its upgrade request. */
export function factsOf(request: IncomingMessage): ConnectionFacts {
  const { headers, socket } = request;
  const { remoteAddress } = socket;
  const dialect = dialectOf(request);
  return {
    headers,
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(isDialectName(dialect) ? { dialect } : {}),
  };
}
