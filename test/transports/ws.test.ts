import { once } from 'node:events';
import { createServer, IncomingMessage, request } from 'node:http';
import { connect, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { dial } from '../../src/transports/dial.ts';
import { listen } from './contract.ts';
import { closing, echoDoor, started, upgradeHeaders } from './echo-door.ts';

test('a closed door lets nobody in, lets go of what it was attached to, and ends its sockets', async () => {
  const server = createServer();
  const { door } = echoDoor();
  door.attach(server);
  const port = await started(server);
  const own = await door.listen();
  const clients = [await dial(own.url), await dial(`ws://127.0.0.1:${port}/arcp`)].map((client) => listen(client));
  const idle = connect({ port: own.port, host: '127.0.0.1' });
  await once(idle, 'connect');
  idle.on('error', () => {});
  await door.close();
  for (const client of clients) expect((await client.ended())?.code).toBe(1001);
  expect(server.listenerCount('upgrade')).toBe(0);
  await expect(dial(own.url)).rejects.toThrow('ECONNREFUSED');
  await expect(door.listen()).rejects.toThrow('closed');
  expect(() => door.attach(server)).toThrow('closed');
  await door.close();
});

test('a peer that answers no close any more is ended all the same', async () => {
  const { door, transports } = echoDoor();
  const { port } = await door.listen();
  // A client that has shaken hands and then hangs: it reads nothing and answers nothing.
  const asked = request({
    port,
    host: '127.0.0.1',
    path: '/arcp',
    headers: upgradeHeaders,
  });
  asked.end();
  const [, socket] = await once(asked, 'upgrade');
  socket.on('error', () => {});
  closing.push(() => socket.destroy());
  const [transport] = transports;
  if (!transport) throw new Error('a client connected, and no server');
  const { ended } = listen(transport);
  transport.close(4001, 'superseded');
  expect((await ended())?.code).toBe(1006);
});

test('a port that is taken is told, with its number', async () => {
  const { port } = await echoDoor().door.listen();
  await expect(echoDoor().door.listen({ port })).rejects.toThrow(
    `EADDRINUSE: address already in use 127.0.0.1:${port}`,
  );
});

test('a frame above the limit ends with 1009 at both ends, and a close without a code is 1005', async () => {
  const { door, transports } = echoDoor();
  const { url } = await door.listen();
  const client = await dial(url);
  const [atClient, atServer] = [listen(client), ...transports.map((transport) => listen(transport))];
  client.send('x'.repeat(1001));
  expect((await atServer?.ended())?.code).toBe(1009);
  expect((await atClient.ended())?.code).toBe(1009);
  expect(atServer?.frames).toEqual([]);

  const next = await dial(url);
  const nextAtServer = listen(transports[1] ?? next);
  next.close(1005);
  expect((await nextAtServer.ended())?.code).toBe(1005);
});

test('a dial says why it failed, without the secrets of its URL', async () => {
  const { door } = echoDoor();
  const { port } = await door.listen();
  await door.close();
  await expect(dial(`ws://user:secret@127.0.0.1:${port}/arcp?token=secret`)).rejects.toThrow(
    `cannot connect to ws://127.0.0.1:${port}/arcp: connect ECONNREFUSED 127.0.0.1:${port}`,
  );
  await expect(dial(`ws://localhost:${port}/arcp`)).rejects.toThrow('ECONNREFUSED');
  await expect(dial('nowhere')).rejects.toThrow('nowhere');
});

test('a dial can be given up, before it begins, while it waits, and without harm once connected', async () => {
  const reason = new Error('changed my mind');
  await expect(dial('ws://127.0.0.1:1/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);

  const silent = createServer();
  silent.on('upgrade', (_request, socket) => {
    closing.push(() => socket.destroy());
    controller.abort(reason);
  });
  const port = await started(silent);
  const controller = new AbortController();
  await expect(dial(`ws://127.0.0.1:${port}/`, { signal: controller.signal })).rejects.toBe(reason);

  const late = new AbortController();
  const { url } = await echoDoor().door.listen();
  const transport = await dial(url, { signal: late.signal });
  const { heard } = listen(transport);
  late.abort(reason);
  transport.send('still here');
  expect(await heard(1)).toEqual(['echo still here']);
});

test('frames sent together are one write to the socket', async () => {
  const writes: number[] = [];
  const wire = new Duplex({
    read() {},
    write: (_chunk, _encoding, done) => {
      writes.push(1);
      done();
    },
    writev: (chunks, done) => {
      writes.push(chunks.length);
      done();
    },
  });
  const { door, transports } = echoDoor();
  const asked = new IncomingMessage(new Socket());
  Object.assign(asked, { method: 'GET', url: '/arcp' });
  asked.headers = upgradeHeaders;
  door.handleUpgrade(asked, wire, Buffer.alloc(0));
  writes.length = 0;
  transports[0]?.sendAll?.(Array.from({ length: 100 }, (_, i) => `{"n":${i}}`));
  expect(writes).toEqual([200]);
  wire.destroy();
});
