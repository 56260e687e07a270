// ARCP beside whatever else a plain `node:http` server does, and a client of it.
//
//   node docs/examples/node-http.js [PORT]      serves, lets a client count to 5 once, and goes on serving until Ctrl-C
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { bearer, createRuntime, defineAgent } from 'arcp-xstate';
import { connect } from 'arcp-xstate/client';

const counter = defineAgent({
  name: 'counter',
  async run(job) {
    const { count } = job.input;
    for (let i = 1; i <= count; i += 1) {
      job.progress({ current: i, total: count });
      await job.sleep(20); // ends early, throwing, when the job is cancelled
    }
    return { counted: count };
  },
});

export async function start({ port = 7420 } = {}) {
  const runtime = createRuntime({
    agents: [counter],
    authenticate: bearer({ 'tok-alice': 'alice' }), // which token is whose; yours come from a secret store
  });
  const server = createServer((_request, response) => {
    response.end('Everything else this server does\n');
  });
  runtime.attach(server); // upgrades to /arcp are the runtime's, all other requests stay the server's
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${server.address().port}/arcp`,
    async close() {
      await runtime.close(); // first tells the clients, and ends their sockets: `server.close()` would wait for them
      server.close();
      await once(server, 'close');
    },
  };
}

/** Submits one job, shows its events as they come, and returns its result. Drops are the client's to mend. */
export async function countTo(url, count, show = console.log) {
  const client = await connect(url, { token: 'tok-alice' });
  const job = await client.submit('counter', { count });
  for await (const event of job) show(`event ${event.seq}: ${event.kind} ${JSON.stringify(event.body)}`);
  const result = await job.result();
  await client.bye(); // done for good; `client.close()` would leave the session to come back to
  return result;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url, close } = await start({ port: Number(process.argv[2] ?? 7420) });
  console.log(`listening on ${url}`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, close);
  console.log('result:', JSON.stringify(await countTo(url, 5)));
}
