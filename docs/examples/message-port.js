// A transport of one's own: ARCP between two threads, over a MessagePort. Whatever carries texts in order can carry ARCP.
//
//   node docs/examples/message-port.js          a client in a worker thread counts to 5
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads';
import { bearer, createRuntime, defineAgent } from 'arcp-xstate';
import { connect } from 'arcp-xstate/client';

/**
 * One end of a port as a transport. It never throws, tells its end exactly once, and calls nobody back from inside `send` or
 * `close`: that is all the runtime and the client ask of one.
 */
export function portTransport(port) {
  let closed;
  let end;
  const finish = (code, reason) => {
    if (end) return;
    end = { code, reason };
    queueMicrotask(() => closed?.(code, reason));
  };
  port.on('close', () => finish(1006, 'the port is gone'));
  return {
    send(text) {
      if (!end) port.postMessage({ text });
    },
    close(code, reason = '') {
      if (end) return;
      finish(code, reason);
      port.postMessage({ code, reason });
      port.close();
    },
    onMessage(receive) {
      port.on('message', ({ text, code, reason }) => {
        if (text === undefined) finish(code, reason);
        else if (!end) receive(text);
      });
    },
    onClose(listener) {
      closed = listener;
      if (end) queueMicrotask(() => listener(end.code, end.reason));
    },
  };
}

const counter = defineAgent({
  name: 'counter',
  async run(job) {
    for (let i = 1; i <= job.input.count; i += 1) job.progress({ current: i, total: job.input.count });
    return { counted: job.input.count };
  },
});

/** Serves one client in a thread of its own; resolves with what that client got. */
export async function start() {
  const runtime = createRuntime({ agents: [counter], authenticate: bearer({ 'tok-alice': 'alice' }) });
  const { port1, port2 } = new MessageChannel();
  runtime.accept(portTransport(port1));
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { port: port2 }, transferList: [port2] });
  const [result] = await once(worker, 'message');
  return { result, close: () => runtime.close() };
}

async function clientThread({ port }) {
  const client = await connect('port:', { token: 'tok-alice', dial: async () => portTransport(port) });
  const job = await client.submit('counter', { count: 5 });
  const result = await job.result();
  await client.bye();
  parentPort.postMessage(result);
}

if (!isMainThread && workerData?.port) {
  await clientThread(workerData);
} else if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { result, close } = await start();
  console.log('result:', JSON.stringify(result));
  await close();
}
