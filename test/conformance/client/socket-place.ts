import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../../src/clock.ts';
import { wsTransport } from '../../../src/transports/ws.ts';
import { Stage } from '../../client/scripted.ts';
import { Arrivals, type Attempt, type ClientPlace } from './place.ts';

/** A WebSocket server of which every step is taken by a walk: it upgrades a connection, or not, when told. */
export class SocketServer {
  readonly #http = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  /** Each walk has a path of its own: what is left of one does not disturb the next. */
  readonly #attemptsByPath = new Map<string, Arrivals<Attempt>>();
  readonly #raw = new Set<Duplex>();
  readonly #socketByStage = new Map<Stage, WebSocket>();
  #count = 0;

  constructor() {
    this.#http.on('upgrade', (request, socket, head) => {
      // A client that goes away in the middle of a handshake may reset the connection.
      socket.on('error', () => {});
      const attempts = this.#attemptsByPath.get(request.url ?? '');
      if (attempts) attempts.add(this.#attempt(request, socket, head));
      else this.#sockets.handleUpgrade(request, socket, head, (stray) => stray.close(4001, 'the walk is over'));
      this.#raw.add(socket);
    });
  }

  async listen(): Promise<void> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
  }

  /** The place of one walk. */
  place(): ClientPlace {
    const address = this.#http.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const attempts = new Arrivals<Attempt>();
    this.#count += 1;
    const path = `/walk-${this.#count}`;
    this.#attemptsByPath.set(path, attempts);
    return {
      url: `ws://127.0.0.1:${port}${path}`,
      options: { clock: systemClock() },
      attempt: () => attempts.next(),
      // It passes by itself.
      pass: async () => {},
      reached: (stage) => this.#reached(stage && this.#socketByStage.get(stage)),
      close: () => {
        this.#attemptsByPath.delete(path);
        for (const attempt of attempts.left) attempt.refuse();
      },
    };
  }

  async close(): Promise<void> {
    for (const socket of this.#raw) socket.destroy();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #attempt(request: IncomingMessage, socket: Duplex, head: Buffer): Attempt {
    // Nothing is sent before the upgrade is answered, but only whoever reads learns of the end.
    socket.resume();
    return {
      accept: () =>
        new Promise((resolve) => {
          this.#sockets.handleUpgrade(request, socket, head, (upgraded) => {
            const sendBytes = (bytes: Uint8Array) => upgraded.send(bytes);
            const stage = new Stage(Object.assign(wsTransport(upgraded, socket), { sendBytes }));
            this.#socketByStage.set(stage, upgraded);
            resolve(stage);
          });
        }),
      refuse: () => void socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'),
      abandoned: new Promise((given) => socket.on('end', given).on('close', given)),
    };
  }

  /** A ping of the socket's own is answered behind all that was sent before it. */
  async #reached(socket: WebSocket | undefined): Promise<void> {
    if (socket?.readyState === socket?.OPEN) {
      socket?.ping();
      if (socket) await Promise.race([once(socket, 'pong'), once(socket, 'close')]);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
