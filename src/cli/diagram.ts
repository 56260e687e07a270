import { Argument, type Command, Option } from 'commander';
import { clientMachine, jobMachine, sessionMachine } from '../../machines/index.ts';
import { type DiagramFormat, diagram } from '../diagram.ts';

const machineByName = {
  session: sessionMachine,
  job: jobMachine,
  client: clientMachine,
};

/** `arcpx diagram session|job|client`: the chart that runs, as a drawing. */
export function addDiagram(program: Command): void {
  program
    .command('diagram')
    .description('draw a lifecycle, from the chart that runs')
    .addArgument(new Argument('<machine>', 'whose').choices(Object.keys(machineByName)))
    .addOption(new Option('--format <format>', 'what is written').choices(['mermaid']).default('mermaid'))
    .action((name: keyof typeof machineByName, { format }: { format: DiagramFormat }) => {
      process.stdout.write(`${diagram(machineByName[name], format).trimEnd()}\n`);
    });
}
