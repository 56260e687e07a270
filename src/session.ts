import type { Actor } from 'xstate';
import type { sessionMachine } from '../machines/index.ts';
import type { Connection } from './connections/connection.ts';
import type { EventLog } from './log.ts';
import type { TokenHash } from './tokens.ts';
import type { Subscription } from './watching/subscription.ts';

import { type Dialect, dialects } from './wire/dialects.ts';
import type { EventBodies, Feature } from './wire/messages.ts';

/** A token of a session's, and the newest event its holder can have seen; infinite for one of this process's own. */
export interface SessionToken {
  hash: TokenHash;
  fenceSeq: number;
}

/** The tokens that open a session: the previous one too, until the client has shown that it got the current one (§6.3). */
export interface SessionTokens {
  current: SessionToken;
  previous: SessionToken | undefined;
}

/**
 * What a session owns while its chart (machines/session.ts) says what becomes of it: the log, the tokens' hashes, the
 * features, and the connection, if there is one.
 */
export class Session {
  readonly id: string;
  readonly log: EventLog;
  readonly actor: Actor<typeof sessionMachine>;
  principal = '';
  features: ReadonlySet<Feature> = new Set();
  /** How its numbered frames are written: as its first client speaks, also when another resumes it (§10). */
  dialect: Dialect = dialects.plain;
  tokens: SessionTokens | undefined;
  connection: Connection | undefined;
  /** Jobs of it whose terminal is not yet in the log: counted as they begin, before its chart hears of them. */
  jobCount = 0;
  /** The newest seq the client has acknowledged (§6.5). */
  ackedSeq = 0;
  /** The event that would put the client too far behind; infinite when it was told already, or cannot lag (§6.5). */
  lagsFromSeq = Number.POSITIVE_INFINITY;
  /** Frames as the submitter alone may see them, by number: the log keeps them without the secret in them (§9.8). */
  disclosed: Map<number, string> | undefined;
  /** What this session watches, by the id of the job (§7.6). */
  readonly subscriptions = new Map<string, Subscription>();
  readonly #backPressure: number;

  constructor(id: string, possessions: { log: EventLog; actor: Actor<typeof sessionMachine>; backPressure: number }) {
    this.id = id;
    this.log = possessions.log;
    this.actor = possessions.actor;
    this.#backPressure = possessions.backPressure;
  }

  /** The protocol's word for where the session is in its life. */
  get state(): 'handshaking' | 'live' | 'resumed' | 'detached' | 'closed' | 'expired' | 'ended' {
    const { value } = this.actor.getSnapshot();
    return typeof value === 'string' ? value : value.attached;
  }

  /** Of the next frame of the log, this client is given another text; forgotten once the frame is freed. */
  disclose(text: (eventSeq: number) => string): void {
    const { oldestSeq, newestSeq } = this.log;
    this.disclosed ??= new Map();
    for (const seq of this.disclosed.keys()) if (seq < oldestSeq) this.disclosed.delete(seq);
    this.disclosed.set(newestSeq + 1, text(newestSeq + 1));
  }

  /** Frees what the client has processed (§6.5). What it cannot have seen, or has said before, changes nothing. */
  acknowledge(seq: number): void {
    if (!Number.isInteger(seq) || seq <= this.ackedSeq || seq > this.log.newestSeq) return;
    this.ackedSeq = seq;
    this.log.trim(Math.min(seq, this.connection?.cursor ?? 0));
    const told = this.lagsFromSeq === Number.POSITIVE_INFINITY;
    if (!told || this.log.newestSeq - seq < this.#backPressure / 2) this.watchLag();
  }

  /** Takes over a connection, or lets it go: whom the log is delivered to, and from which event on it would lag. */
  connect(connection: Connection | undefined): void {
    this.connection = connection;
    this.log.reader = connection;
    this.watchLag();
    // A resume may have given the feature up.
    if (!this.features.has('subscribe')) this.endSubscriptions();
  }

  /** The welcome is said: the log is replayed, and what it watches goes on behind that. */
  replay(): void {
    this.connection?.beginReplay();
    for (const subscription of this.subscriptions.values()) subscription.resume();
  }

  endSubscriptions(): void {
    for (const subscription of this.subscriptions.values()) subscription.stop();
    this.subscriptions.clear();
  }

  /** Begins an episode of watching for lag; nobody lags who never promised to acknowledge, or who is not there. */
  watchLag(): void {
    const watched = this.connection && this.features.has('ack');
    this.lagsFromSeq = watched ? this.ackedSeq + this.#backPressure + 1 : Number.POSITIVE_INFINITY;
  }

  /** The event of this job has crossed the line: said once, on this job, until the lag is under half (§6.5). */
  tellLag(job: { note(body: EventBodies['status']): void }): void {
    const lag = this.log.newestSeq - this.ackedSeq;
    this.lagsFromSeq = Number.POSITIVE_INFINITY;
    job.note({ phase: 'back_pressure', message: `the client is ${lag} events behind` });
  }
}
