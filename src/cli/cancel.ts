import type { Command } from 'commander';
import { addEndpointOptions, type EndpointFlags, open } from './endpoint.ts';

interface CancelFlags extends EndpointFlags {
  reason?: string;
}

/** `arcpx cancel JOB_ID` (§7): resolves at the runtime's acknowledgement, not at the job's end. */
export function addCancel(program: Command): void {
  const command = program
    .command('cancel')
    .description('cancel a job whose session has ended; a live session cancels its own')
    .argument('<job_id>', 'as told when it was accepted')
    .option('--reason <text>', 'why');
  addEndpointOptions(command).action((jobId: string, flags: CancelFlags) => cancel(jobId, flags));
}

async function cancel(jobId: string, flags: CancelFlags): Promise<void> {
  const client = await open(flags, (line) => process.stderr.write(`${line}\n`));
  try {
    await client.job(jobId).cancel(flags.reason);
  } finally {
    await client.bye();
  }
  const told = flags.json ? JSON.stringify({ type: 'job.cancelled', job_id: jobId }) : `${jobId} is being cancelled`;
  process.stdout.write(`${told}\n`);
}
