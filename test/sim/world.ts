import { Violation } from './client.ts';
import { Life } from './life.ts';
import { Lots } from './lots.ts';
import { Network } from './network.ts';
import { People } from './people.ts';
import { drawPolicy, keyKeptMs, type Policy } from './settings.ts';
import { simClock } from './sim-clock.ts';
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
  readonly #clock = simClock();
  readonly #policy: Policy;
  readonly #network: Network;
  readonly #people: People;
  #life: Life;

  constructor(seed: number) {
    this.#lots = new Lots(seed);
    const tell = (line: string) => this.#tell(line);
    this.#network = new Network(this.#lots, tell);
    this.#policy = drawPolicy((values) => this.#lots.pick(values));
    this.#tell(JSON.stringify(this.#policy));
    this.#life = this.#begin();
    const link = () => this.#network.add(this.#life.link());
    this.#people = new People({ lots: this.#lots, tell, life: () => this.#life, link });
  }

  /** One random thing happens; then everything that follows at once; then the promises are checked. */
  async step(): Promise<void> {
    const acts: [weight: number, act: () => void | Promise<void>][] = [
      [20, () => this.#network.deliverMany()],
      [8, () => this.#people.connect()],
      [5, () => this.#people.submit()],
      [6, () => this.#life.agents.emit()],
      [4, () => this.#life.agents.stream()],
      [2, () => this.#life.agents.end()],
      [5, () => this.#decide()],
      [6, () => this.#people.say()],
      [3, () => this.#network.disturb()],
      [3, () => this.#network.learn()],
      [4, () => this.#passTime()],
      [1, () => this.#people.steal()],
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
    const { clients } = this.#people;
    for (const client of clients) await this.#people.comeBack(client, () => this.#exchange());
    this.#life.agents.endAll();
    await this.#exchange();
    for (const client of clients) this.#people.expectWhole(client);
    this.#network.cutAll();
    await this.#exchange();
    const { windowMs, graceMs, retentionMs, handshakeMs } = this.#policy;
    for (const ms of [handshakeMs, windowMs, graceMs, Math.max(windowMs, retentionMs), keyKeptMs]) {
      this.#clock.advance(ms);
      await this.#settle();
    }
    this.#life.expectNothingLeft();
  }

  // What can happen to the runtime.

  #passTime(): void {
    const { windowMs } = this.#policy;
    // Mostly a little: much would end every connection there is.
    const few = [100, 100, 500, 500, 1000, 1000, 2000, 4000, 5000];
    const ms = this.#lots.pick(this.#lots.below(3) > 0 ? few : [10_000, 20_000, 31_000, windowMs - 1, windowMs]);
    this.#tell(`${ms} ms pass`);
    this.#clock.advance(ms);
  }

  /** A session's disk is full for a while: what it would keep is refused. */
  #fillDisk(): void {
    const { sessionId } = this.#lots.pick(this.#people.clients);
    if (sessionId === undefined) return;
    const { full } = this.#life;
    this.#tell(`the disk of ${sessionId} is ${full.has(sessionId) ? 'well again' : 'full'}`);
    if (!full.delete(sessionId)) full.add(sessionId);
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
    this.#network.add(life.link());
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
    this.#people.oldTokens.push(...life.oracle.tokens);
    this.#life = this.#begin();
  }

  #begin(): Life {
    const tell = (line: string) => this.#tell(line);
    return new Life({ policy: this.#policy, clock: this.#clock, lots: this.#lots, tally: this.tally, tell });
  }

  // How the story goes on.

  /** Everything under way arrives, until nothing is. */
  async #exchange(): Promise<void> {
    for (let moved = true; moved; ) {
      await turn();
      moved = this.#network.flush();
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    await turn();
    this.#network.clear();
    this.#life.check();
  }

  #tell(line: string): void {
    this.story.tell(line);
  }
}

/** What follows at once, in microtasks and promises, has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
