import { createActor } from 'xstate';
import type { ClientEvent } from '../../machines/client.events.ts';
import { clientMachine } from '../../machines/client.ts';
import type { Clock } from '../clock.ts';
import { closeCodes } from '../transports/transport.ts';
import type { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import type { ClientFrameOf, ClientFrameType, WelcomePayload } from '../wire/messages.ts';
import { Attachment, frameText } from './attachment.ts';
import { type EndingFacts, endOf, expiryOf, labelOf, placeOf, reasonOf } from './endings.ts';
import { errorOf, messageOf } from './errors.ts';
import type { InboundFrame, SequencedFrame } from './frames.ts';
import { helloText } from './hello.ts';
import { Inbox } from './inbox.ts';
import { Link } from './link.ts';
import { Notices } from './notices.ts';
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
  readonly #link: Link;
  readonly #notices = new Notices();
  #resumeToken: string | undefined;
  #sessionId: string | undefined;
  /** Set from a welcome to the loss of its connection. */
  #attachment: Attachment | undefined;
  #welcome: WelcomePayload | undefined;
  #refusal: ArcpError | undefined;
  #resolveOpened = () => {};
  #rejectOpened: (error: Error) => void = () => {};
  #resolveEnded = () => {};

  constructor(url: string, settings: ClientSettings) {
    this.#url = url;
    this.#settings = settings;
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
    this.#link = new Link({
      dial: (options) => settings.dial(url, options),
      clock: settings.clock,
      opened: () => this.#actor.send({ type: 'transport.opened' }),
      listener: {
        heard: (frame, chars) => this.#hear(frame, chars),
        garbled: (problem) => this.#broken(problem),
        lost: (code, reason) => this.#lost(code, reason),
      },
    });
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    if (settings.onState) this.#notices.listen(settings.onState);
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
    return this.#notices.listen(listener);
  }

  /** Asks the runtime, now or as soon as there is a connection; again after a resume, until it answers (§6.3). */
  ask<Type extends ClientFrameType, Answer>(
    type: Type,
    asked: Asked<Type, Answer>,
    id = mintId('req'),
  ): Promise<Answer> {
    const text = frameText(type, asked.payload, { id, sessionId: this.#sessionId, jobId: asked.jobId });
    return this.#requests.ask(type, { ...asked, id, text }, this.#attachment?.send);
  }

  /** Tells that a job is not watched any more, if there is a connection: it has no answer. */
  readonly unsubscribe = (jobId: string): void => this.#attachment?.say('job.unsubscribe', { job_id: jobId });

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
      next: (snapshot) => this.#notices.tell(stateOf(snapshot.value)),
      error: (error) => this.#end(error instanceof Error ? error : new Error(messageOf(error))),
    });
    actor.start();
    return actor;
  }

  // Effects: each named by the chart.

  #machine() {
    return clientMachine.provide({
      actions: {
        dial: () => this.#link.dial(),
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

  #sayHello(): void {
    const ticket = this.#sessionId === undefined ? undefined : this.ticket;
    this.#link.connection?.send(helloText(this.#settings, ticket));
  }

  #abandon(): void {
    const { connectTimeoutMs, handshakeTimeoutMs } = this.#settings;
    const isWelcomeDue = this.#link.connection !== undefined;
    const waited = isWelcomeDue
      ? `no welcome within ${handshakeTimeoutMs} ms`
      : `no answer within ${connectTimeoutMs} ms`;
    this.#link.abandon(waited);
  }

  #attach(): void {
    const { clock } = this.#settings;
    const { connection } = this.#link;
    const welcome = this.#welcome;
    if (!connection || !welcome) return;
    this.#sessionId = welcome.session_id;
    this.#resumeToken = welcome.resume_token;
    this.#link.failure = this.#refusal = undefined;
    const { lastEventSeq } = this.inbox;
    const heartbeatLost = () => this.#actor.send({ type: 'heartbeat.lost', jitter: this.#settings.random() });
    this.#attachment = new Attachment({ connection, welcome, lastEventSeq, clock, heartbeatLost });
    this.#resolveOpened();
  }

  #detach(event: ClientEvent): void {
    this.#notices.explain({ reason: reasonOf(event) });
    if (event.type === 'transport.lost' && event.code === closeCodes.tooBig) this.#requests.rejectLongest();
    const code = event.type === 'heartbeat.lost' ? closeCodes.heartbeatLost : closeCodes.goodbye;
    this.#drop(code, reasonOf(event));
  }

  #sayFarewell(type: 'session.close' | 'session.bye', event: ClientEvent): void {
    this.#attachment?.flush();
    this.#attachment?.say(type, 'reason' in event && event.reason !== undefined ? { reason: event.reason } : {});
  }

  #end(error: Error): void {
    this.#notices.explain({ reason: labelOf(error), error });
    this.#drop(closeCodes.goodbye, '');
    this.#requests.fail(error);
    this.inbox.fail(error);
    this.#rejectOpened(error);
    this.#resolveEnded();
  }

  #drop(code: Parameters<Link['drop']>[0], reason: string): void {
    this.#attachment?.stop();
    this.#attachment = undefined;
    this.#link.drop(code, reason);
  }

  // What comes in.

  #hear(frame: InboundFrame, chars: number): void {
    switch (frame.type) {
      case 'job.event':
      case 'job.result':
      case 'job.error':
      case 'other':
        this.#take(frame, chars);
        break;
      case 'session.welcome':
        this.#welcomed(frame.payload);
        break;
      case 'session.ping':
        this.#answer(frame.id, frame.payload.nonce);
        break;
      case 'session.closed':
        this.#actor.send({ type: 'session.closed' });
        break;
      case 'session.bye': {
        const { reason, resumable } = frame.payload;
        const jitter = this.#settings.random();
        this.#actor.send({ type: 'session.bye', reason: reason ?? 'bye', resumable: resumable === true, jitter });
        break;
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

  #facts(): EndingFacts {
    const [refusal, { failure }] = [this.#refusal, this.#link];
    return { place: placeOf(this.#url), refusal, failure, hadWelcome: this.#attachment !== undefined };
  }
}

/** The chart's state by the one name it is told by. */
function stateOf(value: ReturnType<Actor['getSnapshot']>['value']): ClientState {
  if (typeof value === 'string') return value;
  return 'detached' in value ? value.detached : value.attached;
}
