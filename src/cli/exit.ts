import { CommanderError } from 'commander';
import { ConnectionError } from '../client.ts';
import { StoreFailure } from '../stores/store.ts';
import { ArcpError } from '../wire/errors.ts';

/** How every command ends. `refused`: the runtime cannot be reached, or said no. */
export const exitCodes = {
  success: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end that a command has an explanation for. */
export class Exit extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command was given something that cannot work. */
export function badUsage(message: string): Exit {
  return new Exit(exitCodes.usage, message);
}

/** What is told of an error, and how the process ends by it. Commander has told its own already. */
export function endingOf(error: unknown): {
  exitCode: ExitCode;
  message: string;
} {
  if (error instanceof CommanderError) {
    return {
      exitCode: error.exitCode === 0 ? exitCodes.success : exitCodes.usage,
      message: '',
    };
  }
  if (error instanceof Exit) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof ArcpError)
    return {
      exitCode: exitCodes.refused,
      message: `${error.code}: ${error.message}`,
    };
  if (error instanceof StoreFailure)
    return { exitCode: exitCodes.failed, message: `the store is lost: ${error.message}` };
  if (error instanceof ConnectionError) return { exitCode: exitCodes.refused, message: error.message };
  const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exitCode: exitCodes.failed,
    message: `this is a defect of arcpx: ${story}`,
  };
}

/** Ends the process once what was written has gone out: a pipe takes it later than `write` returns. */
export async function leave(exitCode: ExitCode): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map((stream) => flushed(stream)));
  process.exit(exitCode);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableEnded || stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
}
