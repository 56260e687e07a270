// A runtime whose lifecycles are watched while they run: every session and every job, each event and each state, as frames of
// the Stately inspector's protocol, sent to whatever WebSocket server you name.
//
//   npm install @statelyai/inspect
//   node docs/examples/inspected.js [PORT] [INSPECTOR_URL]      serves until Ctrl-C
import { pathToFileURL } from 'node:url';
import { createWebSocketInspector } from '@statelyai/inspect';
import { bearer, createRuntime, defineAgent } from 'arcp-xstate';

const counter = defineAgent({
  name: 'counter',
  async run(job) {
    const { count } = job.input;
    for (let i = 1; i <= count; i += 1) {
      job.progress({ current: i, total: count });
      await job.sleep(20);
    }
    return { counted: count };
  },
});

export async function start({ port = 7420, inspectorUrl = 'ws://127.0.0.1:8080', token = 'tok-alice' } = {}) {
  // Whoever listens there learns who uses this runtime, and when: keep the URL on this machine, or behind wss and a login.
  const inspector = createWebSocketInspector({ url: inspectorUrl });
  const runtime = createRuntime({
    agents: [counter],
    authenticate: bearer({ [token]: 'alice' }),
    inspect: inspector.inspect, // `connect(url, { inspect })` shows the client's end in the same way
  });
  const { url } = await runtime.listen({ port });
  return {
    url,
    async close() {
      await runtime.close();
      // The inspector sends a moment after each event; the last of them are on their way now.
      await new Promise((resolve) => setTimeout(resolve, 50));
      inspector.stop();
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , port = 7420, inspectorUrl] = process.argv;
  const { url, close } = await start({ port: Number(port), ...(inspectorUrl && { inspectorUrl }) });
  console.log(`listening on ${url}`);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    // An inspector that never reached its URL tries again every 5 seconds, even once stopped: it would keep the process alive.
    process.once(signal, () => close().then(() => process.exit()));
  }
}
