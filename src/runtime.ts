import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { jobMachine, sessionMachine } from '../machines/index.ts';
import { isoTime } from './clock.ts';
import { Connection } from './connections/connection.ts';
import { answer, type RequestWorld } from './connections/requests.ts';
import { Credentials } from './credentials/credentials.ts';
import { type EffectsWorld, sessionEffects } from './effects.ts';
import { AgentDirectory } from './jobs/agents.ts';
import { jobEffects } from './jobs/job-effects.ts';
import { withEndsOfOneType } from './jobs/job-ends.ts';
import { Jobs } from './jobs/jobs.ts';
import { KnownJobs } from './jobs/known-jobs.ts';
import { type RuntimeStats, statsOf } from './observe/stats.ts';
import { type AuditEntry, type RuntimeOptions, settle } from './options.ts';
import { Policy } from './policy.ts';
import { Ledger } from './records/ledger.ts';
import { recover } from './records/recovery.ts';
import { Registry } from './registry.ts';
import { StoreFailure, type StoreTrouble } from './stores/store.ts';
import { type ConnectionFacts, closeCodes, type Transport } from './transports/transport.ts';
import { wsDoor } from './transports/ws.ts';
import { Subscriptions } from './watching/subscriptions.ts';
import { dialectNames, isDialectName } from './wire/dialects.ts';

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
  /**
   * Resolves when the store is open and what it held is back: until then connections wait. Rejects where it cannot be
   * opened, and nothing is served. At once with a store that does not last.
   */
  readonly ready: Promise<void>;
  /** Resolves with the end of `close()`. Rejects with a `StoreFailure` where the store was lost for good, and all was closed. */
  readonly closed: Promise<void>;
  /** Serves WebSocket upgrades on a port of its own, once ready; port 0 is any free one. */
  listen(options?: { host?: string; port?: number }): Promise<{ host: string; port: number; url: string }>;
  /** Serves the upgrades to `path` of a server that others use too: plain http, Express, Fastify. */
  attach(server: Server, options?: { path?: string }): void;
  /** Serves one upgrade, for servers that route upgrades themselves. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Serves one connection over any transport. Throws where `facts` name a dialect that there is not (§10). */
  accept(transport: Transport, facts?: ConnectionFacts): void;
  /** Sessions that are not ended, also those still in their handshake. */
  sessions(): SessionInfo[];
  /** How much there is of everything, and has been: what `arcp-xstate/metrics` tells Prometheus. */
  stats(): RuntimeStats;
  /**
   * Tells every client (`session.bye`, 1001) and ends. Jobs are stopped, or, where the store lasts, have `drainSec` to end by
   * themselves; what still runs then is left to the next start (`onRestart`). Rejects where the store could not take what
   * it was given. May be called again.
   */
  close(): Promise<void>;
}

/** Puts a runtime together: the one place that knows all others. Refuses options that cannot work, naming them. */
// tidy: parts that need each other, in one scope
export function createRuntime(options: RuntimeOptions): Runtime {
  const settings = settle(options);
  const agents = new AgentDirectory(options.agents);
  const policy = new Policy(settings, audit);
  const ledger = new Ledger({ store: settings.store, clock: settings.clock, log: settings.log, neededFrom, lost });
  const credentials = new Credentials(settings, ledger);
  const known = new KnownJobs(settings, ledger);
  const jobs = new Jobs(settings, { agents, ledger, known, policy, credentials, audit });
  const world: EffectsWorld = { settings, agents, audit, registry: () => registry, jobs: () => jobs, credentials };
  const machine = withEndsOfOneType(
    sessionMachine.provide({
      actions: sessionEffects(world),
      actors: { job: jobMachine.provide({ actions: jobEffects(world) }) },
    }),
  );
  const registry = new Registry(settings, { machine, ledger, failed: (session) => jobs.abandon(session) });
  const subscriptions = new Subscriptions({ settings, known, policy, audit, ledger });
  const requests: RequestWorld = { settings, registry, jobs, ledger, known, policy, subscriptions, audit };
  const { path, maxFrameBytes, allowedHosts, allowedOrigins } = settings;
  const door = wsDoor(
    {
      path,
      maxFrameBytes,
      ...(allowedHosts === undefined ? {} : { allowedHosts }),
      ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
      hasRoom: () => phase !== 'closing' && hasRoom(),
    },
    accept,
  );
  let connectionCount = 0;
  let phase: 'opening' | 'open' | 'closing' = 'opening';
  /** Connections that came before the store was open. */
  const early: { transport: Transport; facts: ConnectionFacts }[] = [];
  let ending: Promise<void> | undefined;
  let settleEnd: { resolve(): void; reject(error: Error): void } | undefined;
  const closed = new Promise<void>((resolve, reject) => {
    settleEnd = { resolve, reject };
  });
  const ready = open();
  for (const promise of [ready, closed]) promise.catch(() => {});

  function audit(entry: Omit<AuditEntry, 'at'>): void {
    try {
      settings.audit({ ...entry, at: isoTime(settings.clock.now()) });
    } catch (error) {
      settings.log.error({ err: error }, 'the audit failed');
    }
  }

  function neededFrom(sessionId: string): number {
    return known.neededFrom(sessionId);
  }

  function hasRoom(): boolean {
    return registry.handshakes() + early.length < settings.maxHandshakes;
  }

  function accept(transport: Transport, facts: ConnectionFacts = {}): void {
    const { dialect = 'plain' } = facts;
    if (!isDialectName(dialect))
      throw new RangeError(`accept(): unknown dialect; there are ${dialectNames.join(', ')}`);
    if (phase === 'closing') return transport.close(closeCodes.shutdown, 'shutdown');
    if (!hasRoom()) return transport.close(closeCodes.policy, 'too many connections in their handshake');
    // Its frames wait until somebody listens to them.
    if (phase === 'opening') early.push({ transport, facts });
    else begin(transport, facts);
  }

  function begin(transport: Transport, facts: ConnectionFacts): void {
    connectionCount += 1;
    const connection = new Connection({
      id: `connection-${connectionCount}`,
      transport,
      facts,
      settings,
      ledger,
      session: registry.begin(),
      handle: (asker, frame) => answer(asker, frame, requests),
      ended: ({ id }) => registry.connections.delete(id),
    });
    registry.connections.set(connection.id, connection);
  }

  async function open(): Promise<void> {
    const opened = ledger.open();
    if (!ledger.durable) phase = 'open';
    try {
      const found = await opened;
      if (ledger.durable && phase === 'opening') {
        await recover(found, { settings, agents, credentials, registry, jobs, known, subscriptions, ledger });
        // What has become of jobs is committed before anybody can ask.
        if (found.records.some(({ kind }) => kind === 'job')) await ledger.flush();
      }
    } catch (error) {
      phase = 'closing';
      stop();
      settings.log.error({ err: error }, 'the store cannot be opened: nothing is served');
      for (const { transport } of early.splice(0)) transport.close(closeCodes.internal, 'the store cannot be opened');
      throw error;
    }
    if (phase === 'opening') phase = 'open';
    for (const { transport, facts } of early.splice(0)) accept(transport, facts);
  }

  /** Nothing more can be promised: everybody is sent away, and what they had is in the store, or with its new owner. */
  function lost(trouble: StoreTrouble): void {
    phase = 'closing';
    for (const connection of registry.connections.values()) connection.close(closeCodes.internal, 'the store is lost');
    stop();
    ending ??= Promise.all([door.close(), ledger.close().catch(() => {})]).then(() => {});
    settleEnd?.reject(new StoreFailure(trouble));
  }

  /** Nobody hears of anything any more, and agents are told to stop. */
  function stop(): void {
    const running = jobs.all();
    registry.clear();
    jobs.clear();
    for (const job of running) {
      job.leave();
      void credentials.revoke(job);
    }
  }

  async function drain(): Promise<void> {
    // The runtime's own timers keep no process alive; a drain that someone awaits must.
    const awake = setInterval(() => {}, 60_000);
    phase = 'closing';
    if (ledger.durable) await ready.catch(() => {});
    const running = jobs.all().map((job) => job.settled);
    for (const session of registry.all()) session.actor.send({ type: 'runtime.shutdown' });
    // What clients are told waits for the store, and is not to be cut off.
    if (ledger.durable) await ledger.flush().catch(() => {});
    await door.close();
    const settled = [...running, jobs.credentialsSettled()];
    await within(ledger.durable ? settings.drainMs : settings.cancelGraceMs, settled);
    const kept = ledger.close();
    stop();
    // An agent that heeds its signal ends at once; one that does not is left behind.
    if (ledger.durable) await within(settings.cancelGraceMs, [...running, jobs.credentialsSettled()]);
    credentials.revocations.close();
    clearInterval(awake);
    await kept;
  }

  function within(limitMs: number, settled: readonly Promise<unknown>[]): Promise<unknown> {
    let timer: unknown;
    const limit = new Promise((resolve) => {
      timer = settings.clock.setTimeout(() => resolve(undefined), limitMs);
    });
    return Promise.race([Promise.all(settled), limit]).finally(() => settings.clock.clearTimeout(timer));
  }

  return {
    ready,
    closed,
    async listen(where) {
      await ready;
      return door.listen(where);
    },
    attach: (server, where) => door.attach(server, where),
    handleUpgrade: (request, socket, head) => door.handleUpgrade(request, socket, head),
    accept,
    sessions: () => registry.describe(),
    stats: () => statsOf({ settings, registry, jobs, ledger, credentials }),
    close() {
      ending ??= drain().then(settleEnd?.resolve, (error) => {
        settleEnd?.reject(error);
        throw error;
      });
      return ending;
    },
  };
}
