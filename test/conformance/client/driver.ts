import { isDeepStrictEqual } from 'node:util';
import type { InspectionEvent } from 'xstate';
import { type Client, type ClientState, connect, type StateChange } from '../../../src/client.ts';
import { type ClientAct, type ClientReference, type ClientSetup, dueIn, type Timer, timingOf } from './model.ts';
import type { ClientOutcome } from './outcome.ts';
import { Arrivals, type Attempt, type ClientPlace } from './place.ts';
import { Player } from './player.ts';

/** Drives the real client: plays the application that uses it, has the runtime played, and sees what both of them see. */
export class ClientDriver {
  readonly #place: ClientPlace;
  readonly #setup: ClientSetup;
  readonly #timing: Record<Timer, number>;
  readonly #told = new Arrivals<StateChange>();
  readonly #opening: Promise<Client>;
  readonly #player: Player;
  #client: Client | undefined;
  #attempt: Attempt | undefined;
  #last: StateChange | undefined;
  #leftBy: 'close' | 'bye' = 'close';
  #submitting: Promise<unknown> | undefined;
  readonly #read: number[] = [];
  #reading: Promise<unknown> | undefined;
  #faults: string[] = [];

  constructor(place: ClientPlace, setup: ClientSetup, inspect: (event: InspectionEvent) => void) {
    this.#place = place;
    this.#setup = setup;
    this.#timing = timingOf(setup);
    const { connect: connectTimeoutMs, handshake: handshakeTimeoutMs, close: closeTimeoutMs } = this.#timing;
    const { backoff, patience: giveUpMs, heartbeat } = this.#timing;
    const ticket = setup.hasTicket ? { sessionId: 'sess_1', resumeToken: 'rt_0', lastEventSeq: 3 } : undefined;
    this.#player = new Player({ ticket, heartbeatMs: setup.due.includes('heartbeat') ? heartbeat : undefined });
    this.#opening = connect(place.url, {
      ...place.options,
      ...{ connectTimeoutMs, handshakeTimeoutMs, closeTimeoutMs },
      ...(ticket && { resume: ticket }),
      token: 'tok-alice',
      reconnect: { baseMs: backoff, capMs: backoff, giveUpMs, initialMs: setup.isPatient ? giveUpMs : 0 },
      random: () => 1,
      inspect,
      onState: (change) => this.#told.add(change),
    });
    this.#opening.catch(() => {});
  }

  /** Waits until the client is making its first connection. */
  async begin(): Promise<void> {
    await this.#arrive('connecting');
  }

  /** Does the act, waits for what has to come of it, and tells what went otherwise. */
  async perform(at: ClientReference, act: ClientAct, outcome: ClientOutcome): Promise<string[]> {
    this.#faults = [];
    try {
      await inTime(this.#perform(at, act, outcome));
    } catch (error) {
      this.#faults.push(error instanceof Error ? error.message : String(error));
    }
    return [...this.#faults, ...this.#player.takeFaults()];
  }

  async #perform(at: ClientReference, act: ClientAct, outcome: ClientOutcome): Promise<void> {
    const [attempt, { stage }] = [this.#attempt, this.#player];
    await this.#act(act);
    for (const state of outcome.told) await this.#arrive(state);
    if (outcome.closes !== undefined) {
      if (stage) this.#same('the code it closes with', (await stage.closed).code, outcome.closes);
      else await attempt?.abandoned;
    }
    await this.#place.reached(this.#player.stage);
    if (outcome.ends !== undefined) await this.#expectEnd(outcome.ends);
    else this.#expectAt(at, outcome.next);
  }

  /** Lets go of whatever the walk has left open. */
  async end(): Promise<void> {
    void this.#client?.close();
    this.#player.stage?.end(4001, 'the walk is over');
    this.#place.close();
  }

  async #act(act: ClientAct): Promise<void> {
    const client = this.#client;
    switch (act.do) {
      case 'time':
        return this.#place.pass(act.over === 'heartbeat' ? 2 * this.#timing.heartbeat : this.#timing[act.over]);
      case 'made':
        this.#player.stage = await this.#attempt?.accept();
        return;
      case 'refused connection':
        return this.#attempt?.refuse();
      case 'leave':
        this.#leftBy = act.by;
        void client?.[act.by]('enough');
        return;
      case 'submit':
        this.#submitting = client?.submit('counter', { count: 5 });
        this.#submitting?.catch(() => {});
        return this.#player.asked();
      case 'answer':
        await this.#player.play(act);
        await this.#submitting;
        this.#submitting = undefined;
        return;
      default:
        return this.#player.play(act);
    }
  }

  /** The next state told of has to be this one; then what the client has to do in it is awaited. */
  async #arrive(state: ClientState): Promise<void> {
    const change = await this.#told.next();
    this.#last = change;
    this.#same('the state told of', change.state, state);
    const isAttaching = state === 'resumed' || (state === 'live' && this.#player.hello !== undefined);
    switch (state) {
      case 'connecting':
        this.#attempt = await this.#place.attempt();
        return;
      case 'handshaking':
        return this.#player.greeted();
      case 'waiting':
        this.#player.leave();
        return;
      case 'closing':
        return this.#player.takenLeaveOf(this.#leftBy);
      default:
        if (isAttaching) await this.#attached(state);
    }
  }

  async #attached(state: ClientState): Promise<void> {
    await this.#player.attached(state);
    if (this.#client) return;
    const client = await this.#opening;
    this.#client = client;
    const read = async () => {
      for await (const { seq } of client.job('job_1')) this.#read.push(seq);
    };
    this.#reading = rejectionOf(read());
  }

  #expectAt(at: ClientReference, next: ClientReference): void {
    // Where time passes, what is due may have come already.
    const isMoving = this.#setup.time === 'passes' && dueIn(next, this.#setup).length > 0;
    if (!isMoving) this.#same('states told of beyond', this.#told.left.map(({ state }) => state).join(), '');
    if (!this.#client || isMoving) return;
    this.#same('its state', this.#client.state, next.state);
    this.#same('its ticket', this.#client.ticket, this.#player.ticket);
    if (at.isOpened) this.#same('the events read', this.#read, this.#player.sent);
  }

  /** The end is told to everybody who waits, and with the same error. */
  async #expectEnd(why: string): Promise<void> {
    const { reason, error } = this.#last ?? {};
    this.#same('why it ended', reason, why);
    const client = this.#client;
    if (!client) return this.#same('what connect() rejects with', await rejectionOf(this.#opening), error);
    this.#same('what the iteration throws', await this.#reading, error);
    this.#same('what a submit rejects with, later', await rejectionOf(client.submit('counter')), error);
    if (this.#submitting) this.#same('what the submit rejects with', await rejectionOf(this.#submitting), error);
    this.#same('the events read', this.#read, this.#player.sent);
    await client.close();
  }

  #same(what: string, seen: unknown, wanted: unknown): void {
    const isSame = seen instanceof Error ? seen === wanted : isDeepStrictEqual(seen, wanted);
    if (!isSame) this.#faults.push(`${what}: expected ${JSON.stringify(wanted)}, saw ${JSON.stringify(seen)}`);
  }
}

const patienceMs = 5000;

/** What does not come is a fault too, told as such. */
function inTime(step: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = new Error(`what has to come of it did not come in ${patienceMs / 1000} seconds`);
    const timer = setTimeout(() => reject(late), patienceMs);
    step.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** What a promise rejects with; a string where it does not. */
function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'nothing: it resolved',
    (error: unknown) => error,
  );
}
