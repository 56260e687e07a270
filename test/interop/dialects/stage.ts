import { onTestFinished } from 'vitest';
import { defineAgent, type RuntimeOptions } from '../../../src/index.ts';
import { dialWs } from '../../../src/transports/ws.ts';
import { puppet } from '../../support/runtime.ts';
import { socketRuntime } from '../../support/socket.ts';
import type { SdkClient, Ticket } from './sdk-client.ts';
import { sdks } from './sdks.ts';

const echo = defineAgent({ name: 'echo', run: (job) => job.input });
/** Says one of everything. */
const talker = defineAgent({
  name: 'talker',
  version: '2.1.0',
  run(job) {
    job.log('info', 'hello');
    job.thought('let me see');
    job.status('working');
    job.emit('status', { phase: 'still working', message: null });
    job.progress({ current: 1.5, total: 2.5, units: 'files' });
    job.metric({ name: 'cost.usd', value: 0.1, unit: 'USD' });
    job.artifact({ uri: 'file:///x', content_type: 'text/plain' });
    job.emit('x-vendor.test.note', { anything: null });
    return { said: 8 };
  },
});
const streamer = defineAgent({
  name: 'streamer',
  run(job) {
    const result = job.result({ encoding: 'base64' });
    for (const part of ['ab', 'cd', 'ef']) result.write(Buffer.from(part));
    result.end('three parts');
  },
});

/** Spends what it may, and asks for more than it may. */
const spender = defineAgent({
  name: 'spender',
  async run(job) {
    await job.tool('read', {}, () => job.authorize('fs.read', '/data/x')).catch(() => {});
    await job.tool('read', {}, () => job.authorize('fs.read', '/etc/passwd')).catch(() => {});
    job.metric({ name: 'cost.tokens', value: 2, unit: 'USD' });
    return job.budget;
  },
});
/** Hands its work on at once. */
const boss = defineAgent({
  name: 'boss',
  run: (job) => job.delegate({ agent: 'echo', input: 'from the boss' }).result(),
});

/** Those whom clients of SDKs meet, beside a puppet. */
export const cast = [echo, talker, streamer, spender, boss];

/** A runtime on a real socket, and the clients of one SDK that come to it. */
export async function stage(sdk: string, options: Partial<RuntimeOptions> & { query?: string } = {}) {
  const agent = puppet();
  const { query = '', ...rest } = options;
  const at = await socketRuntime({ agents: [agent.agent, ...cast], ...rest });
  const Client = sdks[sdk];
  if (!Client) throw new Error(`no such SDK: ${sdk}`);
  const dial = async (): Promise<SdkClient> => {
    const client = new Client(await dialWs(`${at.url}${query}`));
    onTestFinished(() => client.drop());
    return client;
  };
  /** A client past its welcome; with a ticket, one that has come back. */
  const enter = async (ticket?: Ticket): Promise<SdkClient> => {
    const client = await dial();
    await client.connect(ticket);
    return client;
  };
  return { ...at, agent, dial, enter };
}

/** The bytes of a streamed result, from the events of its job. */
export function assembled(events: readonly { kind: string; body: unknown }[]): string {
  const data = events.flatMap(({ kind, body }) => (kind === 'result_chunk' ? [Object(body).data] : []));
  return Buffer.concat(data.map((part) => Buffer.from(String(part), 'base64'))).toString();
}
