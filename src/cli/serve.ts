import { Console } from 'node:console';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Command } from 'commander';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import { bearer } from '../auth.ts';
import type { AgentDefinition } from '../jobs/agents.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import { stdioTransport } from '../transports/stdio.ts';
import { loadAgents } from './agent-files.ts';
import { demoAgents } from './demo-agents.ts';
import { badUsage, Exit, exitCodes } from './exit.ts';
import { readPrincipals } from './principals.ts';
import { addServeOptions, limitsOf, type ServeFlags } from './serve-options.ts';
import { onSignals } from './signals.ts';

/** The principal of the token that is made up where none is given. */
const demoPrincipal = 'demo';
const madeUpNotice = `No tokens were given: one was made up for this run, of principal ${demoPrincipal}. With it, `;

/** `arcpx serve`: a runtime in a process of its own, until it is told to stop. */
export function addServe(program: Command): void {
  const command = program.command('serve').description('serve agents over WebSocket, or over stdin and stdout');
  addServeOptions(command);
  command.action((flags: ServeFlags) => serve(flags));
}

async function serve(flags: ServeFlags): Promise<void> {
  // stdout is for the ready line, or for frames: what agents print belongs on stderr.
  globalThis.console = new Console(process.stderr, process.stderr);
  const log = logTo(flags.logLevel);
  const agents = flags.agents === undefined ? demoAgents : await loadAgents(flags.agents);
  const principals = await readPrincipals(flags);
  const madeUp = principals === undefined ? `tok_${randomBytes(24).toString('base64url')}` : undefined;
  const runtime = assemble(flags, {
    agents,
    principals: principals ?? { [madeUp ?? '']: demoPrincipal },
    log,
  });
  const stopped = Promise.race([stopOnSignal(runtime, log), runtime.closed]);
  await opened(runtime);
  if (flags.stdio) {
    if (madeUp !== undefined) process.stderr.write(`${madeUpNotice}as auth.token of session.hello, send ${madeUp}\n`);
    await overStdio(runtime, { flags, stopped });
  } else {
    const url = await listen(runtime, flags);
    if (madeUp !== undefined) process.stderr.write(madeUpNotice + tryIt(url, { token: madeUp, agents }));
    log.info(
      {
        url,
        agents: agents.map(({ name, version = '1.0.0' }) => `${name}@${version}`),
      },
      'listening',
    );
    process.stdout.write(`arcpx listening on ${url}\n`);
    await stopped;
  }
  log.info({}, 'stopped');
}

function logTo(level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Written at once: the last lines are those that say why a process has ended.
  const log = pino(options, pino.destination({ dest: 2, sync: true }));
  // A promise that an agent forgot must not take the sessions of everybody else with it.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'a promise was rejected and nobody looked'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an exception nobody caught');
    process.exit(exitCodes.failed);
  });
  // Whoever started us may stop reading once we are ready.
  process.stdout.on('error', (error) => log.debug({ err: error }, 'stdout is gone'));
  return log;
}

function assemble(
  flags: ServeFlags,
  { agents, principals, log }: { agents: AgentDefinition[]; principals: Record<string, string>; log: Logger },
): Runtime {
  try {
    return createRuntime({
      ...limitsOf(flags),
      agents,
      authenticate: bearer(principals),
      log,
      audit: (entry) => log.info(entry, 'audit'),
    });
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw badUsage(error.message);
    throw error;
  }
}

/** Nothing is served before what an earlier process has left is back. */
async function opened(runtime: Runtime): Promise<void> {
  try {
    await runtime.ready;
  } catch (error) {
    throw new Exit(exitCodes.refused, error instanceof Error ? error.message : String(error));
  }
}

async function listen(runtime: Runtime, { host, port }: ServeFlags): Promise<string> {
  try {
    return (await runtime.listen({ host, port })).url;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'EADDRINUSE'
        ? 'the port is in use; --port 0 takes any free one'
        : `${error instanceof Error ? error.message : error}`;
    throw new Exit(exitCodes.refused, `cannot listen on port ${port} of ${host}: ${why}`);
  }
}

/** Resolves when a signal came and the runtime has drained. A second signal does not wait for that. */
function stopOnSignal(runtime: Runtime, log: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    onSignals(['SIGINT', 'SIGTERM'], {
      first: (signal) => {
        log.info({ signal }, 'draining; another signal stops at once');
        drained(runtime).then(resolve, reject);
      },
      again: () => process.exit(exitCodes.interrupted),
    });
  });
}

/** The runtime's timers keep no process alive, but the end of its agents is worth waiting for. */
async function drained(runtime: Runtime): Promise<void> {
  const awake = setInterval(() => {}, 60_000);
  await runtime.close().finally(() => clearInterval(awake));
}

/** One connection, whose end ends the process: the end of input, a goodbye, or a signal. */
async function overStdio(
  runtime: Runtime,
  { flags, stopped }: { flags: ServeFlags; stopped: Promise<void> },
): Promise<void> {
  const { stdin: input, stdout: output } = process;
  const ended = once(input, 'close');
  runtime.accept(stdioTransport({ input, output, maxFrameBytes: flags.maxFrameBytes }));
  await Promise.race([ended, stopped]);
  await drained(runtime);
  // The transport lets its input go only when everything it was given has been written, or nobody takes it.
  await ended;
}

function tryIt(url: string, { token, agents }: { token: string; agents: readonly AgentDefinition[] }): string {
  const job = agents === demoAgents ? `counter '{"count":20}'` : (agents[0]?.name ?? 'AGENT');
  return `try in another terminal:\n  ARCPX_URL=${url} ARCPX_TOKEN=${token} npx arcpx submit ${job}\n`;
}
