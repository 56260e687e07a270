import { createActor } from 'xstate';
import type { ClientEvent } from '../../machines/client.events.ts';
import { clientMachine } from '../../machines/client.ts';
import type { Clock } from '../clock.ts';
import { closeCodes, type Transport } from '../transports/transport.ts';
import type { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import type { ClientFrameOf, ClientFrameType, WelcomePayload } from '../wire/messages.ts';
import { Attachment, frameText } from './attachment.ts';
import { Connection } from './connection.ts';
import { type EndingFacts, endOf, expiryOf, labelOf, reasonOf } from './endings.ts';
import { errorOf, messageOf } from './errors.ts';
import type { InboundFrame, SequencedFrame } from './frames.ts';
import { Inbox } from './inbox.ts';
import type { ClientSettings, ClientState, StateChange, Ticket } from './options.ts';
import { type Request, Requests } from './requests.ts';

/** A request before it has its id and text. */
export interface Asked<Type extends ClientFrameType, Answer> extends Pick<Request<Answer>, 'read' | 'readRefusal'> {
  payload: ClientFrameOf<Type>['payload'];
  jobId?: string;
}

type Actor = ReturnType<typeof createActor<typeof clientMachine>>;

/**
 * What a client's session owns while its chart (machines/client.ts) says what becomes of it: connection, tokens, requests
 * without an answer, events without a reader. Every effect the chart names is done here.
 */
export class Session {
  readonly inbox: Inbox;
  /** Resolves at the first welcome, rejects if the end comes first. */
  readonly opened: Promise<void>;
  /** Resolves at the end, whatever it is. */
  readonly ended: Promise<void>;
  readonly #url: string;
  readonly #settings: ClientSettings;
  readonly #actor: Actor;
  readonly #requests: Requests;
  readonly #listeners = new Set<(change: StateChange) => void>();
  #state: ClientState | undefined;
  #change: Pick<StateChange, 'reason' | 'error'> = {};
  #token: string;
  #resumeToken: string | undefined;
  #sessionId: string | undefined;
  #attempt: AbortController | undefined;
  #connection: Connection | undefined;
  /** Set from a welcome to the loss of its connection. */
  #attachment: Attachment | undefined;
  #welcome: WelcomePayload | undefined;
  #refusal: ArcpError | undefined;
  #failure: unknown;
  #resolveOpened = () => {};
  #rejectOpened: (error: Error) => void = () => {};
  #resolveEnded = () => {};

  constructor(url: string, settings: ClientSettings) {
    this.#url = url;
    this.#settings = settings;
    this.#token = settings.token;
    this.#sessionId = settings.resume?.sessionId;
    this.#resumeToken = settings.resume?.resumeToken;
    this.#requests = new Requests(settings.unansweredMax);
    this.inbox = new Inbox({
      lastEventSeq: settings.resume?.lastEventSeq ?? 0,
      bufferEvents: settings.bufferEvents,
      bufferBytes: settings.bufferBytes,
      awaitsAcceptance: () => this.#requests.has('job.submit'),
      roomAgain: () => this.#attachment && this.#broken('fetching what had no room'),
    });
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    if (settings.onState) this.#listeners.add(settings.onState);
    this.#actor = this.#start();
  }

  get clock(): Clock {
    return this.#settings.clock;
  }

  get state(): ClientState {
    return stateOf(this.#actor.getSnapshot().value);
  }

  /** The welcome of the newest connection. */
  get welcome(): WelcomePayload | undefined {
    return this.#welcome;
  }

  get ticket(): Ticket {
    const { lastEventSeq } = this.inbox;
    return { sessionId: this.#sessionId ?? '', resumeToken: this.#resumeToken ?? '', lastEventSeq };
  }

  /** Tells of every change of state from now on. Returns the way to stop. */
  listen(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the runtime, now or as soon as there is a connection; again after a resume, until it answers (§6.3). */
  ask<Type extends ClientFrameType, Answer>(type: Type, asked: Asked<Type, Answer>, id = mintId('req')): Promise<Answer> {
    const text = frameText(type, asked.payload, { id, sessionId: this.#sessionId, jobId: asked.jobId });
    return this.#requests.ask(type, { ...asked, id, text }, this.#attachment?.send);
  }

  /** Says goodbye; resolves at the end. */
  leave(farewell: 'close' | 'bye', reason: string | undefined): Promise<void> {
    if (this.#actor.getSnapshot().status !== 'active') return this.ended;
    this.#actor.send({ type: `${farewell}.requested`, ...(reason === undefined ? {} : { reason }) });
    return this.ended;
  }

  #start(): Actor {
    const { clock, inspect, resume, initialMs: patienceMs } = this.#settings;
    const { connectTimeoutMs, handshakeTimeoutMs, closeTimeoutMs, backoffBaseMs, backoffCapMs } = this.#settings;
    const timing = { patienceMs, connectTimeoutMs, handshakeTimeoutMs, closeTimeoutMs, backoffBaseMs, backoffCapMs };
    const actor = createActor(this.#machine(), {
      input: { sessionId: resume?.sessionId ?? null, ...timing },
      clock,
      ...(inspect && { inspect }),
    });
    actor.subscribe({
      next: (snapshot) => this.#tell(stateOf(snapshot.value)),
      error: (error) => this.#end(error instanceof Error ? error : new Error(messageOf(error))),
    });
    actor.start();
    return actor;
  }

  // Effects: each named by the chart.

  #machine() {
    return clientMachine.provide({
      actions: {
        dial: () => this.#dial(),
        sayHello: () => this.#sayHello(),
        abandon: () => this.#abandon(),
        attach: () => this.#attach(),
        resend: () => this.#attachment && this.#requests.sendAll(this.#attachment.send),
        prove: () => this.#attachment?.prove(),
        detach: ({ event }) => this.#detach(event),
        sayClose: ({ event }) => this.#sayFarewell('session.close', event),
        sayBye: ({ event }) => this.#sayFarewell('session.bye', event),
        expire: ({ event }) => this.#end(expiryOf(event, this.#facts())),
        end: ({ event }) => this.#end(endOf(event, this.#facts())),
      },
    });
  }

  #dial(): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    // A dial that throws and one that rejects are the same failure.
    const dialing = async () => this.#settings.dial(this.#url, { signal: attempt.signal });
    dialing().then(
      (transport) => {
        if (this.#attempt === attempt) this.#open(transport);
        else transport.close(closeCodes.goodbye);
      },
      (failure: unknown) => {
        if (this.#attempt !== attempt) return;
        this.#failure = failure;
        this.#lost(closeCodes.broken, messageOf(failure));
      },
    );
  }

  #open(transport: Transport): void {
    const connection = new Connection(transport, this.#settings.clock);
    this.#connection = connection;
    // A connection that is not the session's any more is heard no more, whatever still arrives.
    const isCurrent = () => this.#connection === connection;
    connection.listen({
      heard: (frame, chars) => isCurrent() && this.#hear(frame, chars),
      garbled: (problem) => isCurrent() && this.#broken(problem),
      lost: (code, reason) => {
        if (!isCurrent()) return;
        this.#failure ??= new Error(`the connection was closed before the welcome (${`${code} ${reason}`.trim()})`);
        this.#lost(code, reason);
      },
    });
    this.#actor.send({ type: 'transport.opened' });
  }

  #sayHello(): void {
    const { client, features } = this.#settings;
    const cursor = { resume_token: this.#resumeToken ?? '', last_event_seq: this.inbox.lastEventSeq };
    const resume =
      this.#sessionId === undefined ? {} : { resume: { session_id: this.#sessionId, ...cursor }, ...cursor };
    const payload: ClientFrameOf<'session.hello'>['payload'] = {
      client,
      auth: { scheme: 'bearer', token: this.#token },
      capabilities: { encodings: ['json'], features: [...features] },
      // Both spellings, so that every SDK's runtime understands one of them (§6.3).
      ...resume,
    };
    this.#connection?.send(frameText('session.hello', payload, { id: mintId('req') }));
  }

  #abandon(): void {
    const { connectTimeoutMs, handshakeTimeoutMs } = this.#settings;
    const waited = this.#connection ? `no welcome within ${handshakeTimeoutMs} ms` : `no answer within ${connectTimeoutMs} ms`;
    this.#failure = new Error(waited);
    this.#drop(closeCodes.goodbye, 'timed out');
    this.#lost(closeCodes.broken, waited);
  }

  #attach(): void {
    const { clock } = this.#settings;
    const connection = this.#connection;
    const welcome = this.#welcome;
    if (!connection || !welcome) return;
    this.#sessionId = welcome.session_id;
    this.#resumeToken = welcome.resume_token;
    this.#failure = this.#refusal = undefined;
    this.inbox.reopen();
    const { lastEventSeq } = this.inbox;
    const heartbeatLost = () => this.#actor.send({ type: 'heartbeat.lost', jitter: this.#settings.random() });
    this.#attachment = new Attachment({ connection, welcome, lastEventSeq, clock, heartbeatLost });
    this.#resolveOpened();
  }

  #detach(event: ClientEvent): void {
    this.#change = { reason: reasonOf(event) };
    if (event.type === 'transport.lost' && event.code === closeCodes.tooBig) this.#requests.rejectLongest();
    const code = event.type === 'heartbeat.lost' ? closeCodes.heartbeatLost : closeCodes.goodbye;
    this.#drop(code, reasonOf(event));
  }

  #sayFarewell(type: 'session.close' | 'session.bye', event: ClientEvent): void {
    this.#attachment?.flush();
    this.#attachment?.say(type, 'reason' in event && event.reason !== undefined ? { reason: event.reason } : {});
  }

  #end(error: Error): void {
    this.#change = { reason: labelOf(error), error };
    this.#drop(closeCodes.goodbye, '');
    this.#requests.fail(error);
    this.inbox.fail(error);
    this.#rejectOpened(error);
    this.#resolveEnded();
  }

  #drop(code: typeof closeCodes.goodbye | typeof closeCodes.heartbeatLost, reason: string): void {
    const attempt = this.#attempt;
    const connection = this.#connection;
    this.#attachment?.stop();
    this.#attempt = this.#connection = this.#attachment = undefined;
    attempt?.abort();
    connection?.close(code, reason);
  }

  // What comes in.

  #hear(frame: InboundFrame, chars: number): void {
    switch (frame.type) {
      case 'job.event':
      case 'job.result':
      case 'job.error':
      case 'other':
        return this.#take(frame, chars);
      case 'session.welcome':
        return this.#welcomed(frame.payload);
      case 'session.ping':
        return this.#answer(frame.id, frame.payload.nonce);
      case 'session.closed':
        return this.#actor.send({ type: 'session.closed' });
      case 'session.bye': {
        const { reason, resumable } = frame.payload;
        return this.#actor.send({ type: 'session.bye', reason: reason ?? 'bye', resumable, jitter: this.#settings.random() });
      }
      default:
        if (this.#attachment?.isProof(frame)) this.#actor.send({ type: 'replay.caughtUp' });
        else if (!this.#requests.settle(frame) && frame.type === 'session.error') this.#refused(errorOf(frame.payload));
    }
  }

  #take(frame: SequencedFrame, chars: number): void {
    const attachment = this.#attachment;
    if (!attachment) return;
    const taken = this.inbox.take(frame, chars);
    if (taken === 'taken') attachment.took(this.inbox.lastEventSeq);
    else if (taken === 'gap') this.#broken(`event ${this.inbox.lastEventSeq + 1} is missing before ${frame.event_seq}`);
  }

  #welcomed(welcome: WelcomePayload): void {
    // One session has one welcome a connection: a second one would bring a token nobody vouches for.
    if (this.#attachment) return;
    this.#welcome = welcome;
    const patienceMs = this.#settings.patienceMs(welcome.resume_window_sec);
    this.#actor.send({ type: 'session.welcome', sessionId: welcome.session_id, patienceMs });
  }

  #answer(id: string, nonce: string | undefined): void {
    const received_at = new Date(this.#settings.clock.now()).toISOString();
    this.#attachment?.say('session.pong', { ...(nonce === undefined ? {} : { ping_nonce: nonce }), received_at }, id);
  }

  #refused(error: ArcpError): void {
    this.#refusal = error;
    const { code, message, retryable } = error;
    this.#actor.send({ type: 'handshake.refused', code, message, retryable, jitter: this.#settings.random() });
  }

  #broken(reason: string): void {
    this.#actor.send({ type: 'stream.broken', reason, jitter: this.#settings.random() });
  }

  #lost(code: number, reason: string): void {
    this.#actor.send({ type: 'transport.lost', code, reason, jitter: this.#settings.random() });
  }

  // What goes to the application.

  #tell(state: ClientState): void {
    if (state === this.#state) return;
    this.#state = state;
    const isExplained = state === 'waiting' || state === 'expired' || state === 'closed';
    const change: StateChange = isExplained ? { state, ...this.#change } : { state };
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        // A listener's fault is its owner's to see, and no reason to lose a session.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #facts(): EndingFacts {
    return { place: placeOf(this.#url), refusal: this.#refusal, failure: this.#failure };
  }
}

/** The chart's state by the one name it is told by. */
function stateOf(value: ReturnType<Actor['getSnapshot']>['value']): ClientState {
  if (typeof value === 'string') return value;
  return 'detached' in value ? value.detached : value.attached;
}

/** A URL without what may be secret in it. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin + new URL(url).pathname : url;
}
