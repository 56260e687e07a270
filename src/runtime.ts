import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { jobMachine, sessionMachine } from '../machines/index.ts';
import { AgentDirectory } from './agents.ts';
import { isoTime } from './clock.ts';
import { Connection } from './connection.ts';
import { type EffectsWorld, sessionEffects } from './effects.ts';
import { jobEffects } from './job-effects.ts';
import { Jobs } from './jobs.ts';
import { type AuditEntry, type RuntimeOptions, settle } from './options.ts';
import { Registry } from './registry.ts';
import { answer } from './requests.ts';
import { type ConnectionFacts, closeCodes, type Transport } from './transports/transport.ts';
import { wsDoor } from './transports/ws.ts';

/** A session as an embedder may see it: no secret. */
export interface SessionInfo {
  sessionId: string;
  state: 'handshaking' | 'live' | 'resumed' | 'detached' | 'closed' | 'expired' | 'ended';
  /** Empty before authentication. */
  principal: string;
  /** Ids of the jobs that still run. */
  jobs: readonly string[];
  newestSeq: number;
  bufferedBytes: number;
}

/** An ARCP runtime inside this process (§1). Everything it serves ends with `close()`. */
export interface Runtime {
  /** Serves WebSocket upgrades on a port of its own; port 0 is any free one. */
  listen(options?: { host?: string; port?: number }): Promise<{ host: string; port: number; url: string }>;
  /** Serves the upgrades to `path` of a server that others use too: plain http, Express, Fastify. */
  attach(server: Server, options?: { path?: string }): void;
  /** Serves one upgrade, for servers that route upgrades themselves. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Serves one connection over any transport. */
  accept(transport: Transport, facts?: ConnectionFacts): void;
  /** Sessions that are not ended, also those still in their handshake. */
  sessions(): SessionInfo[];
  /** Tells every client (`session.bye`, 1001), stops every job, and ends. May be called again. */
  close(): Promise<void>;
}

/** Puts a runtime together: the one place that knows all others. Refuses options that cannot work, naming them. */
// tidy: parts that need each other, in one scope
export function createRuntime(options: RuntimeOptions): Runtime {
  const settings = settle(options);
  const agents = new AgentDirectory(options.agents);
  const jobs = new Jobs(settings, agents);
  const world: EffectsWorld = { settings, agents, audit, registry: () => registry, jobs: () => jobs };
  const machine = sessionMachine.provide({
    actions: sessionEffects(world),
    actors: { job: jobMachine.provide({ actions: jobEffects(world) }) },
  });
  const registry = new Registry(settings, machine, (session) => jobs.abandon(session));
  const { path, maxFrameBytes, allowedHosts, allowedOrigins } = settings;
  const door = wsDoor(
    {
      path,
      maxFrameBytes,
      ...(allowedHosts === undefined ? {} : { allowedHosts }),
      ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
      hasRoom: () => closing === undefined && registry.handshakes() < settings.maxHandshakes,
    },
    accept,
  );
  let connectionCount = 0;
  let closing: Promise<void> | undefined;

  function audit(entry: Omit<AuditEntry, 'at'>): void {
    try {
      settings.audit({ ...entry, at: isoTime(settings.clock.now()) });
    } catch (error) {
      settings.log.error({ err: error }, 'the audit failed');
    }
  }

  function accept(transport: Transport, facts: ConnectionFacts = {}): void {
    if (closing !== undefined) return transport.close(closeCodes.shutdown, 'shutdown');
    if (registry.handshakes() >= settings.maxHandshakes) {
      return transport.close(closeCodes.policy, 'too many connections in their handshake');
    }
    connectionCount += 1;
    const connection = new Connection({
      id: `connection-${connectionCount}`,
      transport,
      facts,
      settings,
      session: registry.begin(),
      handle: (asker, frame) => answer(asker, frame, { settings, registry, jobs }),
      ended: ({ id }) => registry.connections.delete(id),
    });
    registry.connections.set(connection.id, connection);
  }

  async function drain(): Promise<void> {
    // The runtime's own timers keep no process alive; a drain that someone awaits must.
    const awake = setInterval(() => {}, 60_000);
    const running = jobs.all().map((job) => job.settled);
    for (const session of registry.all()) session.actor.send({ type: 'runtime.shutdown' });
    await door.close();
    await withinGrace(Promise.all(running));
    registry.clear();
    jobs.clear();
    await settings.store.close();
    clearInterval(awake);
  }

  /** An agent that heeds its signal ends at once; one that does not is left behind. */
  function withinGrace(settled: Promise<unknown>): Promise<unknown> {
    let timer: unknown;
    const grace = new Promise((resolve) => {
      timer = settings.clock.setTimeout(() => resolve(undefined), settings.cancelGraceMs);
    });
    return Promise.race([settled, grace]).finally(() => settings.clock.clearTimeout(timer));
  }

  return {
    listen: (where) => door.listen(where),
    attach: (server, where) => door.attach(server, where),
    handleUpgrade: (request, socket, head) => door.handleUpgrade(request, socket, head),
    accept,
    sessions: () => registry.describe(),
    close: () => {
      closing ??= drain();
      return closing;
    },
  };
}
