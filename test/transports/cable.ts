import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A cable between a client and a server of this machine, for one connection, that a test can pinch, cut and write into.
 */
export interface Cable {
  port: number;
  /** Stops and resumes what the server sends (`toClient`) or the client sends (`toServer`). */
  pinch(way: 'toClient' | 'toServer'): void;
  release(way: 'toClient' | 'toServer'): void;
  inject(way: 'toClient' | 'toServer', bytes: Uint8Array): void;
  cut(): void;
  end(): Promise<void>;
}

export async function cableTo(port: number): Promise<Cable> {
  let client: Socket | undefined;
  let upstream: Socket | undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    client = socket;
    upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ends = (way: 'toClient' | 'toServer') => (way === 'toClient' ? [upstream, client] : [client, upstream]);
  const cut = () => {
    client?.destroy();
    upstream?.destroy();
  };
  return {
    port: portOf(server.address()),
    pinch(way) {
      const [source, sink] = ends(way);
      if (sink) source?.unpipe(sink).pause();
    },
    release(way) {
      const [source, sink] = ends(way);
      if (sink) source?.pipe(sink);
    },
    inject: (way, bytes) => ends(way)[1]?.write(bytes),
    cut,
    end: async () => {
      cut();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not bound to a port');
  return address.port;
}
