// A WebSocket peer that means harm, byte by byte: what it gets, and that nobody else notices.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Transport } from '../../src/transports/transport.ts';
import { closing, echoDoor, echoes, upgradeHeaders } from './echo-door.ts';

const request = (headers: object = {}, path = '/arcp') => {
  const lines = Object.entries({ host: '127.0.0.1', ...upgradeHeaders, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
};

/** A frame as a client sends it: masked, with any first byte. */
function frame(firstByte: number, payload: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(payload);
  const mask = randomBytes(4);
  const length = bytes.length < 126 ? Buffer.from([0x80 | bytes.length]) : Buffer.alloc(9, 0xff);
  if (bytes.length >= 126) length.writeBigUInt64BE(BigInt(bytes.length), 1);
  return Buffer.concat([
    Buffer.from([firstByte]),
    length,
    mask,
    bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0)),
  ]);
}

const [continued, text, binary, ping] = [0x00, 0x01, 0x02, 0x89];
const last = 0x80;

/** A raw socket, and everything that came over it once it has ended. */
async function raw(port: number, bytes: string | Buffer = '') {
  const socket = connect({ port, host: '127.0.0.1' });
  closing.push(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (bytes.length > 0) socket.write(bytes);
  // To be reset is to be cut off as well.
  const ended = new Promise<Buffer>((resolve) => socket.once('close', () => resolve(Buffer.concat(chunks))));
  return { socket, ended };
}

/** A raw socket past its upgrade. */
async function upgraded(port: number, headers: object = {}) {
  const peer = await raw(port, request(headers));
  const [head] = await once(peer.socket, 'data');
  return { ...peer, head: String(head) };
}

/** The code of the close frame that the answer ends with. */
const closeCode = (bytes: Buffer) => bytes.readUInt16BE(bytes.lastIndexOf(0x88) + 2);

async function door(options: Parameters<typeof echoDoor>[0] = {}) {
  const at = echoDoor(options);
  const { port, url } = await at.door.listen();
  return { ...at, port, url, serves: async () => expect(await echoes(url)).toBe(true) };
}

describe('before the upgrade', () => {
  test('headers that never end are cut off when patience is over', async () => {
    const { port, serves } = await door({ patienceMs: 200 });
    const slow = await raw(port, 'GET /arcp HTTP/1.1\r\nhost: 127.0.0.1\r\n');
    const dribble = setInterval(() => slow.socket.write('x-a: b\r\n'), 20);
    closing.push(() => clearInterval(dribble));
    expect(String(await slow.ended)).toMatch(/^(HTTP\/1.1 408 |$)/);
    await serves();
  });

  test('a socket that says nothing at all is cut off too', async () => {
    const { port, serves } = await door({ patienceMs: 200 });
    const silent = await raw(port);
    expect(String(await silent.ended)).toMatch(/^(HTTP\/1.1 408 |$)/);
    await serves();
  });

  test('sockets without an upgrade are counted, and closed above a limit; each that ends or upgrades makes room', async () => {
    const { port, serves } = await door({ patienceMs: 30_000, maxSilent: 2 });
    const [first] = [await raw(port), await raw(port)];
    expect(await (await raw(port)).ended).toHaveLength(0);
    first?.socket.destroy();
    await first?.ended;
    await serves();
    await serves();
  });

  test('headers longer than 16 KiB are answered 431', async () => {
    const { port, serves } = await door();
    const { ended } = await raw(port, request({ 'x-long': 'a'.repeat(17_000) }));
    expect(String(await ended)).toMatch(/^HTTP\/1.1 431 /);
    await serves();
  });

  test.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['two lengths', request({ 'content-length': '1' }).replace('\r\n\r\n', '\r\ncontent-length: 2\r\n\r\n')],
    ['a line without a colon', request().replace('host', 'ho st')],
    ['bytes', randomBytes(500)],
  ])('%s is answered 400, or cut', async (_what, bytes) => {
    const { port, serves } = await door();
    const { ended } = await raw(port, bytes);
    expect(String(await ended)).toMatch(/^(HTTP\/1.1 400 |$)/);
    await serves();
  });

  test('a client that shuts its half down right behind the request for an upgrade is not kept', async () => {
    const { port, transports, serves } = await door();
    const { socket, ended } = await raw(port, request());
    socket.end();
    await ended;
    await serves();
    // Whether it was ever handed over or not, its end was told.
    for (const transport of transports.slice(0, -1)) expect(await codeOf(transport)).toBe(1006);
  });
});

describe('after the upgrade', () => {
  test.each([
    ['garbage', randomBytes(64).fill(0xff, 0, 2), 1002],
    ['a frame that is not masked', Buffer.from([0x81, 0x02, 0x68, 0x69]), 1002],
    ['an opcode there is not', frame(0x83, 'x'), 1002],
    ['a continuation of nothing', frame(last | continued, 'x'), 1002],
    ['a ping of 126 bytes', frame(ping, 'x'.repeat(126)), 1002],
    ['a compressed frame', frame(last | text | 0x40, 'x'), 1002],
    ['text that is no UTF-8', frame(last | text, Buffer.from([0xff, 0xfe])), 1007],
    ['a close frame with half a code', frame(0x88, Buffer.from([3])), 1002],
    ['a length beyond any', Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 1009],
    [
      'a frame that says it is above the limit',
      Buffer.concat([Buffer.from([0x81, 0xfe, 0x03, 0xe9]), randomBytes(4)]),
      1009,
    ],
  ])('%s ends the connection with a code that says so', async (_what, bytes, code) => {
    const { port, transports, serves } = await door({ maxFrameBytes: 1000 });
    const { socket, ended } = await upgraded(port);
    socket.write(bytes);
    expect(closeCode(await ended)).toBe(code);
    const [transport] = transports;
    if (!transport) throw new Error('a client connected, and no server');
    expect([1006, 1009]).toContain(await codeOf(transport));
    await serves();
  });

  test('a message in fragments is one message, up to the limit and no further', async () => {
    const { port, serves } = await door({ maxFrameBytes: 1000 });
    const parts = (sizes: number[]) =>
      Buffer.concat(
        sizes.map((size, index) =>
          frame((index === 0 ? text : continued) | (index === sizes.length - 1 ? last : 0), 'x'.repeat(size)),
        ),
      );
    const fits = await upgraded(port);
    fits.socket.write(parts([400, 0, 400, 200]));
    const [echoed] = await once(fits.socket, 'data');
    expect(String(echoed)).toContain(`echo ${'x'.repeat(1000)}`);
    fits.socket.write(parts([400, 400, 201]));
    expect(closeCode(await fits.ended)).toBe(1009);
    const endless = await upgraded(port);
    for (let i = 0; i < 2000; i += 1) endless.socket.write(frame(i === 0 ? text : continued, 'x'));
    expect(closeCode(await endless.ended)).toBe(1009);
    await serves();
  });

  test('a message in more than 16,384 fragments ends with 1008, empty ones included', async () => {
    const { port, serves } = await door({ maxFrameBytes: 2 ** 20 });
    const { socket, ended } = await upgraded(port);
    socket.write(frame(text));
    socket.write(Buffer.concat(Array.from({ length: 16_384 }, () => frame(continued))));
    expect(closeCode(await ended)).toBe(1008);
    await serves();
  });

  test('a binary message comes as bytes, whatever is in it', async () => {
    const { port } = await door();
    const { socket } = await upgraded(port);
    socket.write(frame(last | binary, Buffer.from('{"arcp":"1.1"}')));
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toContain('echo ');
  });

  test('pings are answered; more than 200 at once end the connection with 1008', async () => {
    const { url, port, serves } = await door();
    const friendly = new WebSocket(url);
    closing.push(() => friendly.terminate());
    await once(friendly, 'open');
    const pongs: string[] = [];
    friendly.on('pong', (data) => pongs.push(String(data)));
    for (let i = 0; i < 100; i += 1) friendly.ping(`${i}`);
    friendly.send('behind them');
    await once(friendly, 'message');
    expect(pongs).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`));
    const flood = await upgraded(port);
    flood.socket.write(Buffer.concat(Array.from({ length: 5000 }, () => frame(ping, 'x'))));
    expect(closeCode(await flood.ended)).toBe(1008);
    await serves();
  });

  test('a ping of a peer that takes nothing is not answered, and one is when it listens again', async () => {
    const { port, transports } = await door();
    const { socket } = await upgraded(port);
    socket.pause();
    const [transport] = transports;
    transport?.send('x'.repeat(16 * 2 ** 20));
    socket.write(Buffer.concat([frame(ping, 'unheard'), frame(last | text, 'now')]));
    // The message behind the ping has been read, and so has the ping.
    if (transport) await heardBy(transport);
    socket.resume();
    const seen: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => seen.push(chunk));
    const until = (word: string) =>
      new Promise<void>((resolve) => {
        socket.on('data', () => Buffer.concat(seen.slice(-3)).includes(word) && resolve());
      });
    await until('echo now');
    expect(Buffer.concat(seen).includes('unheard')).toBe(false);
    const answered = until('heard');
    socket.write(frame(ping, 'heard'));
    await answered;
  });

  test('nothing is compressed, whatever a client offers', async () => {
    const { port } = await door();
    const { head } = await upgraded(port, { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' });
    expect(head).toMatch(/^HTTP\/1.1 101 /);
    expect(head.toLowerCase()).not.toContain('sec-websocket-extensions');
  });

  test('of the subprotocols that a client offers it is given the first, as browsers demand', async () => {
    const { port } = await door();
    const { head } = await upgraded(port, { 'sec-websocket-protocol': 'arcp, other' });
    expect(head).toMatch(/sec-websocket-protocol: arcp\r\n/i);
    const { ended } = await raw(port, request({ 'sec-websocket-protocol': 'a,,b(' }));
    expect(String(await ended)).toMatch(/^HTTP\/1.1 400 /);
  });
});

/** Resolves with the next message that a transport hears; it is echoed as before. */
const heardBy = (transport: Transport) =>
  new Promise<void>((resolve) => {
    transport.onMessage((data) => {
      transport.send(`echo ${String(data)}`);
      resolve();
    });
  });

const codeOf = (transport: { onClose(closed: (code: number) => void): void }) =>
  new Promise<number>((resolve) => transport.onClose(resolve));
