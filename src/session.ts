import type { Actor } from 'xstate';
import type { sessionMachine } from '../machines/index.ts';
import type { Connection } from './connection.ts';
import type { Job } from './job.ts';
import type { EventLog } from './log.ts';
import type { TokenHash } from './tokens.ts';
import { mintId } from './wire/ids.ts';
import { type Feature, protocolVersion, type SequencedType } from './wire/messages.ts';

/** The tokens that open a session: the previous one too, until the client has shown that it got the current one (§6.3). */
export interface SessionTokens {
  current: TokenHash;
  previous: TokenHash | undefined;
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
  tokens: SessionTokens | undefined;
  connection: Connection | undefined;
  /** The newest seq the client has acknowledged (§6.5). */
  ackedSeq = 0;
  /** What the log's lag has come to in this episode of back-pressure: told once, until the lag is under half (§6.5). */
  lag: 'within' | 'told' = 'within';
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

  /**
   * Numbers and keeps a frame of a job, its payload as JSON text, then wakes whoever reads. The same whether a client is
   * there or not.
   */
  append(job: Job, type: SequencedType, payload: string): void {
    const head = `{"arcp":"${protocolVersion}","id":"${mintId('msg')}","type":"${type}",${job.envelope}"event_seq":`;
    this.log.append((eventSeq) => `${head}${eventSeq},"payload":${payload}}`);
    this.connection?.wake();
    if (this.lag === 'within' && this.connection && this.features.has('ack')) this.#watchLag(job);
  }

  /** Frees what the client has processed (§6.5). What it cannot have seen, or has said before, changes nothing. */
  acknowledge(seq: number): void {
    if (!Number.isInteger(seq) || seq <= this.ackedSeq || seq > this.log.newestSeq) return;
    this.ackedSeq = seq;
    this.log.trim(Math.min(seq, this.connection?.cursor ?? 0));
    if (this.log.newestSeq - seq < this.#backPressure / 2) this.lag = 'within';
  }

  #watchLag(job: Job): void {
    const lag = this.log.newestSeq - this.ackedSeq;
    if (lag <= this.#backPressure) return;
    this.lag = 'told';
    job.emit('status', { phase: 'back_pressure', message: `the client is ${lag} events behind` });
  }
}
