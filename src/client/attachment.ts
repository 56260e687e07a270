import type { Clock } from '../clock.ts';
import { watchHeartbeat } from '../connections/heartbeat.ts';
import { mintId } from '../wire/ids.ts';
import { type ClientFrameOf, type ClientFrameType, protocolVersion, type WelcomePayload } from '../wire/messages.ts';
import { Acks } from './acks.ts';
import type { Connection } from './connection.ts';
import type { InboundFrame } from './frames.ts';

export interface AttachmentOptions {
  connection: Connection;
  welcome: WelcomePayload;
  /** The last event received before this connection. */
  lastEventSeq: number;
  clock: Clock;
  /** Two whole heartbeat intervals have passed with nothing in. */
  heartbeatLost(): void;
}

/** A connection that has been welcomed, and what goes on over it by itself: acks and heartbeats, where negotiated. */
export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #acks: Acks | undefined;
  #stopHeartbeat = () => {};
  #recheck: unknown;
  #proofId: string | undefined;

  constructor(options: AttachmentOptions) {
    this.#options = options;
    const { welcome, lastEventSeq, clock } = options;
    const features = new Set(welcome.capabilities.features);
    if (features.has('ack')) this.#acks = new Acks(lastEventSeq, { clock, send: (seq) => this.#ack(seq) });
    if (features.has('heartbeat') && (welcome.heartbeat_interval_sec ?? 0) > 0) this.#watch();
  }

  /** Sends a frame of this session. */
  send = (text: string): void => this.#options.connection.send(text);

  say<Type extends ClientFrameType>(type: Type, payload: ClientFrameOf<Type>['payload'], id = mintId('req')): void {
    this.send(frameText(type, payload, { id, sessionId: this.#options.welcome.session_id }));
  }

  /** An event has been taken in. */
  took(seq: number): void {
    this.#acks?.took(seq);
  }

  /**
   * Shows at once that the new token has arrived, so that the one before it dies (§6.3). The answer to this ping comes
   * behind what the runtime had to say before it: the client is level with it again.
   */
  prove(): void {
    if (this.#acks && this.#options.lastEventSeq > 0) this.#ack(this.#options.lastEventSeq);
    this.#proofId = mintId('req');
    this.#ping(this.#proofId);
  }

  /** Whether a frame answers the ping of `prove`. */
  isProof(reply: InboundFrame): boolean {
    if (this.#proofId === undefined || (reply.type !== 'session.pong' && reply.type !== 'session.error')) return false;
    const { id, payload } = reply;
    const names = [id, payload.request_id, payload.reply_to, 'ping_nonce' in payload ? payload.ping_nonce : undefined];
    if (!names.includes(this.#proofId)) return false;
    this.#proofId = undefined;
    return true;
  }

  /** Acknowledges what has been taken in so far, before a goodbye. */
  flush(): void {
    this.#acks?.flush();
  }

  stop(): void {
    this.#acks?.stop();
    this.#stopHeartbeat();
    this.#options.clock.clearTimeout(this.#recheck);
  }

  #ack(seq: number): void {
    this.say('session.ack', { last_processed_seq: seq });
  }

  #ping(id: string): void {
    this.say('session.ping', { nonce: id, sent_at: new Date(this.#options.clock.now()).toISOString() }, id);
  }

  #watch(): void {
    const { clock, connection, welcome } = this.#options;
    const intervalMs = (welcome.heartbeat_interval_sec ?? 0) * 1000;
    this.#stopHeartbeat = watchHeartbeat({
      clock,
      intervalMs,
      lastInMs: () => connection.lastInMs,
      lastOutMs: () => connection.lastOutMs,
      ping: () => this.#ping(mintId('req')),
      lost: () => {
        // A process that was itself asleep or busy has not yet read what came in meanwhile: look again after it has.
        this.#recheck = clock.setTimeout(() => {
          if (clock.uptime() - connection.lastInMs >= 2 * intervalMs) this.#options.heartbeatLost();
          else this.#watch();
        }, 0);
      },
    });
  }
}

/** One outbound frame as text; absent fields are left out. */
export function frameText<Type extends ClientFrameType>(
  type: Type,
  payload: ClientFrameOf<Type>['payload'],
  { id, sessionId, jobId }: { id: string; sessionId?: string | undefined; jobId?: string | undefined },
): string {
  return JSON.stringify({ arcp: protocolVersion, id, type, session_id: sessionId, job_id: jobId, payload });
}
