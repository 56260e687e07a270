#!/usr/bin/env node
import { Command } from 'commander';
import { packageVersion } from '../version.ts';
import { endingOf, exitCodes, leave } from './exit.ts';

type Adds = (program: Command) => void;

const commands = new Map<string, () => Promise<Adds>>([
  ['serve', async () => (await import('./serve.ts')).addServe],
  ['submit', async () => (await import('./submit.ts')).addSubmit],
  ['list', async () => (await import('./list.ts')).addList],
  ['watch', async () => (await import('./watch.ts')).addWatch],
  ['cancel', async () => (await import('./cancel.ts')).addCancel],
  ['conformance', async () => (await import('./conformance.ts')).addConformance],
  ['diagram', async () => (await import('./diagram.ts')).addDiagram],
]);

const program = new Command('arcpx')
  .description('ARCP 1.1: serve agents, and run jobs that survive their connection.')
  .version(packageVersion)
  .exitOverride()
  .showHelpAfterError('(--help tells what can be given)')
  .addHelpText(
    'after',
    '\nExit codes: 0 success, 1 the job failed, 2 bad usage, 3 cannot connect or refused, 130 interrupted.',
  );

// Of commands, the one that is named is loaded: all of them take a moment.
const named = commands.get(process.argv[2] ?? '');
for (const load of named ? [named] : commands.values()) (await load())(program);

try {
  await program.parseAsync();
  await leave(exitCodes.success);
} catch (error) {
  const { exitCode, message } = endingOf(error);
  if (message !== '') process.stderr.write(`arcpx: ${message}\n`);
  await leave(exitCode);
}
