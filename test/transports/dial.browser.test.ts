import { createServer } from 'node:http';
import { expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { dial } from '../../src/transports/dial.browser.ts';
import { listen } from './contract.ts';
import { closing, echoDoor, started } from './echo-door.ts';

// What a browser has, as far as it is used, is what `ws` has.
vi.stubGlobal('WebSocket', WebSocket);

test('a browser is told that a connection failed, without the secrets of its URL', async () => {
  const { port } = await echoDoor().door.listen();
  await expect(dial(`ws://127.0.0.1:${port}/other?token=secret`)).rejects.toThrow(
    `cannot connect to ws://127.0.0.1:${port}/other (close code 1006)`,
  );
});

test('a dial from a browser can be given up', async () => {
  const reason = new Error('changed my mind');
  await expect(dial('ws://127.0.0.1:1/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);

  const controller = new AbortController();
  const silent = createServer().on('upgrade', (_request, socket) => {
    closing.push(() => socket.destroy());
    controller.abort(reason);
  });
  const port = await started(silent);
  await expect(dial(`ws://127.0.0.1:${port}/`, { signal: controller.signal })).rejects.toBe(reason);
});

test('a frame above the limit of a browser ends with 1009', async () => {
  const { url } = await echoDoor().door.listen();
  const transport = await dial(url, { maxFrameBytes: 20 });
  const { heard, ended } = listen(transport);
  transport.send('short');
  expect(await heard(1)).toEqual(['echo short']);
  transport.send('as long as this text is');
  expect((await ended())?.code).toBe(1009);
});

test('a code that a page may not say reaches the peer as no code, and our own listener as it was', async () => {
  const { door, transports } = echoDoor();
  const { url } = await door.listen();
  const transport = await dial(url);
  const [atPage, atServer] = [listen(transport), ...transports.map((one) => listen(one))];
  transport.close(1008, 'policy');
  expect((await atServer?.ended())?.code).toBe(1005);
  expect((await atPage.ended())?.code).toBe(1008);
});
