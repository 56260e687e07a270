import { vi } from 'vitest';
import { WebSocket } from 'ws';
import { dial as dialBrowser } from '../../src/transports/dial.browser.ts';
import { dial } from '../../src/transports/dial.ts';
import type { Dial, Transport } from '../../src/transports/transport.ts';
import { wsDoor } from '../../src/transports/ws.ts';
import { cableTo } from './cable.ts';
import { frameBytesMax, transportContract } from './contract.ts';

// What a browser has, as far as it is used, is what `ws` has.
vi.stubGlobal('WebSocket', WebSocket);

/** A client and a server joined by a cable. */
async function connected(dialClient: Dial) {
  let server: Transport | undefined;
  const door = wsDoor({ path: '/arcp', maxFrameBytes: frameBytesMax, patienceMs: 300 }, (transport) => {
    server = transport;
  });
  const { port } = await door.listen();
  const cable = await cableTo(port);
  const client = await dialClient(`ws://127.0.0.1:${cable.port}/arcp`, { maxFrameBytes: frameBytesMax });
  const end = async () => {
    await cable.end();
    await door.close();
  };
  if (!server) throw new Error('a client connected, and no server');
  return { client, server, cable, end };
}

transportContract("a server's WebSocket", {
  codeTold: (code) => code,
  async open() {
    const { client, server, cable, end } = await connected(dial);
    return {
      near: server,
      far: client,
      stallFar: () => cable.pinch('toClient'),
      resumeFar: () => cable.release('toClient'),
      sendBytesToFar: (bytes) => cable.inject('toClient', new Uint8Array([0x82, bytes.length, ...bytes])),
      cut: cable.cut,
      end,
    };
  },
});

for (const [name, dialClient, codeTold] of [
  ["a Node client's WebSocket", dial, (code: number) => code],
  ["a browser's WebSocket", dialBrowser, (code: number) => code],
] as const) {
  transportContract(name, {
    codeTold,
    waitsLong: true,
    async open() {
      const { client, server, cable, end } = await connected(dialClient);
      return {
        near: client,
        far: server,
        stallFar: () => cable.pinch('toServer'),
        resumeFar: () => cable.release('toServer'),
        // A client's frames are masked: here with zeros.
        sendBytesToFar: (bytes) => {
          cable.inject('toServer', new Uint8Array([0x82, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes]));
        },
        cut: cable.cut,
        end,
      };
    },
  });
}
