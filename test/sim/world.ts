import { SimClient, Violation } from './client.ts';
import { anyToken, drawGreetings } from './greetings.ts';
import { Life } from './life.ts';
import type { Link } from './link.ts';
import { Lots } from './lots.ts';
import { keyKeptMs, type Policy } from './promise.ts';
import { drawSubmit, say } from './sayings.ts';
import { countingClock, drawPolicy } from './settings.ts';
import { Story } from './story.ts';
import type { Tally } from './tally.ts';

/**
 * A runtime, some clients, their links and jobs, in virtual time: each step one thing happens, drawn by the seed, and the
 * oracle says whether it went as the protocol promises. The same seed is the same story, step for step. The runtime may shut
 * down, and another take its place; clients and links live on.
 */
export class World {
  readonly story = new Story();
  /** What came to pass. */
  readonly tally: Tally = new Map();
  readonly #lots: Lots;
  readonly #clock = countingClock();
  readonly #policy: Policy;
  #links: Link[] = [];
  readonly #clients: SimClient[] = [];
  /** Every token that was ever given out, by whichever runtime. */
  readonly #oldTokens: string[] = [];
  #life: Life;

  constructor(seed: number) {
    this.#lots = new Lots(seed);
    this.#policy = drawPolicy((values) => this.#lots.pick(values));
    this.#tell(JSON.stringify(this.#policy));
    this.#life = this.#begin();
    // Two clients may be the same person's.
    const names = this.#lots.pick([['ann'], ['ann', 'ben'], ['ann', 'ann', 'ben'], ['ann', 'ben', 'ben']]);
    for (const name of names) this.#clients.push(this.#client(name));
  }

  /** One random thing happens; then everything that follows at once; then the promises are checked. */
  async step(): Promise<void> {
    const acts: [weight: number, act: () => void | Promise<void>][] = [
      [20, () => this.#deliverMany()],
      [8, () => this.#connect()],
      [5, () => this.#submit()],
      [6, () => this.#life.agents.emit()],
      [4, () => this.#life.agents.stream()],
      [2, () => this.#life.agents.end()],
      [5, () => this.#decide()],
      [6, () => this.#say()],
      [3, () => this.#disturb()],
      [3, () => this.#learn()],
      [4, () => this.#passTime()],
      [1, () => this.#steal()],
      [1, () => this.#fillDisk()],
      [0.25, () => this.#shutDown()],
    ];
    const weights = acts.reduce((sum, [weight]) => sum + weight, 0);
    let lot = this.#lots.below(weights * 4) / 4;
    for (const [weight, act] of acts) {
      if (lot < weight && lot >= 0) await act();
      lot -= weight;
    }
    await this.#settle();
  }

  /** The storm is over: every link works, every client comes back and has everything; then all leave, and nothing is left. */
  async calm(): Promise<void> {
    this.#tell('calm');
    this.#life.full.clear();
    for (const client of this.#clients) await this.#comeBack(client);
    this.#life.agents.endAll();
    await this.#exchange();
    for (const client of this.#clients) this.#expectWhole(client);
    for (const link of this.#links) link.cut(1e9, 1e9);
    await this.#exchange();
    const { windowMs, graceMs, retentionMs, handshakeMs } = this.#policy;
    for (const ms of [handshakeMs, windowMs, graceMs, Math.max(windowMs, retentionMs), keyKeptMs]) {
      this.#clock.advance(ms);
      await this.#settle();
    }
    this.#life.expectNothingLeft();
  }

  // What can happen.

  #connect(): void {
    const index = this.#lots.below(this.#clients.length);
    const client = this.#clients[index];
    if (!client || client.attempts.size > (client.habit === 'careful' ? 0 : 2)) return;
    // Some hope in vain: nobody has told them that the runtime is another.
    const isLost = client.sessionId !== undefined && !this.#life.oracle.session(client.sessionId);
    if ((client.fate !== 'hopeful' || isLost) && this.#lots.below(3) > 0) return this.#startAnew(index, client);
    const greetings = drawGreetings(client, this.#lots, this.#tokens());
    this.#tell(`${client.principal} connects, ${client.attempts.size} open: ${JSON.stringify(greetings)}`);
    const link = this.#link();
    client.connect(link, greetings);
    // The hasty do not wait for a welcome, and may so lose the token that they had.
    if (client.habit === 'hasty' && this.#lots.oneIn(2)) client.send(link, 'session.ping', {});
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
    if (!link || this.#life.agents.count > 20) return;
    this.#tell(`${client.principal} submits`);
    client.send(link, 'job.submit', drawSubmit(this.#lots));
  }

  #say(): void {
    const client = this.#lots.pick(this.#clients);
    const link = client.live?.link;
    if (!link) return;
    this.#tell(`${client.principal} says ${say(client, link, { lots: this.#lots, jobId: this.#anyJob(client) })}`);
  }

  /** One of its own session, of its person's other sessions, or anybody's. */
  #anyJob({ principal, jobIds }: SimClient): string {
    const jobs = [...this.#life.oracle.jobs.values()];
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
    const { windowMs } = this.#policy;
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
      [1, 2, 3].map(() => ({ bearer: 'thief/1', token: anyToken(this.#lots, this.#tokens()), cursor: 0 })),
    );
    while (link.deliver('client') || link.deliver('server'));
    link.cut(0, 0);
  }

  /** A session's disk is full for a while: what it would keep is refused. */
  #fillDisk(): void {
    const { sessionId } = this.#lots.pick(this.#clients);
    if (sessionId === undefined) return;
    const { full } = this.#life;
    this.#tell(`the disk of ${sessionId} is ${full.has(sessionId) ? 'well again' : 'full'}`);
    if (!full.delete(sessionId)) full.add(sessionId);
  }

  #link(): Link {
    const link = this.#life.link();
    this.#links.push(link);
    return link;
  }

  #begin(): Life {
    const tell = (line: string) => this.#tell(line);
    return new Life({ policy: this.#policy, clock: this.#clock, lots: this.#lots, tally: this.tally, tell });
  }

  #tokens(): string[] {
    return [...this.#oldTokens, ...this.#life.oracle.tokens];
  }

  /** An authenticator that took its time comes to its verdict. */
  #decide(): void {
    const { authenticators } = this.#life;
    if (authenticators.busy === 0) return;
    const verdict = this.#lots.pick(['granted', 'granted', 'granted', 'granted', 'refused', 'failed'] as const);
    this.#tell(`an authenticator comes to its verdict: ${verdict}`);
    authenticators.decide(this.#lots.below(authenticators.busy), verdict);
  }

  /** The runtime shuts down, no sooner and no later than its agents let it; then another begins, and knows of nothing. */
  async #shutDown(): Promise<void> {
    const life = this.#life;
    this.#tell('the runtime shuts down');
    const waits = life.agents.running;
    const { done } = life.shutDown();
    life.agents.check();
    await turn();
    // Whoever comes now is sent away.
    this.#link();
    if (waits > 0) {
      if (done()) throw new Violation('the shutdown did not wait for the agents');
      if (this.#lots.oneIn(2)) life.agents.endAll();
      else {
        this.#clock.advance(this.#policy.graceMs - 1);
        await turn();
        if (done()) throw new Violation('the shutdown did not give its agents all their grace');
        this.#clock.advance(1);
      }
      await turn();
    }
    if (!done()) throw new Violation('the shutdown has no end');
    while (life.authenticators.busy > 0) life.authenticators.decide(0, 'granted');
    await turn();
    life.expectNothingLeft();
    this.#oldTokens.push(...life.oracle.tokens);
    this.#life = this.#begin();
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
    const state = this.#life.oracle.session(client.sessionId)?.state;
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
    this.#life.check();
  }

  /** A client that is back has seen everything, and every job of its session that it knows of has ended. */
  #expectWhole(client: SimClient): void {
    const session = this.#life.oracle.session(client.sessionId);
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
