import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ArcpError, type Client, type Job } from '../client.ts';
import { addEndpointOptions, type EndpointFlags, open } from './endpoint.ts';
import { badUsage, Exit, exitCodes } from './exit.ts';
import { type Interrupt, interruptible } from './interrupt.ts';
import { seconds } from './numbers.ts';
import { type Report, reportFor } from './report.ts';

interface SubmitFlags extends EndpointFlags {
  detach?: true;
  key?: string;
  lease?: string;
  leaseUntil?: string;
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
    .option('--lease <json>', 'what the job may do: {"tool.call":["search.*"],"cost.budget":["USD:5.00"]}')
    .option('--lease-until <time>', 'until when: a time in UTC, like 2030-01-01T00:00:00Z')
    .option('--max-runtime <seconds>', 'end the job after so long', seconds);
  addEndpointOptions(command).action((agent: string, input: string | undefined, flags: SubmitFlags) =>
    submit({ agent, input }, flags),
  );
}

async function submit(what: { agent: string; input: string | undefined }, flags: SubmitFlags): Promise<void> {
  const input = await readInput(what.input);
  const lease = flags.lease === undefined ? undefined : readLease(flags.lease);
  const report = reportFor({ json: flags.json === true });
  const interrupt = interruptible(report);
  try {
    const client = await open(flags, (line) => report.note(line));
    try {
      await run(client, { agent: what.agent, input, lease, flags, report, interrupt });
    } finally {
      await client.bye();
    }
  } catch (error) {
    if (error instanceof ArcpError) await report.refused(error);
    throw error;
  } finally {
    report.close();
  }
}

interface Run {
  agent: string;
  input: unknown;
  lease: Record<string, unknown> | undefined;
  flags: SubmitFlags;
  report: Report;
  interrupt: Interrupt;
}

async function run(client: Client, { agent, input, lease, flags, report, interrupt }: Run): Promise<void> {
  const { key: idempotencyKey, maxRuntime: maxRuntimeSec, leaseUntil } = flags;
  interrupt.submitting();
  const job = await client.submit(agent, input, {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(lease === undefined ? {} : { lease }),
    ...(leaseUntil === undefined ? {} : { leaseConstraints: { expires_at: leaseUntil } }),
    ...(maxRuntimeSec === undefined ? {} : { maxRuntimeSec }),
  });
  await report.accepted(job);
  interrupt.running(job);
  if (flags.detach && !interrupt.happened()) {
    await report.detached(job);
    return client.close();
  }
  if (isOlder(job, client.ticket.sessionId)) {
    throw new Exit(
      exitCodes.refused,
      `${job.id} was submitted with this key before: its events go to the session that did`,
    );
  }
  const failure = await follow(job, report);
  interrupt.over();
  if (interrupt.happened())
    throw new Exit(exitCodes.interrupted, `${job.id} ${failure ? 'was interrupted' : 'had ended'}`);
  if (failure) throw new Exit(exitCodes.failed, `${job.id} failed: ${failure.code}: ${failure.message}`);
}

/** Tells of everything up to the job's end; what it ended with, where that is an error. Throws where the session ends first. */
async function follow(job: Job, report: Report): Promise<ArcpError | undefined> {
  let isStreamed = false;
  for await (const event of job) {
    isStreamed ||= event.kind === 'result_chunk';
    await report.event(event);
  }
  try {
    const result = await job.result();
    await report.succeeded(job, isStreamed ? undefined : result);
  } catch (error) {
    if (!(error instanceof ArcpError)) throw error;
    await report.failed(job, error);
    return error;
  }
}

/**
 * A key that another session used brings back that session's job, and none of its events (§7). The ids tell: those of
 * a session and of its jobs are ULIDs of one runtime, and a job that is older than the session is not of it.
 */
function isOlder(job: Job, sessionId: string): boolean {
  const pattern = /^[a-z]+_([0-9A-HJKMNP-TV-Z]{26})$/;
  const [, sessionUlid] = pattern.exec(sessionId) ?? [];
  const [, jobUlid] = pattern.exec(job.id) ?? [];
  return sessionUlid !== undefined && jobUlid !== undefined && jobUlid < sessionUlid;
}

/** Whether it is a lease that can be granted is for the runtime to say. */
function readLease(json: string): Record<string, unknown> {
  try {
    const lease: Record<string, unknown> | null = JSON.parse(json);
    if (typeof lease === 'object' && lease !== null && !Array.isArray(lease)) return lease;
  } catch {
    // Told below.
  }
  throw badUsage(`the lease is no JSON object; a shell wants it quoted: '{"tool.call":["search.*"]}'`);
}

async function readInput(given: string | undefined): Promise<unknown> {
  if (given === undefined) return undefined;
  const json = given === '-' ? await text(process.stdin) : given;
  try {
    return JSON.parse(json);
  } catch (error) {
    const problem = error instanceof Error ? error.message : error;
    throw badUsage(`the input is not JSON (${problem}); a shell wants it quoted: '{"count":5}'`);
  }
}
