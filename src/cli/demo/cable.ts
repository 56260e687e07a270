import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A cable between a client and a server, laid over TCP of this machine: it can be pulled. */
export interface Cable {
  /** Where the client's end is: the server's URL with this port. */
  url: string;
  /** Cuts every connection through it, both ways at once: no close frame, no FIN in order, nothing. */
  pull(): void;
  close(): Promise<void>;
}

/** Lays a cable to the server at a `ws:` URL. */
export async function layCable(serverUrl: string): Promise<Cable> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connect(Number(port), hostname.replace(/^\[|\]$/g, ''));
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      sockets.add(from);
      from.on('error', () => from.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.end();
      });
      from.pipe(to);
    }
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  const pull = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const address = relay.address();
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  if (typeof address === 'object' && address) url.port = String(address.port);
  return {
    url: url.href,
    pull,
    close: async () => {
      pull();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
