// ARCP inside an Express application: the same users, the same port, a log, an audit trail, limits.
//
//   npm install express pino
//   node docs/examples/express.js [PORT]        serves until Ctrl-C
//   npx arcpx submit greeter '{"name":"Ada"}' --url ws://127.0.0.1:7420/arcp --token tok-alice
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { createRuntime, defineAgent } from 'arcp-xstate';
import express from 'express';
import pino from 'pino';

const greeter = defineAgent({
  name: 'greeter',
  async run(job) {
    job.log('info', `${job.principal} wants ${job.input.name} greeted`);
    return `Hello, ${job.input.name}!`;
  },
});

/** Stands for your user database. One lookup serves HTTP requests and ARCP clients alike. */
async function userOf(token) {
  return { 'tok-alice': 'alice', 'tok-bob': 'bob' }[token];
}

/** Stands for your roles. It answers at once: nothing is fetched while a client waits for its list. */
function isOnDuty(principal) {
  return principal === 'bob';
}

export async function start({
  port = 7420,
  log = pino(pino.destination(2)),
  audit = (entry) => log.info(entry, 'audit'),
} = {}) {
  const runtime = createRuntime({
    agents: [greeter],
    // Everything known of whoever connects is offered: { scheme, token, headers, remoteAddress }. Null refuses.
    async authenticate({ scheme, token }) {
      const principal = scheme === 'bearer' && token !== undefined ? await userOf(token) : undefined;
      return principal === undefined ? null : { principal };
    },
    log, // anything with debug, info, warn and error(fields, message); no secret is ever logged
    audit, // { action, outcome, principal, sessionId?, jobId?, jobIds?, code?, at }
    // Everybody sees the jobs of his own principal; bob, who is on duty, sees everybody's.
    authorize: ({ principal, action }) => action === 'observe' && isOnDuty(principal),
    maxSessionsPerPrincipal: 20,
    resumeWindowSec: 300,
    allowedHosts: ['127.0.0.1', 'localhost'], // the names this server goes by
    allowedOrigins: ['http://localhost:5173'], // pages that may connect; clients outside a browser send no origin
  });

  const app = express();
  app.use(async (request, response, next) => {
    const [, token] = /^Bearer (.+)$/.exec(request.get('authorization') ?? '') ?? [];
    response.locals.user = await userOf(token);
    if (response.locals.user === undefined) response.sendStatus(401);
    else next();
  });
  app.get('/sessions', (_request, response) => {
    response.json(runtime.sessions().filter((session) => session.principal === response.locals.user));
  });

  const server = app.listen(port, '127.0.0.1');
  runtime.attach(server);
  await once(server, 'listening');
  const { port: bound } = server.address();
  return {
    url: `ws://127.0.0.1:${bound}/arcp`,
    httpUrl: `http://127.0.0.1:${bound}`,
    async close() {
      await runtime.close();
      server.close();
      await once(server, 'close');
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url, close } = await start({ port: Number(process.argv[2] ?? 7420) });
  console.log(`listening on ${url}`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, close);
}
