import { createActor } from 'xstate';
import type { sessionMachine, TokenAge } from '../machines/index.ts';
import type { Connection } from './connections/connection.ts';
import { ExpiringMap } from './expiring-map.ts';
import { traceSession } from './observe/trace-session.ts';
import type { Settings } from './options.ts';
import type { Ledger } from './records/ledger.ts';
import type { SessionRecord, TombstoneRecord } from './records/records.ts';
import { restoreSession, sessionRecord } from './records/session-record.ts';
import type { SessionInfo } from './runtime.ts';
import { Session, type SessionToken } from './session.ts';
import { hashToken, mintResumeToken, sameToken, type TokenHash } from './tokens.ts';
import { closeCodes } from './transports/transport.ts';
import { mintId } from './wire/ids.ts';

/** Refused hellos or resumes a socket may make; the last one closes it (§2). */
const refusalsMax = 3;
const tombstonesMax = 100_000;

export interface RegistryParts {
  machine: typeof sessionMachine;
  ledger: Ledger;
  /** Told of a session that failed inside the runtime, before it is forgotten. */
  failed(session: Session): void;
}

/** What is known of a session when a process begins. */
export interface RestoredSession {
  record: SessionRecord;
  /** Of its log, the numbers alone; undefined where none was ever written. */
  log: { trimmedSeq: number; newestSeq: number } | undefined;
  /** Ids of the jobs that were running. */
  jobs: readonly string[];
}

const restoredAs = {
  attached: 'session.restored',
  detached: 'session.restored',
  closed: 'session.restored.closed',
  expired: 'session.restored.expired',
} as const;

/**
 * Every session of a runtime: by id, and by the hash of each token that opens it. What keeps a detached session alive is
 * that it stands here; sessions are root actors in a plain map, since children of one actor would cost O(n) each.
 */
export class Registry {
  readonly #settings: Settings;
  readonly #machine: typeof sessionMachine;
  readonly #ledger: Ledger;
  readonly #failed: (session: Session) => void;
  readonly #byId = new Map<string, Session>();
  readonly #byToken = new Map<string, Session>();
  #admitted = 0;
  readonly #countByPrincipal = new Map<string, number>();
  /** By id, so that events can name who asked without holding a socket. */
  readonly connections = new Map<string, Connection>();
  /** Principals of expired sessions by token hash: expired can be told from unknown for one more window (§6.3). */
  readonly #tombstones: ExpiringMap<string, string>;

  constructor(settings: Settings, { machine, ledger, failed }: RegistryParts) {
    this.#settings = settings;
    this.#machine = machine;
    this.#ledger = ledger;
    this.#failed = failed;
    const { clock, resumeWindowMs } = settings;
    const gone = (hash: string) => ledger.delete('tombstone', hash);
    this.#tombstones = new ExpiringMap({ clock, keepMs: resumeWindowMs, entriesMax: tombstonesMax, gone });
  }

  /** A new session in `handshaking`, for a socket that has yet to say who it is. */
  begin(): Session {
    const session = this.#create(mintId('sess'));
    this.#ledger.keep(session.id, session.log);
    return session;
  }

  /** A session that an earlier process has left, with its running jobs' ids; its log stays on disk until it is asked for. */
  restore(id: string, { record, log, jobs }: RestoredSession): Session {
    const session = this.#create(id, Number.POSITIVE_INFINITY);
    const trimmedSeq = Math.min(Math.max(log?.trimmedSeq ?? 0, record.trimmedSeq ?? 0), log?.newestSeq ?? 0);
    this.#ledger.keep(id, session.log, log && { newestSeq: log.newestSeq, trimmedSeq });
    // A job's history has kept more on disk than a resume may ask for.
    if (log && trimmedSeq > log.trimmedSeq) this.#ledger.trimmed(session.log);
    restoreSession(session, record);
    this.#register(session);
    const nowMs = this.#ledger.nowMs();
    // Time while no process ran does not count, and who was connected then has a whole window.
    const untilMs = record.state === 'attached' ? nowMs + this.#settings.resumeWindowMs : (record.untilMs ?? nowMs);
    const isNews = record.state === 'attached' || record.tokens.some(({ fenceSeq }) => fenceSeq === undefined);
    if (isNews) this.keep(session, record.state === 'attached' ? 'detached' : record.state, untilMs);
    session.actor.send({
      type: restoredAs[record.state],
      principal: record.principal,
      goodTokens: session.tokens?.previous ? 2 : 1,
      windowLeftMs: Math.max(0, untilMs - nowMs),
      jobs,
    });
    return session;
  }

  /** Writes a session down as it is now: with a store that lasts, it is this record that the next process goes on from. */
  keep(
    session: Session,
    state: SessionRecord['state'],
    untilMs = this.#ledger.nowMs() + this.#settings.resumeWindowMs,
  ) {
    if (session.tokens && this.#ledger.durable)
      this.#ledger.put('session', session.id, sessionRecord(session, { state, untilMs }));
  }

  /** `handshakeTimeoutMs` is infinite where there is no handshake: an infinite delay costs no timer. */
  #create(id: string, handshakeTimeoutMs = this.#settings.handshakeTimeoutMs): Session {
    const { clock, inspect, log, store, backPressure, bufferEvents, bufferBytes } = this.#settings;
    const { resumeWindowMs, cancelGraceMs, revocationGraceMs } = this.#settings;
    const { onBye, onExpire } = this.#settings;
    const durations = { handshakeTimeoutMs, resumeWindowMs, cancelGraceMs, revocationGraceMs };
    const onShutdown = store.durable ? ('keep' as const) : ('abandon' as const);
    const input = { sessionId: id, ...durations, onBye, onExpire, onShutdown, refusalsMax };
    const actor = createActor(this.#machine, { input, clock, ...(inspect === undefined ? {} : { inspect }) });
    const session = new Session(id, { actor, log: store.openLog(id, { bufferEvents, bufferBytes }), backPressure });
    this.#byId.set(id, session);
    if (this.#settings.tracing) traceSession(session, this.#settings.tracing);
    actor.subscribe({
      error: (error) => {
        log.error({ sessionId: id, err: error }, 'a session failed');
        session.connection?.close(closeCodes.internal, 'internal error');
        session.connection?.release();
        session.connect(undefined);
        session.log.drop();
        this.forget(session);
        this.#failed(session);
      },
    });
    actor.start();
    return session;
  }

  byId(sessionId: string): Session | undefined {
    return this.#byId.get(sessionId);
  }

  all(): Iterable<Session> {
    return [...this.#byId.values()];
  }

  /** How many sockets have yet to say who they are. */
  handshakes(): number {
    return this.#byId.size - this.#admitted;
  }

  describe(): SessionInfo[] {
    return [...this.#byId.values()].map(({ id, state, principal, actor, log }) => ({
      sessionId: id,
      state,
      principal,
      jobs: actor.getSnapshot().context.jobs,
      newestSeq: log.newestSeq,
      bufferedBytes: log.bytes,
    }));
  }

  /** The session a token opens, and which of its tokens it is; undefined when unknown, rotated away, or over. */
  byToken(token: string): { session: Session; age: TokenAge; fenceSeq: number } | undefined {
    const hash = hashToken(token);
    const session = this.#byToken.get(key(hash));
    if (!session?.tokens) return undefined;
    const { current, previous } = session.tokens;
    if (sameToken(hash, current.hash)) return { session, age: 'current', fenceSeq: current.fenceSeq };
    if (previous && sameToken(hash, previous.hash)) return { session, age: 'previous', fenceSeq: previous.fenceSeq };
    return undefined;
  }

  /** Whether a token was that of an expired session of this principal. */
  remembersExpired(token: string, principal: string): boolean {
    return this.#tombstones.get(key(hashToken(token))) === principal;
  }

  hasRoomFor(principal: string): boolean {
    return (this.#countByPrincipal.get(principal) ?? 0) < this.#settings.maxSessionsPerPrincipal;
  }

  /** Registers an authenticated session under its principal and its first token, which is returned once. */
  admit(session: Session, principal: string): string {
    session.principal = principal;
    const token = mintResumeToken();
    session.tokens = { current: fresh(token), previous: undefined };
    this.#register(session);
    return token;
  }

  /** Gives the session a new token; the presented one stays good until `retirePrevious` (§6.3, the lost welcome). */
  rotate(session: Session, presented: TokenAge): string {
    const { tokens } = session;
    if (!tokens) throw new Error('rotate(): the session was never admitted');
    const [kept, dead] =
      presented === 'current' ? [tokens.current, tokens.previous] : [tokens.previous, tokens.current];
    if (dead) this.#byToken.delete(key(dead.hash));
    const token = mintResumeToken();
    session.tokens = { current: fresh(token), previous: kept };
    this.#byToken.set(key(session.tokens.current.hash), session);
    return token;
  }

  retirePrevious(session: Session): void {
    const { tokens } = session;
    if (!tokens?.previous) return;
    this.#byToken.delete(key(tokens.previous.hash));
    session.tokens = { current: tokens.current, previous: undefined };
  }

  /** Remembers, for one more window, that this session expired. */
  bury(session: Session): void {
    const { principal } = session;
    const untilMs = this.#ledger.nowMs() + this.#settings.resumeWindowMs;
    for (const hash of hashesOf(session)) {
      this.#tombstones.set(key(hash), principal);
      this.#ledger.put('tombstone', key(hash), { principal, untilMs } satisfies TombstoneRecord);
    }
  }

  /** Lets a session go: nothing leads to it any more. */
  forget(session: Session): void {
    if (!this.#byId.delete(session.id)) return;
    session.endSubscriptions();
    this.#ledger.forget(session.log);
    for (const hash of hashesOf(session)) this.#byToken.delete(key(hash));
    if (!session.tokens) return;
    this.#ledger.delete('session', session.id);
    this.#admitted -= 1;
    const count = (this.#countByPrincipal.get(session.principal) ?? 1) - 1;
    if (count > 0) this.#countByPrincipal.set(session.principal, count);
    else this.#countByPrincipal.delete(session.principal);
  }

  restoreTombstone(hash: string, { principal, untilMs }: TombstoneRecord): void {
    this.#tombstones.set(hash, principal, untilMs - this.#ledger.nowMs());
  }

  #register(session: Session): void {
    const { principal } = session;
    this.#admitted += 1;
    this.#countByPrincipal.set(principal, (this.#countByPrincipal.get(principal) ?? 0) + 1);
    for (const hash of hashesOf(session)) this.#byToken.set(key(hash), session);
  }

  clear(): void {
    for (const session of this.#byId.values()) session.actor.stop();
    this.#byId.clear();
    this.#byToken.clear();
    this.#countByPrincipal.clear();
    this.#tombstones.clear();
  }
}

function hashesOf({ tokens }: Session): TokenHash[] {
  if (!tokens) return [];
  return tokens.previous ? [tokens.current.hash, tokens.previous.hash] : [tokens.current.hash];
}

function fresh(token: string): SessionToken {
  return { hash: hashToken(token), fenceSeq: Number.POSITIVE_INFINITY };
}

function key(hash: TokenHash): string {
  return hash.toString('base64');
}
