import { Argument, type Command, Option } from 'commander';
import { clientMachine, jobMachine, sessionMachine } from '../../machines/index.ts';
import { type DiagramFormat, diagram, drawSvg, MissingPackageError } from '../diagram.ts';
import { badUsage } from './exit.ts';

const machineByName = {
  session: sessionMachine,
  job: jobMachine,
  client: clientMachine,
};

/** `arcpx diagram session|job|client`: the chart that runs, as a drawing or as data. */
export function addDiagram(program: Command): void {
  program
    .command('diagram')
    .description('draw a lifecycle, from the chart that runs')
    .addArgument(new Argument('<machine>', 'whose').choices(Object.keys(machineByName)))
    .addOption(
      new Option('--format <format>', 'what is written').choices(['mermaid', 'json', 'svg']).default('mermaid'),
    )
    .action(async (name: keyof typeof machineByName, { format }: { format: DiagramFormat | 'svg' }) => {
      const machine = machineByName[name];
      const text = format === 'svg' ? await drawSvg(machine).catch(explained) : diagram(machine, format);
      process.stdout.write(`${text.trimEnd()}\n`);
    });
}

function explained(error: unknown): never {
  throw error instanceof MissingPackageError ? badUsage(error.message) : error;
}
