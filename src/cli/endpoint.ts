import { type Command, Option } from 'commander';
import { type Client, connect, type StateChange } from '../client.ts';
import { badUsage, exitCodes } from './exit.ts';

/** Where a command goes, as whom, and how it tells of it. */
export interface EndpointFlags {
  url?: string;
  token?: string;
  json?: true;
}

/** Declares what every command that talks to a runtime is given. */
export function addEndpointOptions(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'WebSocket of the runtime, ws://HOST:PORT/PATH').env('ARCPX_URL'))
    .addOption(new Option('--token <token>', 'bearer token it knows you by').env('ARCPX_TOKEN'))
    .option('--json', 'write JSON lines to stdout');
}

/** Connects; a drop is told in one line, and so is the return. */
export function open(flags: EndpointFlags, tell: (line: string) => void): Promise<Client> {
  const { url, token } = flags;
  if (!url) throw badUsage('no runtime was named: give --url ws://HOST:PORT/PATH, or set ARCPX_URL');
  if (!token) throw badUsage('no token was given: give --token TOKEN, or set ARCPX_TOKEN');
  if (!isWebSocketUrl(url)) throw badUsage('--url must be a WebSocket URL: ws://HOST:PORT/PATH, or wss:');
  // Whoever reads us may have seen enough: arcpx submit … | head -1
  process.stdout.on('error', () => process.exit(exitCodes.interrupted));
  return connect(url, { token, onState: dropsTold(tell) });
}

function dropsTold(tell: (line: string) => void): (change: StateChange) => void {
  let isLost = false;
  return ({ state, reason }) => {
    if (!isLost && state === 'waiting') {
      tell(reason === 'shutdown' ? 'the server restarts, resuming…' : 'connection lost, resuming…');
    }
    if (isLost && (state === 'resumed' || state === 'live')) tell('resumed');
    if (state === 'waiting') isLost = true;
    if (state === 'resumed' || state === 'live') isLost = false;
  };
}

function isWebSocketUrl(text: string): boolean {
  return URL.canParse(text) && ['ws:', 'wss:'].includes(new URL(text).protocol);
}
