// The server process without us: a loop over `ws` that writes frames recorded from our runtime, byte for byte.
import { WebSocketServer } from 'ws';
import { serveControl } from './control.mjs';

const batchFrames = 64;
const unsentBytesMax = 512 * 1024;

let welcome = '';
let frames = [];
const control = serveControl({
  recorded: (recording) => {
    welcome = recording.welcome;
    frames = recording.frames;
  },
});

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', async (data) => {
    const { count, at } = JSON.parse(data);
    socket.send(welcome);
    if (count === undefined) return;
    if (at === 'go') await control.go();
    await write(socket, count);
  });
});
server.on('listening', () => control.tell({ type: 'ready', url: `ws://127.0.0.1:${server.address().port}` }));
control.onEnd(() => {
  for (const socket of server.clients) socket.terminate();
  server.close();
});

async function write(socket, count) {
  for (let i = 0; i < count; i += 1) {
    if (i % batchFrames === batchFrames - 1 && socket.bufferedAmount > unsentBytesMax) {
      await new Promise((resolve) => socket.send(frames[i], resolve));
    } else {
      socket.send(frames[i]);
    }
  }
}
