import { createActor } from 'xstate';
import type { sessionMachine, TokenAge } from '../machines/index.ts';
import type { Connection } from './connection.ts';
import { ExpiringMap } from './expiring-map.ts';
import type { Ledger } from './ledger.ts';
import { traceSession } from './observe/trace-session.ts';
import type { Settings } from './options.ts';
import type { SessionInfo } from './runtime.ts';
import { Session } from './session.ts';
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
    this.#tombstones = new ExpiringMap({ clock, keepMs: resumeWindowMs, entriesMax: tombstonesMax });
  }

  /** A new session in `handshaking`, for a socket that has yet to say who it is. */
  begin(): Session {
    const { clock, inspect, log, store, backPressure, bufferEvents, bufferBytes } = this.#settings;
    const { handshakeTimeoutMs, resumeWindowMs, cancelGraceMs, revocationGraceMs } = this.#settings;
    const { onBye, onExpire } = this.#settings;
    const id = mintId('sess');
    const durations = { handshakeTimeoutMs, resumeWindowMs, cancelGraceMs, revocationGraceMs };
    const input = { sessionId: id, ...durations, onBye, onExpire, refusalsMax };
    const actor = createActor(this.#machine, { input, clock, ...(inspect === undefined ? {} : { inspect }) });
    const session = new Session(id, { actor, log: store.openLog(id, { bufferEvents, bufferBytes }), backPressure });
    this.#ledger.keep(id, session.log);
    this.#byId.set(id, session);
    if (this.#settings.tracing) traceSession(session, this.#settings.tracing);
    actor.subscribe({
      error: (error) => {
        log.error({ sessionId: id, err: error }, 'a session failed');
        session.connection?.close(closeCodes.internal, 'internal error');
        session.connection?.release();
        session.connect(undefined);
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
  byToken(token: string): { session: Session; age: TokenAge } | undefined {
    const hash = hashToken(token);
    const session = this.#byToken.get(key(hash));
    if (!session?.tokens) return undefined;
    const { current, previous } = session.tokens;
    if (sameToken(hash, current)) return { session, age: 'current' };
    if (previous && sameToken(hash, previous)) return { session, age: 'previous' };
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
    this.#admitted += 1;
    this.#countByPrincipal.set(principal, (this.#countByPrincipal.get(principal) ?? 0) + 1);
    const token = mintResumeToken();
    session.tokens = { current: hashToken(token), previous: undefined };
    this.#byToken.set(key(session.tokens.current), session);
    return token;
  }

  /** Gives the session a new token; the presented one stays good until `retirePrevious` (§6.3, the lost welcome). */
  rotate(session: Session, presented: TokenAge): string {
    const { tokens } = session;
    if (!tokens) throw new Error('rotate(): the session was never admitted');
    const [kept, dead] =
      presented === 'current' ? [tokens.current, tokens.previous] : [tokens.previous, tokens.current];
    if (dead) this.#byToken.delete(key(dead));
    const token = mintResumeToken();
    session.tokens = { current: hashToken(token), previous: kept };
    this.#byToken.set(key(session.tokens.current), session);
    return token;
  }

  retirePrevious(session: Session): void {
    const { tokens } = session;
    if (!tokens?.previous) return;
    this.#byToken.delete(key(tokens.previous));
    session.tokens = { current: tokens.current, previous: undefined };
  }

  /** Remembers, for one more window, that this session expired. */
  bury(session: Session): void {
    for (const hash of hashesOf(session)) this.#tombstones.set(key(hash), session.principal);
  }

  /** Lets a session go: nothing leads to it any more. */
  forget(session: Session): void {
    if (!this.#byId.delete(session.id)) return;
    this.#ledger.forget(session.log);
    for (const hash of hashesOf(session)) this.#byToken.delete(key(hash));
    if (!session.tokens) return;
    this.#admitted -= 1;
    const count = (this.#countByPrincipal.get(session.principal) ?? 1) - 1;
    if (count > 0) this.#countByPrincipal.set(session.principal, count);
    else this.#countByPrincipal.delete(session.principal);
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
  return tokens.previous ? [tokens.current, tokens.previous] : [tokens.current];
}

function key(hash: TokenHash): string {
  return hash.toString('base64');
}
