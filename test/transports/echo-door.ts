import { once } from 'node:events';
import { get, type IncomingMessage, type Server } from 'node:http';
import { afterEach } from 'vitest';
import { dial } from '../../src/transports/dial.ts';
import type { DoorOptions } from '../../src/transports/door.ts';
import type { ConnectionFacts, Transport } from '../../src/transports/transport.ts';
import { wsDoor } from '../../src/transports/ws.ts';
import { portOf } from './cable.ts';
import { listen } from './contract.ts';

/** What a test has opened, closed after it, the last first. */
export const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A door whose every connection echoes, and what it was told of each. */
export function echoDoor(options: Partial<DoorOptions> = {}) {
  const transports: Transport[] = [];
  const facts: ConnectionFacts[] = [];
  const door = wsDoor({ path: '/arcp', maxFrameBytes: 1000, patienceMs: 300, ...options }, (transport, known) => {
    transports.push(transport);
    facts.push(known);
    transport.onMessage((data) => transport.send(`echo ${String(data)}`));
  });
  closing.push(() => door.close());
  return { door, transports, facts };
}

export async function started(server: Server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return portOf(server.address());
}

export async function echoes(url: string, headers = {}) {
  const transport = await dial(url, { headers });
  closing.push(() => transport.close(1000));
  const { heard } = listen(transport);
  transport.send('hello');
  return (await heard(1))[0] === 'echo hello';
}

/** What asks for a WebSocket. */
export const upgradeHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

/** What an HTTP client sees that asks for an upgrade and is refused. */
export function refusedUpgrade(port: number, { path = '/arcp', headers = {} } = {}) {
  return new Promise<{ status: number | undefined; body: string; headers: IncomingMessage['headers'] }>(
    (resolve, reject) => {
      const asked = get({
        port,
        path,
        host: '127.0.0.1',
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
          ...headers,
        },
      });
      asked.on('error', reject).on('upgrade', () => reject(new Error('the upgrade was let in')));
      asked.on('response', async (response) => {
        const body = (await response.setEncoding('utf8').toArray()).join('');
        resolve({ status: response.statusCode, body, headers: response.headers });
      });
    },
  );
}
