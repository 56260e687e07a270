#!/usr/bin/env node
import { Command } from 'commander';
import { packageVersion } from '../version.ts';
import { addCancel } from './cancel.ts';
import { addConformance } from './conformance.ts';
import { addDiagram } from './diagram.ts';
import { endingOf, exitCodes, leave } from './exit.ts';
import { addList } from './list.ts';
import { addServe } from './serve.ts';
import { addSubmit } from './submit.ts';
import { addWatch } from './watch.ts';

const program = new Command('arcpx')
  .description('ARCP 1.1: serve agents, and run jobs that survive their connection.')
  .version(packageVersion)
  .exitOverride()
  .showHelpAfterError('(--help tells what can be given)')
  .addHelpText(
    'after',
    '\nExit codes: 0 success, 1 the job failed, 2 bad usage, 3 cannot connect or refused, 130 interrupted.',
  );
addServe(program);
addSubmit(program);
addList(program);
addWatch(program);
addCancel(program);
addConformance(program);
addDiagram(program);

try {
  await program.parseAsync();
  await leave(exitCodes.success);
} catch (error) {
  const { exitCode, message } = endingOf(error);
  if (message !== '') process.stderr.write(`arcpx: ${message}\n`);
  await leave(exitCode);
}
