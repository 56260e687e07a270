import { type Command, Option } from 'commander';
import { ArcpError, type Client, type ListOptions } from '../client.ts';
import { type JobStatus, jobStatuses, type ListedJob } from '../wire/listing-messages.ts';
import { addEndpointOptions, type EndpointFlags, open } from './endpoint.ts';
import { oneLine } from './event-text.ts';
import { count } from './numbers.ts';
import { reportFor } from './report.ts';

interface ListFlags extends EndpointFlags {
  status?: JobStatus[];
  agent?: string;
  limit?: number;
}

/** `arcpx list` (§6.6): every job there is to see, the newest first. */
export function addList(program: Command): void {
  const command = program
    .command('list')
    .description('list jobs, the newest first: yours, of all your sessions, and ended ones for a while')
    .addOption(new Option('--status <status...>', 'only those so far').choices(jobStatuses))
    .option('--agent <agent>', 'only those of this agent: name, or name@version')
    .option('--limit <n>', 'at most so many (default: all)', count);
  addEndpointOptions(command).action((flags: ListFlags) => list(flags));
}

async function list(flags: ListFlags): Promise<void> {
  const report = reportFor({ json: flags.json === true });
  try {
    const client = await open(flags, (line) => report.note(line));
    try {
      await tell(client, flags);
    } finally {
      await client.bye();
    }
  } catch (error) {
    if (error instanceof ArcpError) await report.refused(error);
    throw error;
  }
}

async function tell(client: Client, { json, status, agent, limit = Number.POSITIVE_INFINITY }: ListFlags) {
  const options: ListOptions = {
    limit: Math.min(limit, 500),
    ...(status === undefined ? {} : { status }),
    ...(agent === undefined ? {} : { agent }),
  };
  const jobs: ListedJob[] = [];
  for await (const job of client.listJobs(options)) {
    if (json) process.stdout.write(`${JSON.stringify(job)}\n`);
    else jobs.push(job);
    limit -= 1;
    if (limit <= 0) break;
  }
  if (jobs.length > 0) process.stdout.write(table(jobs));
  else if (!json) process.stderr.write('no jobs\n');
}

/** Columns as wide as what is in them; the last one is not filled up. */
function table(jobs: readonly ListedJob[]): string {
  const head = ['JOB', 'STATUS', 'AGENT', 'CREATED', 'EVENTS UP TO'];
  const rows = jobs.map(({ job_id, status, agent, created_at, last_event_seq }) =>
    [job_id, status, agent, created_at, `${last_event_seq}`].map(oneLine),
  );
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return [head, ...rows].map((cells) => `${line(cells).trimEnd()}\n`).join('');
}
