import { once } from 'node:events';
import { createServer, get } from 'node:http';
import express from 'express';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { dial } from '../../src/transports/dial.ts';
import { listen } from './contract.ts';
import { closing, echoDoor, echoes, refusedUpgrade, started } from './echo-door.ts';

test('a door attached to an http server leaves its requests to it, and refuses what nobody serves', async () => {
  const server = createServer((_request, response) => response.end('a page'));
  const { door } = echoDoor();
  door.attach(server);
  const port = await started(server);
  expect(await echoes(`ws://127.0.0.1:${port}/arcp`)).toBe(true);
  expect((await refusedUpgrade(port, { path: '/other' })).status).toBe(404);
  const [response] = await once(get({ port, host: '127.0.0.1' }), 'response');
  expect((await response.setEncoding('utf8').toArray()).join('')).toBe('a page');
});

test('a door attached to an Express server serves beside its routes, at a path of its own', async () => {
  const app = express();
  app.get('/health', (_request, response) => {
    response.send('well');
  });
  const server = createServer(app);
  const { door } = echoDoor();
  door.attach(server, { path: '/agents' });
  const port = await started(server);
  expect(await echoes(`ws://127.0.0.1:${port}/agents`)).toBe(true);
  expect((await refusedUpgrade(port, { path: '/arcp' })).status).toBe(404);
  const [response] = await once(get({ port, host: '127.0.0.1', path: '/health' }), 'response');
  expect(response.statusCode).toBe(200);
});

test('an upgrade to another path is left to another listener of the same server', async () => {
  const server = createServer();
  const { door } = echoDoor();
  door.attach(server);
  const others = new WebSocketServer({ noServer: true });
  server.on('upgrade', (asked, socket, head) => {
    if (asked.url === '/chat') others.handleUpgrade(asked, socket, head, (chat) => chat.send('chat'));
  });
  const port = await started(server);
  closing.push(() => {
    for (const client of others.clients) client.terminate();
  });
  const { heard } = listen(await dial(`ws://127.0.0.1:${port}/chat`));
  expect(await heard(1)).toEqual(['chat']);
  expect(await echoes(`ws://127.0.0.1:${port}/arcp`)).toBe(true);
  // Nobody's: the other listener looked away too, and it is not left hanging.
  expect((await refusedUpgrade(port, { path: '/nobody' })).status).toBe(404);
});

test('two doors share a server, each at its path, and what is neither is refused at once', async () => {
  const server = createServer();
  const first = echoDoor();
  const second = echoDoor({ path: '/second', patienceMs: 60_000 });
  first.door.attach(server);
  second.door.attach(server);
  expect(() => second.door.attach(server, { path: '/arcp' })).toThrow('already served');
  const port = await started(server);
  expect(await echoes(`ws://127.0.0.1:${port}/arcp`)).toBe(true);
  expect(await echoes(`ws://127.0.0.1:${port}/second`)).toBe(true);
  expect((await refusedUpgrade(port, { path: '/third' })).status).toBe(404);
  await first.door.close();
  expect((await refusedUpgrade(port, { path: '/arcp' })).status).toBe(404);
  expect(await echoes(`ws://127.0.0.1:${port}/second`)).toBe(true);
});

test('an upgrade can be handed over by hand', async () => {
  const server = createServer();
  const { door } = echoDoor();
  server.on('upgrade', (asked, socket, head) => door.handleUpgrade(asked, socket, head));
  const port = await started(server);
  expect(await echoes(`ws://127.0.0.1:${port}/arcp`)).toBe(true);
  expect((await refusedUpgrade(port, { path: '/other' })).status).toBe(404);
});
