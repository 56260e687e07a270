import type { Asker } from '../../machines/index.ts';
import { isoTime } from '../clock.ts';
import type { Settings } from '../options.ts';
import type { Ledger } from '../records/ledger.ts';
import type { Session } from '../session.ts';
import { type ConnectionFacts, closeCodes, type Transport } from '../transports/transport.ts';
import { decode } from '../wire/codec.ts';
import { type Dialect, dialects } from '../wire/dialects.ts';
import type { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import type { ClientFrame, Feature, RuntimeFrameOf, RuntimeFrameType } from '../wire/messages.ts';
import { watchHeartbeat } from './heartbeat.ts';
import { type HeldFrame, HeldFrames } from './held-frames.ts';
import { Outbox } from './outbox.ts';
import { tokenBucket } from './rate.ts';
import { type Address, type Refused, type Reply, refusals, replyText } from './reply.ts';
import { watchStall } from './stall.ts';

/** Bytes one write carries at most, so that progress can be seen, and bytes a socket may hold before the log waits. */
const batchBytesMax = 64 * 1024;
const paceBytes = 512 * 1024;

export interface ConnectionOptions {
  id: string;
  transport: Transport;
  facts: ConnectionFacts;
  settings: Settings;
  ledger: Ledger;
  /** The session in `handshaking` that came to be with this connection. */
  session: Session;
  handle(connection: Connection, frame: ClientFrame): void;
  ended(connection: Connection): void;
}

/**
 * One socket, the only writer to it, and a cursor on its session's log. A connection that is not its session's own any more
 * (`session.connection !== this`: replaced, refused, said goodbye) is heard no more, whatever still arrives.
 */
export class Connection {
  readonly id: string;
  readonly facts: ConnectionFacts;
  session: Session;
  /** The last frame of the log that was written to this socket. */
  cursor = 0;
  /** Where the replay of a resume ends; beyond the log, nothing is being replayed. */
  #replayUntil = Number.POSITIVE_INFINITY;
  /** The features the hello or resume asked for; undefined where it named none. */
  asked: readonly string[] | undefined;
  /** How the client on it speaks (§10): replies are in its dialect, the log in that of its session. */
  dialect: Dialect;
  readonly #options: ConnectionOptions;
  readonly #transport: Transport;
  /** Replies that wait for the store; none where it does not last. */
  readonly #outbox: Outbox | undefined;
  readonly #rate: { take(nowMs: number): boolean };
  readonly #held: HeldFrames;
  #lastInMs: number;
  #lastOutMs: number;
  #pumping: 'idle' | 'due' | 'paused' = 'idle';
  #drains = 0;
  #stopStallWatch: (() => void) | undefined;
  #stopHeartbeat = () => {};
  #roomWaiters: (() => void)[] = [];

  constructor(options: ConnectionOptions) {
    const { transport, settings, session, ledger } = options;
    this.id = options.id;
    this.facts = options.facts;
    this.dialect = dialects[options.facts.dialect ?? 'plain'];
    this.session = session;
    this.#options = options;
    this.#transport = transport;
    const send = (text: string) => this.#write(text);
    const close = (code: number, reason: string) => transport.close(code, reason);
    if (ledger.durable) this.#outbox = new Outbox({ ledger, send, close, left: () => this.wake() });
    this.#rate = tokenBucket(settings.maxFramesPerSecond);
    this.#held = new HeldFrames(settings.maxFrameBytes);
    this.#lastInMs = this.#lastOutMs = settings.clock.uptime();
    session.connection = this;
    transport.onClose((code) => this.#closed(code));
    transport.onDrain?.(() => this.#drained());
    transport.onMessage((data) => this.#receive(data));
  }

  // In: transport → receive → decode → handle.

  #receive(data: string | Uint8Array): void {
    if (this.session.connection !== this) return;
    this.#lastInMs = this.#options.settings.clock.uptime();
    if (typeof data !== 'string') return this.#lose(closeCodes.binary, 'frames are text');
    const { maxFrameBytes } = this.#options.settings;
    // Transports of ours stop a frame that is too big before it is read whole; an embedder's may not.
    if (data.length > maxFrameBytes) return this.#lose(closeCodes.tooBig, `frames have at most ${maxFrameBytes} bytes`);
    if (!this.#rate.take(this.#lastInMs)) return this.#flooded('too many frames a second');
    if (this.#outbox?.isFull) return this.#flooded('too many requests wait for the store');
    const isWelcomed = this.session.state !== 'handshaking' && !this.#outbox?.holdsWelcome;
    const sent = isWelcomed ? 'after welcome' : 'before welcome';
    if (!this.#held.isHolding) return this.#read(data, sent);
    if (!this.#held.take({ text: data, sent })) this.#flooded('too much behind a request that is not answered yet');
  }

  /** Keeps what follows a request waiting until that is answered (§4); returns the way to go on. */
  hold(): () => void {
    this.#held.begin();
    return () =>
      this.#held.end(({ text, sent }) => {
        if (this.session.connection !== this) return 'stop';
        this.#read(text, sent);
        return 'go on';
      });
  }

  #read(text: string, sent: HeldFrame['sent']): void {
    const { session } = this;
    // Only a frame written after the welcome shows that the client has its new token (§6.3).
    if (sent === 'after welcome' && session.tokens?.previous) session.actor.send({ type: 'token.proven' });
    const decoded = decode(text);
    if (!decoded.ok) {
      const asker: Asker = { connectionId: this.id, requestId: decoded.requestId ?? '' };
      const { problem, type } = decoded;
      session.actor.send({ type: 'frame.malformed', asker, problem, ...(type === undefined ? {} : { frame: type }) });
    } else {
      this.#options.handle(this, decoded.frame);
    }
  }

  #flooded(message: string): void {
    this.reply('session.error', '', { code: 'PERMISSION_DENIED', message, retryable: false });
    this.#lose(closeCodes.policy, message);
  }

  /** Ends the socket for a reason of the transport's: the session hears of a loss, never of a goodbye. */
  #lose(code: number, reason: string): void {
    this.close(code, reason);
    this.session.actor.send({ type: 'transport.lost', code });
  }

  #closed(code: number): void {
    this.#options.ended(this);
    this.#outbox?.drop();
    this.release();
    if (this.session.connection === this) this.session.actor.send({ type: 'transport.lost', code });
  }

  // Out: replies at once, the log as the socket takes it.

  /** Answers a request, in every place a client may look for its id (§4): at once, or when what it promises is committed. */
  reply<Type extends RuntimeFrameType>(
    type: Type,
    to: string | Address,
    payload: Omit<RuntimeFrameOf<Type>['payload'], 'request_id' | 'reply_to'>,
  ): void {
    this.#send({ type, to: typeof to === 'string' ? { requestId: to } : to, payload });
  }

  /** The one place where an error becomes a frame, in whichever form the client reads (§10). */
  refuse(to: string | Refused, error: ArcpError): void {
    const { session, dialect } = this;
    const now = () => isoTime(this.#options.settings.clock.now());
    const refused = typeof to === 'string' ? { requestId: to } : to;
    for (const reply of refusals(refused, error, { session, dialect, now })) this.#send(reply);
  }

  #send(reply: Reply): void {
    const { type } = reply;
    const text = replyText(reply, this);
    if (this.#outbox) this.#outbox.reply({ type, text });
    else this.#write(text);
  }

  close(code: number, reason: string): void {
    (this.#outbox ?? this.#transport).close(code, reason);
  }

  /** Starts what a session's own connection does: heartbeats, where negotiated. */
  engage(features: ReadonlySet<Feature>): void {
    if (!features.has('heartbeat')) return;
    const { clock, heartbeatMs } = this.#options.settings;
    this.#stopHeartbeat = watchHeartbeat({
      clock,
      intervalMs: heartbeatMs,
      lastInMs: () => this.#lastInMs,
      lastOutMs: () => this.#lastOutMs,
      ping: () => this.reply('session.ping', '', { nonce: mintId('msg'), sent_at: isoTime(clock.now()) }),
      lost: () => this.session.actor.send({ type: 'heartbeat.lost' }),
    });
  }

  /** Replays what the client has missed (§6.3): the same loop as live delivery, told when it has caught up. */
  beginReplay(): void {
    this.#replayUntil = this.session.log.newestSeq;
    this.#options.settings.tally.replayedEvents += this.#replayUntil - this.cursor;
    this.#pump();
  }

  /** Stops every timer and lets go of whoever waits for room. */
  release(): void {
    this.#stopHeartbeat();
    this.#stopStallWatch?.();
    this.#stopStallWatch = undefined;
    this.#roomFound();
  }

  /** There is more in the log. Many appends of one turn of the event loop become one write. */
  wake(): void {
    if (this.#pumping !== 'idle') return;
    this.#pumping = 'due';
    queueMicrotask(this.#pump);
  }

  /** The log is full and would free what this socket has not had: the socket takes as much as it may hold. */
  hurry(): void {
    // The frame about to be freed has gone out already.
    if (this.cursor >= this.session.log.oldestSeq) return;
    this.#pump(this.#options.settings.maxUnsentBytes);
  }

  /** Writes the log from the cursor on, as long as the socket holds fewer than `limitBytes` (§6.5). */
  readonly #pump = (limitBytes: number = paceBytes): void => {
    const { session } = this;
    if (session.connection !== this) return;
    if (this.#pumping === 'due') this.#pumping = 'idle';
    if (this.#outbox?.holdsWelcome) return;
    const { log, disclosed } = session;
    const { clock, maxUnsentBytes } = this.#options.settings;
    while (this.cursor < log.durableSeq) {
      const roomBytes = Math.min(limitBytes, maxUnsentBytes) - this.#unsentBytes();
      if (roomBytes <= 0) return this.#pause();
      const kept = log.read(this.cursor, Math.min(roomBytes, batchBytesMax));
      const { cursor } = this;
      const batch = disclosed ? kept.map((text, index) => disclosed.get(cursor + 1 + index) ?? text) : kept;
      // The log freed what this socket has not had: to go on would be a gap.
      if (batch.length === 0) return session.actor.send({ type: 'consumer.stalled' });
      this.cursor += batch.length;
      this.#lastOutMs = clock.uptime();
      if (this.#transport.sendAll) this.#transport.sendAll(batch);
      else for (const text of batch) this.#transport.send(text);
    }
    if (this.#roomWaiters.length > 0) this.#roomFound();
    if (this.cursor >= this.#replayUntil) {
      this.#replayUntil = Number.POSITIVE_INFINITY;
      session.actor.send({ type: 'replay.caughtUp' });
    }
  };

  /** Resolves, where the socket has not had everything up to `seq`, when it has had all that may be seen, or is let go. */
  room(seq = this.session.log.durableSeq): Promise<void> {
    if (this.cursor >= seq || this.session.connection !== this) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  #write(text: string): void {
    this.#lastOutMs = this.#options.settings.clock.uptime();
    this.#transport.send(text);
    if (this.#unsentBytes() >= paceBytes) this.#watchStall();
  }

  #unsentBytes(): number {
    return this.#transport.unsentBytes?.() ?? 0;
  }

  #pause(): void {
    this.#pumping = 'paused';
    this.#watchStall();
  }

  #drained(): void {
    this.#drains += 1;
    if (this.#pumping !== 'paused') return;
    this.#pumping = 'idle';
    this.#pump();
  }

  #roomFound(): void {
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  #watchStall(): void {
    const { clock, stallTimeoutMs, maxUnsentBytes } = this.#options.settings;
    this.#stopStallWatch ??= watchStall({
      clock,
      timeoutMs: stallTimeoutMs,
      drains: () => this.#drains,
      unsentBytes: () => this.#unsentBytes(),
      owesTooMuch: () => this.#unsentBytes() + this.session.log.bytesAfter(this.cursor) > maxUnsentBytes,
      stalled: () => this.session.actor.send({ type: 'consumer.stalled' }),
      ended: () => {
        this.#stopStallWatch = undefined;
      },
    });
  }
}
