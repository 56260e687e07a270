import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { dial } from '../../src/transports/dial.ts';
import { closing, echoDoor, echoes, refusedUpgrade } from './echo-door.ts';

test('a door of its own listens, says where, and hands over what it knows of a connection', async () => {
  const { door, facts } = echoDoor();
  const where = await door.listen();
  expect(where).toEqual({ host: '127.0.0.1', port: where.port, url: `ws://127.0.0.1:${where.port}/arcp` });
  expect(await echoes(`${where.url}?dialect=go`, { Authorization: 'Bearer t' })).toBe(true);
  expect(facts[0]?.headers?.authorization).toBe('Bearer t');
  expect(facts[0]?.remoteAddress).toBe('127.0.0.1');
});

test('an upgrade to another path is answered 404', async () => {
  const { door } = echoDoor();
  const { port } = await door.listen();
  expect((await refusedUpgrade(port, { path: '/other?x=1' })).status).toBe(404);
  await expect(dial(`ws://127.0.0.1:${port}/other`)).rejects.toThrow(
    `ws://127.0.0.1:${port}/other refused the connection: HTTP 404 Not Found: No WebSocket is served at /other`,
  );
});

test('a plain request to our own server is answered 426 and told where to go', async () => {
  const { door } = echoDoor();
  const { port } = await door.listen();
  const [response] = await once(get({ port, host: '127.0.0.1', path: '/' }), 'response');
  expect(response.statusCode).toBe(426);
  expect(response.headers.upgrade).toBe('websocket');
  expect((await response.setEncoding('utf8').toArray()).join('')).toContain('/arcp');
});

test('an upgrade that is no WebSocket handshake is answered 400', async () => {
  const { door } = echoDoor();
  const { port } = await door.listen();
  expect((await refusedUpgrade(port, { headers: { 'sec-websocket-key': 'short' } })).status).toBe(400);
});

test('a host that is not allowed is answered 403', async () => {
  const { door } = echoDoor({ allowedHosts: ['arcp.example', 'other.example:8443'] });
  const { port } = await door.listen();
  const url = `ws://127.0.0.1:${port}/arcp`;
  for (const host of ['arcp.example', 'ARCP.example:99', 'other.example:8443']) {
    expect(await echoes(url, { host })).toBe(true);
  }
  for (const host of ['other.example', 'evil.example', 'arcp.example.evil.example', '127.0.0.1']) {
    expect((await refusedUpgrade(port, { headers: { host } })).status).toBe(403);
  }
});

test('a server bound to loopback answers to loopback names alone, unless told others', async () => {
  const { port } = await echoDoor().door.listen();
  for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]:80']) {
    expect(await echoes(`ws://127.0.0.1:${port}/arcp`, { host })).toBe(true);
  }
  expect((await refusedUpgrade(port, { headers: { host: 'rebound.example' } })).status).toBe(403);

  const told = await echoDoor({ allowedHosts: ['*'] }).door.listen();
  expect(await echoes(told.url, { host: 'rebound.example' })).toBe(true);
});

test('any origin is served without a list; with one, those in it and clients that send none', async () => {
  const open = await echoDoor().door.listen();
  expect(await echoes(open.url, { origin: 'https://anywhere.example' })).toBe(true);

  const listed = await echoDoor({ allowedOrigins: ['https://app.example'] }).door.listen();
  expect(await echoes(listed.url, { origin: 'https://app.example' })).toBe(true);
  expect(await echoes(listed.url)).toBe(true);
  for (const origin of ['https://evil.example', 'http://app.example', 'null']) {
    expect((await refusedUpgrade(listed.port, { headers: { origin } })).status).toBe(403);
  }
});

test('without room an upgrade is answered 503 and told when to try again', async () => {
  let room = false;
  const { door } = echoDoor({ hasRoom: () => room });
  const { port, url } = await door.listen();
  const refused = await refusedUpgrade(port);
  expect(refused.status).toBe(503);
  expect(refused.headers['retry-after']).toBe('1');
  await expect(dial(url)).rejects.toThrow('HTTP 503');
  room = true;
  expect(await echoes(url)).toBe(true);
});

test('a refused client that never hangs up is hung up on', async () => {
  const { door } = echoDoor();
  const { port } = await door.listen();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  closing.push(() => socket.destroy());
  socket.write('GET /other HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  await once(socket.resume(), 'end');
  // Its own half stays open: the server's side must go all the same, or close() below would never resolve.
  await door.close();
});
