import type { Command } from 'commander';
import { ArcpError } from '../wire/errors.ts';
import { addEndpointOptions, type EndpointFlags, open } from './endpoint.ts';
import { Exit, exitCodes } from './exit.ts';

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
  } catch (error) {
    throw error instanceof ArcpError && error.code === 'PERMISSION_DENIED' ? explained(error) : error;
  } finally {
    await client.bye();
  }
  const told = flags.json ? JSON.stringify({ type: 'job.cancelled', job_id: jobId }) : `${jobId} is being cancelled`;
  process.stdout.write(`${told}\n`);
}

/** A job that was left with `--detach` belongs to its session until the window of that is over (§7). */
function explained({ code, message }: ArcpError): Exit {
  const advice = 'it can be cancelled once its resume window is over, or where the server has --cancel-by principal';
  return new Exit(exitCodes.refused, `${code}: ${message}; ${advice}`);
}
