import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';

/** A frame of the Stately inspector's protocol, as far as tests read it. */
export interface InspectorFrame {
  type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  sessionId: string;
  name?: string;
  definition?: string;
  parentId?: string;
  event?: { type: string };
  snapshot?: { status: string; value?: unknown; context?: object };
}

/** A receiver of that protocol on this machine, as a page of one's own would be; it ends with the test. */
export async function inspectorReceiver() {
  const frames: InspectorFrame[] = [];
  const texts: string[] = [];
  let arrived = () => {};
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const text = String(data);
      texts.push(text);
      frames.push(JSON.parse(text));
      arrived();
    });
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the receiver has no address');
  return {
    url: `ws://127.0.0.1:${address.port}`,
    frames,
    /** Every frame as it came. */
    texts,
    /** Resolves once the frames that came satisfy the condition. */
    async until(condition: (frames: readonly InspectorFrame[]) => boolean): Promise<void> {
      while (!condition(frames)) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
    },
  };
}
