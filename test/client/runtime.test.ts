// The client and the runtime together: over a real socket, and in simulated time over the in-memory pair.
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Client, type ConnectOptions, connect } from '../../src/client.ts';
import { type AgentDefinition, defineAgent } from '../../src/index.ts';
import { dial } from '../../src/transports/dial.ts';
import { type MemoryTransport, memoryPair } from '../../src/transports/memory.ts';
import type { Transport } from '../../src/transports/transport.ts';
import { puppet, simulatedRuntime, tokens } from '../support/runtime.ts';
import { seeded, socketRuntime } from '../support/socket.ts';
import { range, readAll, readSome, seqsOf } from './scripted.ts';

const counter = defineAgent<{ count: number }>({
  name: 'counter',
  async run(job) {
    for (let current = 1; current <= job.input.count; current += 1) {
      job.progress({ current, total: job.input.count });
      await new Promise(setImmediate);
    }
    return { count: job.input.count };
  },
});

/** A runtime on a socket, and a way to connect whose cable a test can pull. */
async function socketWorld(agents: AgentDefinition[], options: { resumeWindowSec?: number } = {}) {
  const { url, runtime } = await socketRuntime({ agents, ...options });
  const cables: Transport[] = [];
  const states: string[] = [];
  const open = async (overrides: Partial<ConnectOptions> = {}): Promise<Client> => {
    const client = await connect(url, {
      token: tokens.alice,
      reconnect: { baseMs: 5 },
      dial: async (to, { signal }) => {
        const transport = await dial(to, { signal });
        cables.push(transport);
        return transport;
      },
      onState: ({ state, reason }) => states.push(reason === undefined ? state : `${state}: ${reason}`),
      ...overrides,
    });
    onTestFinished(() => client.close());
    return client;
  };
  const pull = () => cables.at(-1)?.close(1006);
  return { url, runtime, open, pull, states, cables };
}

describe('over a real socket', () => {
  test('a job is submitted, its events are read, its result is returned', async () => {
    const { open } = await socketWorld([counter]);
    const client = await open();
    const job = await client.submit('counter', { count: 5 });
    expect(job.agent).toBe('counter@1.0.0');
    const events = await readAll(job);
    expect(seqsOf(events)).toEqual(range(1, 5));
    expect(events.at(-1)).toMatchObject({ kind: 'progress', body: { current: 5, total: 5 }, jobId: job.id });
    expect(await job.result()).toEqual({ count: 5 });
    expect(client.features).toContain('ack');
    expect(client.agents).toMatchObject([{ name: 'counter', versions: ['1.0.0'] }]);
  });

  test('the cable pulled at random moments of a job of 200 events: each event exactly once, in order', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.info(`seed ${seed}`);
    const random = seeded(seed);
    const { open, pull, states } = await socketWorld([counter]);
    const client = await open();
    for (let round = 1; round <= 20; round += 1) {
      const job = await client.submit('counter', { count: 200 });
      const pulls = new Set(Array.from({ length: 10 }, () => random(200)));
      const seen: unknown[] = [];
      for await (const event of job) {
        if (pulls.has(seen.length)) pull();
        seen.push(event.kind === 'progress' && event.body.current);
      }
      expect(seen).toEqual(range(1, 200));
      expect(await job.result()).toEqual({ count: 200 });
    }
    expect(states.filter((state) => state === 'resumed').length).toBeGreaterThan(20);
    expect(new Set(states)).not.toContain('expired');
  }, 60_000);

  test('submits made while the cable is pulled again and again run once each', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.info(`seed ${seed}`);
    const random = seeded(seed);
    const runs: unknown[] = [];
    const once = defineAgent<{ index: number }>({ name: 'once', run: ({ input }) => runs.push(input.index) && input });
    const { open, pull } = await socketWorld([once]);
    const client = await open();
    const results: unknown[] = [];
    for (let index = 0; index < 100; index += 1) {
      const submitting = client.submit('once', { index });
      const moment = random(4);
      if (moment === 0) pull();
      if (moment === 1) setImmediate(pull);
      results.push(await (await submitting).result());
    }
    expect(results).toEqual(range(0, 99).map((index) => ({ index })));
    expect(runs).toEqual(range(0, 99));
  }, 60_000);

  test('a job is cancelled by the client that came back', async () => {
    const slow = puppet('slow');
    const { open, pull, states } = await socketWorld([slow.agent]);
    const client = await open();
    const job = await client.submit('slow');
    pull();
    await job.cancel('enough');
    expect(slow.job.signal.aborted).toBe(true);
    slow.finish();
    await expect(job.result()).rejects.toMatchObject({ code: 'CANCELLED', retryable: false });
    expect(states).toContain('resumed');
  });

  test('text and bytes come back whole from streamed results', async () => {
    const writer = defineAgent<{ encoding: 'utf8' | 'base64' }>({
      name: 'writer',
      run(job) {
        const stream = job.result({ encoding: job.input.encoding });
        for (const part of ['Käse ', 'und ', 'Brot']) {
          stream.write(job.input.encoding === 'utf8' ? part : new TextEncoder().encode(part));
        }
        return stream.end('a meal');
      },
    });
    const { open } = await socketWorld([writer]);
    const client = await open();
    expect(await (await client.submit('writer', { encoding: 'utf8' })).result()).toBe('Käse und Brot');
    const bytes = await (await client.submit('writer', { encoding: 'base64' })).result();
    expect(bytes).toEqual(new TextEncoder().encode('Käse und Brot'));
  });

  test('a ticket brings a second client to the session after the first has closed', async () => {
    const slow = puppet('slow');
    const { open } = await socketWorld([slow.agent]);
    const first = await open();
    const job = await first.submit('slow');
    slow.emit(3);
    await readSome(job, 3);
    await first.close();
    slow.emit(2);
    const second = await open({ resume: first.ticket });
    slow.finish('done');
    const same = second.job(job.id);
    expect(seqsOf(await readAll(same))).toEqual([4, 5]);
    expect(await same.result()).toBe('done');
    expect(second.ticket.resumeToken).not.toBe(first.ticket.resumeToken);
  });

  test('a ticket used while the first client is live takes the session over, and the first stays away', async () => {
    const slow = puppet('slow');
    const { open } = await socketWorld([slow.agent]);
    const first = await open();
    const job = await first.submit('slow');
    const told = expect(job.result()).rejects.toMatchObject({ reason: 'superseded' });
    const second = await open({ resume: first.ticket });
    await told;
    expect(first.state).toBe('closed');
    slow.finish('done');
    expect(await second.job(job.id).result()).toBe('done');
  });

  test('a thief of the ticket is refused, and the session is not touched', async () => {
    const { open } = await socketWorld([counter]);
    const client = await open();
    const theft = open({ token: tokens.bob, resume: client.ticket });
    await expect(theft).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await (await client.submit('counter', { count: 1 })).result()).toEqual({ count: 1 });
  });

  test('after bye the ticket is void and the jobs are cancelled', async () => {
    const slow = puppet('slow');
    const { open } = await socketWorld([slow.agent]);
    const client = await open();
    await client.submit('slow');
    await client.bye('done');
    expect(slow.job.signal.aborted).toBe(true);
    await expect(open({ resume: client.ticket })).rejects.toMatchObject({ code: 'RESUME_WINDOW_EXPIRED' });
  });

  test('a wrong token, a wrong path and a wrong port each say what is wrong', async () => {
    const { url, open } = await socketWorld([counter]);
    await expect(open({ token: 'tok-nobody' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const elsewhere = url.replace('/arcp', '/elsewhere');
    await expect(connect(elsewhere, { token: tokens.alice })).rejects.toThrow(/elsewhere.*404/);
    await expect(connect('ws://127.0.0.1:1/arcp', { token: tokens.alice })).rejects.toThrow(/127\.0\.0\.1:1\/arcp/);
  });

  test('a runtime that shuts down tells its clients', async () => {
    const { open, runtime, states } = await socketWorld([counter]);
    const client = await open();
    const ended = new Promise((resolve) => client.on('state', ({ state }) => state === 'expired' && resolve(state)));
    await runtime.close();
    await ended;
    expect(states.at(-1)).toBe('expired: shutdown');
  });
});

describe('in simulated time', () => {
  /** A client and a runtime that share a clock. */
  function simulatedWorld(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
    const agent = puppet();
    const { runtime, clock } = simulatedRuntime({ agents: [agent.agent], resumeWindowSec: 60, ...options });
    const links: [MemoryTransport, MemoryTransport][] = [];
    const states: string[] = [];
    const waiters: { state: string; resolve: () => void }[] = [];
    const open = (overrides: Partial<ConnectOptions> = {}) =>
      connect('memory:', {
        token: tokens.alice,
        clock,
        random: () => 0.5,
        dial: async () => {
          const pair = memoryPair();
          links.push(pair);
          runtime.accept(pair[1]);
          return pair[0];
        },
        onState: ({ state, reason }) => {
          states.push(reason === undefined ? state : `${state}: ${reason}`);
          for (const waiter of waiters.splice(0)) {
            if (waiter.state === state) waiter.resolve();
            else waiters.push(waiter);
          }
        },
        ...overrides,
      });
    const until = (state: string) => new Promise<void>((resolve) => waiters.push({ state, resolve }));
    return { agent, runtime, clock, open, states, links, until };
  }

  test('a connection that goes silent is noticed by its client, which comes back for what it missed', async () => {
    const { agent, clock, open, links, states, until } = simulatedWorld({ heartbeatSec: 10 });
    const client = await open();
    const job = await client.submit('puppet');
    agent.emit(2);
    await readSome(job, 2);
    const link = links.at(-1);
    link?.[0].stall();
    link?.[1].stall();
    agent.emit(3);
    clock.advance(20_000);
    const back = until('live');
    clock.advance(50);
    await back;
    agent.finish('done');
    expect(seqsOf(await readAll(job))).toEqual([3, 4, 5]);
    expect(states.slice(3)).toEqual(['waiting: heartbeat lost', 'connecting', 'handshaking', 'resumed', 'live']);
  });

  test('back after the window, the client is told that the session is gone, and its job with it', async () => {
    const { clock, open, links, states } = simulatedWorld();
    const client = await open({ reconnect: { baseMs: 200_000, capMs: 200_000, giveUpMs: 300_000 } });
    const job = await client.submit('puppet');
    const told = expect(job.result()).rejects.toMatchObject({
      code: 'RESUME_WINDOW_EXPIRED',
      details: { reason: 'expired' },
    });
    links.at(-1)?.[0].close(1006);
    await new Promise(setImmediate);
    clock.advance(100_000);
    await told;
    expect(states.at(-1)).toBe('expired: expired');
  });

  test('a slow reader with a small buffer misses nothing: the runtime keeps what the client did not take', async () => {
    const { agent, clock, open, until } = simulatedWorld();
    const client = await open({ bufferEvents: 20 });
    const job = await client.submit('puppet');
    agent.emit(100);
    await client.ping();
    expect(client.ticket.lastEventSeq).toBe(20);
    const seen: number[] = [];
    for await (const { seq } of job) {
      seen.push(seq);
      if (client.state === 'waiting') {
        const back = until('resumed');
        clock.advance(100);
        await back;
      }
      if (seen.length === 100) break;
    }
    expect(seen).toEqual(range(1, 100));
    agent.finish();
    await job.result();
  });
});
