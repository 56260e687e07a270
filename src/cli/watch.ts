import type { Command } from 'commander';
import { ArcpError, type Client, type Subscription } from '../client.ts';
import { addEndpointOptions, type EndpointFlags, open } from './endpoint.ts';
import { Exit, exitCodes } from './exit.ts';
import { type Report, reportFor } from './report.ts';
import { onSignals } from './signals.ts';

/** `arcpx watch JOB_ID` (§7.6): a job of any session, from its first event to its end, however often the connection is lost. */
export function addWatch(program: Command): void {
  const command = program
    .command('watch')
    .description('show what a job has emitted, and then what it emits, up to its end; its result goes to stdout')
    .argument('<job_id>', 'as told when it was accepted, or by list');
  addEndpointOptions(command).action((jobId: string, flags: EndpointFlags) => watch(jobId, flags));
}

async function watch(jobId: string, flags: EndpointFlags): Promise<void> {
  const report = reportFor({ json: flags.json === true });
  const stop = onSignals(['SIGINT'], { first: () => leave(jobId, report), again: () => leave(jobId, report) });
  try {
    const client = await open(flags, (line) => report.note(line));
    try {
      await follow(client, jobId, report);
    } finally {
      await client.bye();
    }
  } finally {
    stop();
    report.close();
  }
}

/** Whoever watches has nothing to cancel: the job runs on. */
function leave(jobId: string, report: Report): never {
  report.note(`left; ${jobId} may run on`);
  report.close();
  process.exit(exitCodes.interrupted);
}

async function follow(client: Client, jobId: string, report: Report): Promise<void> {
  const subscription = client.subscribe(jobId, { history: true });
  await begin(subscription, report);
  let isStreamed = false;
  for await (const event of subscription) {
    isStreamed ||= event.kind === 'result_chunk';
    await report.event(event);
  }
  try {
    const result = await subscription.result();
    await report.succeeded(subscription, isStreamed ? undefined : result);
  } catch (error) {
    if (!(error instanceof ArcpError)) throw error;
    // It was streamed, and its beginning is not kept any more: the job has not failed for that.
    if (error.details?.result_id !== undefined) return report.note(`its result is not whole here: ${error.message}`);
    await report.failed(subscription, error);
    throw new Exit(exitCodes.failed, `${jobId} failed: ${error.code}: ${error.message}`);
  }
}

async function begin(subscription: Subscription, report: Report): Promise<void> {
  try {
    const told = await subscription.subscribed;
    await report.watched(told);
    if (told.history_from !== undefined) report.note(`events up to ${told.history_from} are not kept any more`);
  } catch (error) {
    if (error instanceof ArcpError) await report.refused(error);
    throw error;
  }
}
