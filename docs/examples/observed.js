// A runtime in operation: its metrics at /metrics for Prometheus, its spans for OpenTelemetry.
//
//   npm install prom-client @opentelemetry/api @opentelemetry/sdk-trace-base
//   node docs/examples/observed.js [PORT]      serves until Ctrl-C; spans are printed as they end
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { bearer, createRuntime, defineAgent } from 'arcp-xstate';
import { prometheus } from 'arcp-xstate/metrics';
import { openTelemetry } from 'arcp-xstate/tracing';
import { Registry } from 'prom-client';

const counter = defineAgent({
  name: 'counter',
  async run(job) {
    for (let i = 1; i <= job.input.count; i += 1) {
      job.progress({ current: i, total: job.input.count });
      await job.sleep(5);
    }
    return { counted: job.input.count };
  },
});

export async function start({ port = 7420, token = 'tok-alice', exporter = new ConsoleSpanExporter() } = {}) {
  // Yours comes from your SDK's set-up: `openTelemetry()` then takes the global one by itself.
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const runtime = createRuntime({
    agents: [counter],
    authenticate: bearer({ [token]: 'alice' }),
    // tracing: openTelemetry(), // or openTelemetry({ tracer })
    tracing: openTelemetry({ tracer: provider.getTracer('observed') }),
  });
  const registry = new Registry();
  prometheus(runtime, registry); // read when the registry is scraped: between scrapes they cost nothing
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end();
    response.setHeader('content-type', registry.contentType).end(await registry.metrics());
  });
  runtime.attach(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: bound } = server.address();
  return {
    url: `ws://127.0.0.1:${bound}/arcp`,
    httpUrl: `http://127.0.0.1:${bound}`,
    async close() {
      await runtime.close();
      await provider.shutdown(); // the last spans are written
      server.close();
      await once(server, 'close');
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url, httpUrl, close } = await start({ port: Number(process.argv[2] ?? 7420) });
  console.log(`listening on ${url}`);
  console.log(`metrics at ${httpUrl}/metrics`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, close);
}
