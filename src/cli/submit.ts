import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Client, Job } from '../client.ts';
import { ArcpError } from '../wire/errors.ts';
import { addEndpointOptions, type EndpointFlags, open } from './endpoint.ts';
import { badUsage, Exit, exitCodes } from './exit.ts';
import { seconds } from './numbers.ts';
import { type Report, reportFor } from './report.ts';
import { onSignals } from './signals.ts';

interface SubmitFlags extends EndpointFlags {
  detach?: true;
  key?: string;
  maxRuntime?: number;
}

/** `arcpx submit AGENT [INPUT_JSON]`: one job, from its start to its end, however often the connection is lost. */
export function addSubmit(program: Command): void {
  const command = program
    .command('submit')
    .description('run a job and show its events; its result goes to stdout')
    .argument('<agent>', 'name or name@version')
    .argument('[input_json]', 'its input as JSON; - reads it from stdin')
    .option('--detach', 'leave once the job is accepted: it runs on, its id goes to stdout')
    .option('--key <idempotency_key>', 'the same key and input are one run')
    .option('--max-runtime <seconds>', 'end the job after so long', seconds);
  addEndpointOptions(command).action((agent: string, input: string | undefined, flags: SubmitFlags) =>
    submit(agent, input, flags),
  );
}

async function submit(agent: string, inputText: string | undefined, flags: SubmitFlags): Promise<void> {
  const input = await readInput(inputText);
  const report = reportFor(flags.json === true);
  const interrupt = new Interrupt(report);
  try {
    const client = await open(flags, (line) => report.note(line));
    const job = await interrupt.around(() => client.submit(agent, input, optionsOf(flags)));
    await report.accepted(job);
    if (flags.detach) await client.close();
    else await follow(client, job, report);
  } catch (error) {
    if (error instanceof ArcpError) await report.refused(error);
    throw error;
  } finally {
    report.close();
  }
  if (interrupt.happened) throw new Exit(exitCodes.interrupted, 'interrupted');
}

async function follow(client: Client, job: Job, report: Report): Promise<void> {
  if (isOlderThan(client.ticket.sessionId, job.id)) {
    await client.bye();
    throw new Exit(exitCodes.refused, `${job.id} was submitted with this key before: its events go to the session that did`);
  }
  for await (const event of job) await report.event(event);
  const ended = await job.result().then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
  if ('result' in ended) await report.succeeded(job, ended.result);
  await client.bye();
  if (!('error' in ended)) return;
  throw new Error('not reached');
}

function optionsOf({ key, maxRuntime }: SubmitFlags) {
  return {
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(maxRuntime === undefined ? {} : { maxRuntimeSec: maxRuntime }),
  };
}
