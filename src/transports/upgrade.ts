// What of serving WebSocket upgrades is plain HTTP: who may come in, how the others are told, whose upgrade it is.
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { isIPv4, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { dialectNames, isDialectName } from '../wire/dialects.ts';

export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What of an HTTP server is needed to take its upgrades: `http.Server`, `https.Server`, Fastify's `.server`. */
export interface UpgradeServer {
  on(event: 'upgrade', listener: Upgrade): unknown;
  off(event: 'upgrade', listener: Upgrade): unknown;
  listenerCount(event: 'upgrade'): number;
}

/** Why an upgrade is refused: an HTTP status, a sentence for whoever runs the client, and headers. */
export interface Refusal {
  status: number;
  explanation: string;
  headers?: Readonly<Record<string, string>>;
}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '';
}

/** What `?dialect=` of a request says (§10); undefined where it says nothing. */
export function dialectOf(request: IncomingMessage): string | undefined {
  return new URLSearchParams(request.url?.split('?')[1] ?? '').get('dialect') ?? undefined;
}

/** Who is let in. */
export interface Gate {
  /**
   * `Host` headers that are served, with or without a port; `*` is any. Others get 403. Default: any, except on a
   * server of our own that is bound to loopback, where only loopback names are: a page of a name rebound to 127.0.0.1
   * stays outside. Behind a proxy on the same machine that passes the public name on, give that name.
   */
  allowedHosts?: readonly string[] | undefined;
  /**
   * Origins that are served, for clients that send one (browsers); `*` is any. Others get 403. Default: any, as nothing
   * a browser adds by itself authorizes, only the bearer token does. An authenticator that trusts cookies must give
   * this list.
   */
  allowedOrigins?: readonly string[] | undefined;
  /** Whether one more connection can be served; upgrades get 503 while not. */
  hasRoom?: (() => boolean) | undefined;
}

/** Why an upgrade may not come in; undefined when it may. */
export function refusalOf(request: IncomingMessage, gate: Gate): Refusal | undefined {
  const { headers } = request;
  const { allowedHosts = ['*'], allowedOrigins = ['*'], hasRoom } = gate;
  if (!isAllowedHost(headers.host ?? '', allowedHosts)) {
    return { status: 403, explanation: 'This host name is not served: see allowedHosts\n' };
  }
  if (headers.origin !== undefined && !isAllowedOrigin(headers.origin, allowedOrigins)) {
    return { status: 403, explanation: 'This origin is not served: see allowedOrigins\n' };
  }
  const dialect = dialectOf(request);
  if (dialect !== undefined && !isDialectName(dialect)) {
    return { status: 400, explanation: `Unknown dialect; there are ${dialectNames.join(', ')}\n` };
  }
  if (hasRoom?.() === false) {
    return { status: 503, explanation: 'No room for another connection now\n', headers: { 'retry-after': '1' } };
  }
  return undefined;
}

/**
 * The hosts a server bound to `host` answers to when nobody has said: all where it is reachable by others, its own
 * names else.
 */
export function hostsFor(host: string): readonly string[] | undefined {
  const ownNames = ['localhost', '127.0.0.1', '::1'];
  const isLoopback = ownNames.includes(host) || (isIPv4(host) && host.startsWith('127.'));
  return isLoopback ? [...ownNames, host] : undefined;
}

function isAllowedHost(host: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => entry === '*' || [host.toLowerCase(), nameOf(host)].includes(entry.toLowerCase()));
}

function isAllowedOrigin(origin: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => entry === '*' || entry.toLowerCase() === origin.toLowerCase());
}

/** The name in a `Host` header: without the port and an IPv6 address's brackets. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

/** Answers an upgrade with an HTTP error and ends its socket, at the latest after `patienceMs`. */
export function refuse(socket: Duplex, { status, explanation, headers = {} }: Refusal, patienceMs: number): void {
  const timer = setTimeout(() => socket.destroy(), patienceMs).unref();
  socket.on('error', () => {}).once('close', () => clearTimeout(timer));
  const lines = Object.entries({
    connection: 'close',
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(explanation),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${explanation}`);
  // A socket closed with something still unread is reset, and the answer lost with it.
  socket.resume();
}

const mounts = new WeakMap<UpgradeServer, { paths: Map<string, Upgrade>; listener: Upgrade }>();

/**
 * Serves the upgrades to one path of a server that others use too, and returns the way to stop. All mounted paths of a
 * server share one listener. An upgrade to none of them is left to the server's other `upgrade` listeners; where there
 * are none, or none has answered within `patienceMs`, it is refused with 404: never left hanging. Throws when the path
 * is already served.
 */
export function mount(
  server: UpgradeServer,
  path: string,
  { upgrade, patienceMs }: { upgrade: Upgrade; patienceMs: number },
) {
  const mounted = mounts.get(server) ?? listenTo(server, patienceMs);
  const { paths, listener } = mounted;
  if (paths.has(path)) throw new Error(`${path} of this server is already served`);
  paths.set(path, upgrade);
  return () => {
    paths.delete(path);
    if (paths.size > 0) return;
    server.off('upgrade', listener);
    mounts.delete(server);
  };
}

function listenTo(server: UpgradeServer, patienceMs: number) {
  const paths = new Map<string, Upgrade>();
  const listener: Upgrade = (request, socket, head) => {
    const upgrade = paths.get(pathOf(request));
    if (upgrade) return upgrade(request, socket, head);
    const refuseUnknown = () => refuse(socket, unknownPath(request), patienceMs);
    if (server.listenerCount('upgrade') === 1) refuseUnknown();
    else unlessAnswered(socket, refuseUnknown, patienceMs);
  };
  server.on('upgrade', listener);
  const mounted = { paths, listener };
  mounts.set(server, mounted);
  return mounted;
}

export function unknownPath(request: IncomingMessage): Refusal {
  return {
    status: 404,
    explanation: `No WebSocket is served at ${pathOf(request)}\n`,
  };
}

/** Acts when, after a while, nobody has written a byte to the socket. */
function unlessAnswered(socket: Duplex, act: () => void, afterMs: number): void {
  if (!(socket instanceof Socket)) return;
  const { bytesWritten } = socket;
  const timer = setTimeout(() => {
    if (!socket.destroyed && socket.writable && socket.bytesWritten === bytesWritten) act();
  }, afterMs).unref();
  socket.on('error', () => {}).once('close', () => clearTimeout(timer));
}
