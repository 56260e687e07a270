import { createRuntime } from '../../src/index.ts';
import { recordingLog } from '../support/runtime.ts';
import { Agents } from './agents.ts';
import { timersMax } from './check.ts';
import { SimClient, Violation } from './client.ts';
import { anyToken, drawGreetings } from './greetings.ts';
import { Link } from './link.ts';
import { Lots } from './lots.ts';
import { Oracle } from './oracle.ts';
import { countingClock, drawPolicy, optionsOf, watchedStore } from './settings.ts';
import { Story } from './story.ts';
import type { Tally } from './tally.ts';

/**
 * One runtime, some clients, their links and jobs, in virtual time: each step one thing happens, drawn by the seed, and the
 * oracle says whether it went as the protocol promises. The same seed is the same story, step for step.
 */
export class World {
  readonly story = new Story();
  readonly #lots: Lots;
  readonly #clock = countingClock();
  readonly #log = recordingLog();
  readonly #agents: Agents;
  #links: Link[] = [];
  readonly #clients: SimClient[] = [];
  readonly #oracle: Oracle;
  readonly #full: Set<string>;
  readonly #runtime;

  constructor(seed: number) {
    const lots = new Lots(seed);
    this.#lots = lots;
    const policy = drawPolicy((values) => lots.pick(values));
    this.#tell(JSON.stringify(policy));
    this.#oracle = new Oracle(policy, () => this.#clock.uptime());
    const { store, full } = watchedStore(this.#oracle);
    this.#full = full;
    this.#agents = new Agents({ oracle: this.#oracle, lots, full, tell: (line) => this.#tell(line) });
    this.#runtime = createRuntime({
      agents: [this.#agents.definition],
      authenticate: ({ token = '' }) => (token.startsWith('/') ? null : { principal: token.split('/')[0] ?? '' }),
      clock: this.#clock,
      log: this.#log,
      store,
      ...optionsOf(policy),
    });
    // Two clients may be the same person's.
    const names = this.#lots.pick([['ann'], ['ann', 'ben'], ['ann', 'ann', 'ben'], ['ann', 'ben', 'ben']]);
    for (const name of names) this.#clients.push(this.#client(name));
  }

  /** What came to pass. */
  get tally(): Tally {
    return this.#oracle.tally;
  }

  /** One random thing happens; then everything that follows at once; then the promises are checked. */
  async step(): Promise<void> {
    const acts: [weight: number, act: () => void][] = [
      [20, () => this.#deliverMany()],
      [8, () => this.#connect()],
      [5, () => this.#submit()],
      [6, () => this.#agents.emit()],
      [2, () => this.#agents.end()],
      [6, () => this.#say()],
      [3, () => this.#disturb()],
      [3, () => this.#learn()],
      [4, () => this.#passTime()],
      [1, () => this.#steal()],
      [1, () => this.#fillDisk()],
    ];
    let lot = this.#lots.below(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of acts) {
      if (lot < weight && lot >= 0) act();
      lot -= weight;
    }
    await this.#settle();
  }

  /** The storm is over: every link works, every client comes back and has everything; then all leave, and nothing is left. */
  async calm(): Promise<void> {
    this.#tell('calm');
    this.#full.clear();
    for (const client of this.#clients) await this.#comeBack(client);
    this.#agents.endAll();
    await this.#exchange();
    for (const client of this.#clients) this.#expectWhole(client);
    for (const link of this.#links) link.cut(1e9, 1e9);
    await this.#exchange();
    const { windowMs, graceMs, retentionMs } = this.#oracle.policy;
    for (const ms of [windowMs, graceMs, Math.max(windowMs, retentionMs)]) {
      this.#clock.advance(ms);
      await this.#settle();
    }
    if (this.#runtime.sessions().length > 0) throw new Violation('a session was left behind');
    if (this.#clock.running() > 0) throw new Violation('a timer was left behind');
    const known = ['agent failed', 'a session failed', 'a job failed inside the runtime'];
    const errors = this.#log.lines.filter(({ level, message }) => level === 'error' && !known.includes(message));
    if (errors.length > 0) throw new Violation(`the runtime logged an error: ${JSON.stringify(errors[0])}`);
  }

  // What can happen.

  #connect(): void {
    const index = this.#lots.below(this.#clients.length);
    const client = this.#clients[index];
    if (!client || client.attempts.size > (client.habit === 'careful' ? 0 : 2)) return;
    if (client.fate !== 'hopeful' && this.#lots.below(3) > 0) return this.#startAnew(index, client);
    const greetings = drawGreetings(client, this.#lots, this.#oracle.tokens);
    this.#tell(`${client.principal} connects, ${client.attempts.size} open: ${JSON.stringify(greetings)}`);
    client.connect(this.#link(), greetings);
  }

  #startAnew(index: number, client: SimClient): void {
    for (const { link } of client.attempts) link.cut(0, 0);
    this.#clients[index] = this.#client(client.principal);
  }

  #client(principal: string): SimClient {
    return new SimClient(principal, this.#lots.pick(['careful', 'hasty'] as const), (line) => this.#tell(line));
  }

  #submit(): void {
    const client = this.#lots.pick(this.#clients);
    const link = client.live?.link;
    if (!link || this.#agents.count > 20) return;
    this.#tell(`${client.principal} submits`);
    client.send(link, 'job.submit', { agent: 'sim', ...(this.#lots.below(4) === 0 ? { max_runtime_sec: 15 } : {}) });
  }

  #say(): void {
    const client = this.#lots.pick(this.#clients);
    const link = client.live?.link;
    if (!link) return;
    const words = [
      'ack',
      'ack',
      'ack',
      'bad ack',
      'cancel',
      'cancel',
      'ping',
      'nonsense',
      'hello',
      'close',
      'bye',
    ] as const;
    const what = this.#lots.pick(words);
    this.#tell(`${client.principal} says ${what}`);
    const { newestSeq } = client;
    if (what === 'ack') client.send(link, 'session.ack', { last_processed_seq: newestSeq - this.#lots.below(4) });
    else if (what === 'bad ack')
      client.send(link, 'session.ack', { last_processed_seq: newestSeq + this.#lots.below(9) });
    else if (what === 'cancel') client.send(link, 'job.cancel', { job_id: this.#anyJob(client) });
    else if (what === 'ping') client.send(link, 'session.ping', {});
    else if (what === 'nonsense')
      link.client.send(this.#lots.pick(['{', '[]', '{"arcp":"1.1"}', '{"arcp":"2","type":"x"}']));
    else if (what === 'hello') client.send(link, 'session.hello', { auth: { scheme: 'bearer', token: 'somebody/1' } });
    else if (what === 'close') client.send(link, 'session.close', {});
    else if (what === 'bye') {
      client.fate = 'parted';
      client.send(link, 'session.bye', {});
    }
  }

  /** One of its own session, of its person's other sessions, or anybody's. */
  #anyJob({ principal, jobIds }: SimClient): string {
    const jobs = [...this.#oracle.jobs.values()];
    const persons = jobs.filter(({ session, ended }) => session.principal === principal && ended === undefined);
    const ids = this.#lots.pick([jobIds, persons.map(({ id }) => id), jobs.map(({ id }) => id)]);
    return this.#lots.pick([...ids, 'job_unknown'].slice(-6));
  }

  #disturb(): void {
    if (this.#links.length === 0) return;
    const link = this.#lots.pick(this.#links.slice(-4));
    // Of a half-open link nothing can be had any more, but its end.
    const how =
      link.condition === 'half-open' ? 'cut' : this.#lots.pick(['cut', 'stall', 'half-open', 'heal', 'heal'] as const);
    this.#tell(`a link: ${how}`);
    if (how === 'cut') link.cut(this.#lots.below(2_000), this.#lots.below(2_000));
    else if (how === 'stall') link.condition = 'stalled';
    else if (how === 'half-open') link.condition = 'half-open';
    else if (link.condition === 'stalled') link.condition = 'well';
  }

  #learn(): void {
    const ending = this.#links.filter((link) => link.isEnding);
    if (ending.length > 0) this.#lots.pick(ending).learn(this.#lots.pick(['client', 'server'] as const));
  }

  #passTime(): void {
    const { windowMs } = this.#oracle.policy;
    // Mostly a little: much would end every connection there is.
    const few = [100, 100, 500, 500, 1000, 1000, 2000, 4000, 5000];
    const ms = this.#lots.pick(this.#lots.below(3) > 0 ? few : [10_000, 20_000, 31_000, windowMs - 1, windowMs]);
    this.#tell(`${ms} ms pass`);
    this.#clock.advance(ms);
  }

  /** Somebody else presents a token that is not his, thrice: he must get nothing. */
  #steal(): void {
    const thief = new SimClient('thief', 'hasty', (line) => this.#tell(line));
    const link = this.#link();
    thief.connect(
      link,
      [1, 2, 3].map(() => ({ bearer: 'thief/1', token: anyToken(this.#lots, this.#oracle.tokens), cursor: 0 })),
    );
    while (link.deliver('client') || link.deliver('server'));
    link.cut(0, 0);
  }

  /** A session's disk is full for a while: what it would keep is refused. */
  #fillDisk(): void {
    const { sessionId } = this.#lots.pick(this.#clients);
    if (sessionId === undefined) return;
    this.#tell(`the disk of ${sessionId} is ${this.#full.has(sessionId) ? 'well again' : 'full'}`);
    if (!this.#full.delete(sessionId)) this.#full.add(sessionId);
  }

  #link(): Link {
    const link = new Link(this.#oracle);
    this.#links.push(link);
    this.#oracle.opens(link);
    this.#runtime.accept(link.server);
    return link;
  }

  #deliverMany(): void {
    for (let left = 1 + this.#lots.below(40); left > 0; left -= 1) {
      const busy = this.#links.filter((link) => link.isBusy);
      if (busy.length === 0) return;
      this.#lots.pick(busy).deliver(this.#lots.pick(['client', 'server'] as const));
    }
  }

  /** Everything under way arrives, until nothing is. */
  async #exchange(): Promise<void> {
    for (let moved = true; moved; ) {
      await turn();
      moved = false;
      for (const link of this.#links) {
        if (link.condition === 'stalled') link.condition = 'well';
        for (const from of ['client', 'server'] as const) {
          while (link.deliver(from)) moved = true;
          if (link.learn(from)) moved = true;
        }
      }
      await this.#settle();
    }
  }

  async #comeBack(client: SimClient): Promise<void> {
    for (const { link } of client.attempts) link.cut(1e9, 1e9);
    await this.#exchange();
    for (const token of [...client.tokens]) {
      if (client.live || client.fate !== 'hopeful') break;
      for (let tries = 0; tries < 2 && !client.live; tries += 1) {
        client.connect(this.#link(), [{ bearer: `${client.principal}/1`, token, cursor: client.newestSeq }]);
        await this.#exchange();
      }
    }
    const state = this.#oracle.session(client.sessionId)?.state;
    // Others of the same person may have taken its session over.
    const isAlone = this.#clients.every((other) => other === client || other.principal !== client.principal);
    const isOwed = isAlone && client.habit === 'careful' && client.fate === 'hopeful';
    if (!client.live && isOwed && (state === 'attached' || state === 'detached')) {
      throw new Violation(`${client.principal} cannot come back to ${client.sessionId}, which is ${state}`);
    }
  }

  async #settle(): Promise<void> {
    await turn();
    this.#links = this.#links.filter((link) => !link.over);
    const oracle = this.#oracle;
    oracle.check(this.#runtime.sessions());
    this.#agents.check();
    const timers = this.#clock.running();
    const max = timersMax(oracle);
    if (timers > max) throw new Violation(`${timers} timers run, and ${max} have a reason to`);
  }

  /** A client that is back has seen everything, and every job of its session that it knows of has ended. */
  #expectWhole(client: SimClient): void {
    const session = this.#oracle.session(client.sessionId);
    if (!client.live || !session || session.state !== 'attached') return;
    if (session.kept.newest !== client.newestSeq)
      throw new Violation(`${client.principal} has ${client.newestSeq} of ${session.kept.newest} events`);
  }

  #tell(line: string): void {
    this.story.tell(line);
  }
}

/** What follows at once, in microtasks and promises, has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
