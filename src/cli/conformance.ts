import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { ConformanceReport } from '../conformance/kit/index.ts';
import { badUsage, Exit, exitCodes } from './exit.ts';

interface ConformanceFlags {
  token?: string;
  secondToken?: string;
  profile?: string;
  report?: string;
  agentEcho?: string;
  agentSlow?: string;
  slowInput?: string;
  only?: string[];
  json?: true;
}

/** `arcpx conformance URL`: whether a runtime does what the protocol asks, as far as a client can see. */
export function addConformance(program: Command): void {
  program
    .command('conformance')
    .description('check an ARCP runtime, of whatever make, against the protocol')
    .argument('<url>', 'WebSocket of the runtime, ws://HOST:PORT/PATH')
    .option('--token <token>', 'bearer token it knows you by')
    .option('--second-token <token>', 'a token of another principal')
    .option('--profile <name>', 'how it speaks, instead of finding out: plain, hello-block, hello-flat, bye-only')
    .option('--agent-echo <name>', 'an agent there that returns its input')
    .option('--agent-slow <name>', 'one that emits events for some seconds')
    .option('--slow-input <json>', 'its input (default: {"count":40,"delay_ms":50})')
    .option('--report <file>', 'write the report too: FILE.json, or FILE.xml for JUnit')
    .option('--only <ids...>', 'check these requirements alone: RES-03, RES, walks')
    .option('--json', 'write JSON lines to stdout')
    .addHelpText('after', '\nExit codes: 0 it conforms, 1 it does not, 2 bad usage, 3 cannot connect or refused.')
    .action((url: string, flags: ConformanceFlags) => conformance(url, flags));
}

async function conformance(url: string, flags: ConformanceFlags): Promise<void> {
  const { secondToken, profile, agentEcho, agentSlow, only, json, report: file } = flags;
  const token = flags.token ?? process.env.ARCPX_TOKEN;
  if (!token) throw badUsage('no token was given: give --token TOKEN, or set ARCPX_TOKEN');
  if (!URL.canParse(url) || !/^wss?:/.test(url)) throw badUsage('URL must be ws://HOST:PORT/PATH, or wss:');
  if (token === secondToken) throw badUsage('--second-token must be the token of another principal');
  if (file !== undefined && !/\.(json|xml)$/.test(file)) throw badUsage('--report must end in .json or .xml');
  const slowInput = flags.slowInput === undefined ? undefined : parsed(flags.slowInput);
  // No other command needs the kit, and what it draws paths with.
  const kit = await import('../conformance/kit/index.ts');
  const tell = (text: string) => void process.stdout.write(`${text}\n`);
  let section = '';
  const report = await kit
    .runConformance(url, {
      ...{ token, secondToken, profile, agentEcho, agentSlow },
      ...(slowInput === undefined ? {} : { slowInput }),
      ...(only === undefined ? {} : { only }),
      onStart: (head) => tell(json ? JSON.stringify(head) : kit.headText(head)),
      onResult(result) {
        if (json) return tell(JSON.stringify(result));
        if (result.section !== section) tell(result.section);
        section = result.section;
        tell(kit.progressText(result));
      },
    })
    .catch(usageOf);
  if (file !== undefined) write(file, file.endsWith('.xml') ? kit.junitText(report) : jsonText(report));
  if (!json) tell(kit.summaryText(report));
  if (report.failed > 0) throw new Exit(exitCodes.failed, '');
}

function usageOf(error: unknown): never {
  throw error instanceof RangeError ? badUsage(error.message) : error;
}

function jsonText(report: ConformanceReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw badUsage(`the report cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badUsage('--slow-input must be JSON');
  }
}
