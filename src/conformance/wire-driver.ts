import type { SessionInfo } from '../runtime.ts';
import type { Observed, SessionDriver } from './driver.ts';
import { LogWitness } from './log-witness.ts';
import type { Act, ResumeAct } from './model.ts';
import { endOf, isAttached, isCancelling, isRunning, type Reference } from './reference.ts';
import { durations, lapses, windowToSpend } from './session-input.ts';
import type { Stage } from './stage.ts';
import { Wire, type WireFrame } from './wire.ts';
import { answerOf, authOf, sendResume } from './wire-frames.ts';
import { closing, refusedGreeting, sideSession } from './wire-handshake.ts';
import { outliveLease, submission, type Wanted, WireJobs, wantedBy } from './wire-jobs.ts';
import { type RequestScene, request } from './wire-request.ts';
import { cursorOf, WireTokens } from './wire-tokens.ts';

type Seen = Pick<Observed, 'answer' | 'closes' | 'supersedes'>;

/** So much of a window may come again after a crash: time is written once a second. */
const timeLostMsMax = 1000;

const nothing: Seen = { answer: null, closes: null };

/**
 * Levels (b) to (d): a runtime spoken to in frames, over whatever carries them. It sees what a client sees, holds what every
 * connection brought against the others, and asks the runtime itself only where the stage can.
 */
export class WireDriver implements SessionDriver {
  readonly #stage: Stage;
  readonly #log = new LogWitness();
  readonly #first: Promise<Wire>;
  #own: Wire | undefined;
  #ghost: Wire | undefined;
  #sessionId = '';
  readonly #tokens = new WireTokens();
  readonly #jobs = new WireJobs();
  #nowMs = 0;
  #detachedMs = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#first = stage.open().then((link) => new Wire(link));
  }

  async perform(at: Reference, act: Act): Promise<Observed> {
    this.#own ??= await this.#first;
    if (at.tokens === 1) this.#tokens.prove();
    const endsBefore = this.#log.ends.length;
    const seen = await this.#act(at, act, this.#own);
    if (act.do === 'shutdown') return seen;
    const info = seen.answer?.type === 'session.welcome' ? await this.#caughtUp(act) : await this.#info();
    const state = this.#state(info);
    if (at.state !== 'detached' && state === 'detached') this.#detachedMs = this.#nowMs;
    const complete = await this.#everythingCame(info);
    const jobs = await this.#jobs.seen(this.#stage, info);
    const ends = this.#log.ends.slice(endsBefore).map(({ status }) => status);
    return {
      ...(state === undefined ? {} : { state }),
      ...(jobs === undefined ? {} : { jobs }),
      ...seen,
      // A replay brings the ends of earlier acts.
      ...(complete && act.do !== 'resume' && act.do !== 'read on' ? { terminals: ends } : {}),
      faults: this.#log.takeFaults(),
    };
  }

  async end(): Promise<void> {
    await this.#stage.close();
  }

  async #act(at: Reference, act: Act, own: Wire): Promise<Seen> {
    switch (act.do) {
      case 'hello': {
        const capabilities = { features: ['ack', 'heartbeat', 'lease_expires_at'] };
        const welcome = await own.ask('session.hello', { ...authOf(this.#stage, 'own'), capabilities });
        this.#welcomed(own, welcome, { cursor: 0, presented: undefined });
        return { answer: answerOf(welcome), closes: null };
      }
      case 'handshake timeout':
        await this.#advance(durations.handshakeTimeoutMs - this.#nowMs - (act.moment === 'over' ? 0 : 1));
        return act.moment === 'over' ? { answer: null, ...(await closing(own)) } : nothing;
      case 'resume':
        return this.#resume(at, act, own);
      case "stranger's cancel": {
        const job = at.jobs.find(isRunning) ?? at.jobs[0];
        const { side } = await sideSession(this.#stage, act.principal);
        const answer = await side.ask('job.cancel', { job_id: this.#jobs.idOf(job) });
        await side.ask('session.bye');
        return { answer: answerOf(answer), closes: null };
      }
      default: {
        const { refusals } = at;
        const refused = at.state === 'handshaking' && (await refusedGreeting(this.#stage, own, { act, refusals }));
        if (refused) return refused;
        const wanted = wantedBy(act);
        if (wanted) return this.#submit(at, own, wanted);
        const asked = (await this.#loss(at, act, own)) ?? (await request(own, act, await this.#scene(at)));
        return asked ?? this.#passage(at, act, own);
      }
    }
  }

  /** How a connection ends without a goodbye. */
  async #loss(at: Reference, act: Act, own: Wire): Promise<Seen | undefined> {
    switch (act.do) {
      case 'drop':
        own.link.transport.close(act.code);
        await this.#stage.settle();
        return nothing;
      case 'violate':
        if (act.how === 'binary frame') own.link.sendBytes();
        else own.link.transport.send(' '.repeat(this.#stage.frameBytesMax + 1));
        return { answer: null, ...(await closing(own)) };
      case 'crash':
        await this.#advance(windowToSpend(at, this.#nowMs - this.#detachedMs));
        this.#tokens.fence(await this.#newestSeq());
        await this.#stage.crash(act.down === 'an hour' ? 3_600_000 : 0);
        if (isAttached(at)) this.#detachedMs = this.#nowMs;
        await own.ended;
        return nothing;
      case 'ghost':
        if (act.does === 'speaks') this.#ghost?.send('session.bye');
        else this.#ghost?.link.transport.close(1006);
        await this.#stage.settle();
        return nothing;
      case 'heartbeat lost': {
        const since = own.frames.length;
        await this.#advance(2 * this.#stage.heartbeatMs);
        const answer = await own.first(({ type }) => type === 'session.error', since);
        return { answer: answerOf(answer), ...(await closing(own)) };
      }
      case 'stall':
        own.link.stall();
        return this.#stall(at, own);
      case 'shutdown': {
        const since = own.frames.length;
        await this.#stage.shutdown();
        if (at.state === 'handshaking') return { answer: null, ...(await closing(own)) };
        if (!isAttached(at)) return nothing;
        own.link.resume();
        const bye = await own.first(({ type }) => type === 'session.bye', since);
        return { answer: answerOf(bye), ...(await closing(own)) };
      }
      default:
        return undefined;
    }
  }

  /** What a network still takes is progress: the runtime gives up on the first timeout without any. */
  async #stall(at: Reference, own: Wire): Promise<Seen> {
    const { stallEvents, stallBytes, stallTimeoutMs } = this.#stage;
    await this.#stage.emit(this.#jobs.find(at, isRunning), stallEvents, stallBytes);
    for (let timeouts = 0; timeouts < 8; timeouts += 1) {
      await this.#advance(stallTimeoutMs);
      if (this.#state(await this.#info()) === 'detached') break;
    }
    own.link.resume();
    return { answer: null, ...(await closing(own)) };
  }

  /** What agents do, and what time does. */
  async #passage(at: Reference, act: Act, own: Wire): Promise<Seen> {
    switch (act.do) {
      case 'emit':
        await this.#stage.emit(this.#jobs.find(at, isRunning), 3, 10);
        return nothing;
      case 'emit much':
        await this.#stage.emit(this.#jobs.find(at, isRunning), 4, this.#stage.holdBytes);
        return nothing;
      case 'read on':
        own.link.release();
        await this.#stage.settle();
        return nothing;
      case 'agent':
        await this.#stage.end(
          act.of === 'running' ? this.#jobs.find(at, isRunning) : this.#jobs.find(at, isCancelling),
          act.ends,
        );
        return nothing;
      case 'job fault':
        await this.#stage.breakJob(this.#jobs.find(at, isRunning));
        return nothing;
      case 'revocation done':
        await this.#stage.revoked();
        return nothing;
      case 'lease over':
        if (act.found === 'by the clock') return this.#outlive(at, own, durations.leaseExpiryMs);
        return outliveLease(this.#stage, this.#jobs.find(at, isRunning)).then(() => nothing);
      case 'delegate':
        this.#jobs.add(at, await this.#stage.delegate(this.#jobs.find(at, isRunning)));
        return nothing;
      case 'window over':
        await this.#advance(
          this.#detachedMs + durations.resumeWindowMs + (at.restarted ? timeLostMsMax : 0) - this.#nowMs,
        );
        return nothing;
      default: {
        const lapseMs = lapses.get(act.do);
        if (lapseMs === undefined) throw new Error(`a wire cannot bring about: ${act.do}`);
        return this.#outlive(at, own, lapseMs);
      }
    }
  }

  async #submit(at: Reference, own: Wire, wanted: Wanted): Promise<Seen> {
    const accepted = await own.ask('job.submit', submission(wanted, await this.#stage.now()));
    this.#jobs.add(at, String(accepted?.payload.job_id));
    return { answer: answerOf(accepted), closes: null };
  }

  async #resume(at: Reference, act: ResumeAct, old: Wire): Promise<Seen> {
    const attached = isAttached(at);
    if (act.when !== 'any time') await this.#advance(this.#detachedMs + durations.resumeWindowMs - 1 - this.#nowMs);
    if (attached && act.replaces === 'half-open') old.link.stall();
    const newer = new Wire(await this.#stage.open());
    const token = this.#tokens.named(act.token);
    const cursor = cursorOf(act.cursor, await this.#newestSeq(), this.#tokens.fenceOf(token));
    if (act.replay === 'held') newer.link.hold();
    const asked = { stage: this.#stage, token, cursor, sessionId: this.#sessionId };
    const answer = await newer.answer(sendResume(newer, act, asked));
    if (answer?.type !== 'session.welcome') {
      const closes = act.principal === 'nobody' ? await closing(newer) : { closes: null };
      newer.link.transport.close(1006);
      await this.#stage.settle();
      return { answer: answerOf(answer), ...closes };
    }
    this.#welcomed(newer, answer, { cursor: Number(cursor), presented: act.token });
    if (attached && act.replaces === 'half-open') this.#ghost = old;
    const isSeen = attached && act.replaces === 'open' && old.link.bringsCodes;
    // A connection that is held back learns of its end once it reads on.
    if (isSeen) old.link.resume();
    return { answer: answerOf(answer), closes: null, ...(isSeen ? { supersedes: (await old.ended) === 4001 } : {}) };
  }

  #welcomed(
    wire: Wire,
    welcome: WireFrame | null,
    { cursor, presented }: { cursor: number; presented: ResumeAct['token'] | undefined },
  ): void {
    if (welcome?.type !== 'session.welcome') return;
    if (this.#sessionId !== '' && welcome.session_id !== this.#sessionId) {
      this.#log.fault(`a resume of ${this.#sessionId} was welcomed to ${welcome.session_id}`);
    }
    this.#sessionId = String(welcome.session_id);
    this.#tokens.rotate(presented, String(welcome.payload.resume_token));
    this.#own = wire;
    this.#log.listen(wire, cursor);
  }

  async #newestSeq(): Promise<number> {
    return (await this.#info())?.newestSeq ?? this.#log.newestSeq;
  }

  /** Time passes; a client that is connected is heard often enough meanwhile. */
  async #outlive(at: Reference, own: Wire, ms: number): Promise<Seen> {
    const stepMs = isAttached(at) ? this.#stage.heartbeatMs - 1 : ms;
    for (let left = ms; left > 0; left -= stepMs) {
      if (isAttached(at)) await own.ask('session.ping');
      await this.#advance(Math.min(left, stepMs));
    }
    if (isAttached(at)) await own.ask('session.ping');
    return nothing;
  }

  async #advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.#stage.advance(ms);
  }

  /** The runtime's own word on the session; undefined where it cannot be asked, null where the session is no more. */
  async #info(): Promise<SessionInfo | null | undefined> {
    const sessions = await this.#stage.sessions();
    return sessions && (sessions.find(({ sessionId }) => sessionId === this.#sessionId) ?? null);
  }

  #state(info: SessionInfo | null | undefined): Reference['state'] | undefined {
    if (this.#sessionId === '') return this.#own?.endCode === undefined ? 'handshaking' : 'ended';
    return info === undefined ? undefined : (info?.state ?? 'ended');
  }

  /** The runtime's word on a session whose replay, unless it is held back, has come to its end. */
  async #caughtUp(act: Act): Promise<SessionInfo | null | undefined> {
    const info = await this.#info();
    if (info?.state !== 'resumed' || act.do !== 'resume' || act.replay === 'held' || !this.#own) return info;
    await this.#log.reaches(info.newestSeq, this.#own);
    return this.#info();
  }

  /** Waits until the client has all that the runtime has numbered; false where it is not connected, or held back. */
  async #everythingCame(info: SessionInfo | null | undefined): Promise<boolean> {
    if (info?.state !== 'live' || !this.#own) return false;
    await this.#log.reaches(info.newestSeq, this.#own);
    return true;
  }

  async #scene(at: Reference): Promise<RequestScene> {
    const [running, cancelling] = [this.#jobs.find(at, isRunning), this.#jobs.find(at, isCancelling)];
    const revoking = this.#jobs.find(at, (job) => endOf(job) !== undefined);
    return { stage: this.#stage, log: this.#log, newestSeq: await this.#newestSeq(), running, cancelling, revoking };
  }
}
