import { Lives } from './lives.ts';
import { Lots } from './lots.ts';
import { Network } from './network.ts';
import { People } from './people.ts';
import { drawPolicy, keyKeptMs, type Policy } from './settings.ts';
import { Story } from './story.ts';
import type { Tally } from './tally.ts';

/**
 * A runtime, some clients, their links and jobs, in virtual time: each step one thing happens, drawn by the seed, and the
 * oracle says whether it went as the protocol promises. The same seed is the same story, step for step. The runtime may shut
 * down, or die with its process, and another take its place; clients and links live on.
 */
export class World {
  readonly story = new Story();
  /** What came to pass. */
  readonly tally: Tally = new Map();
  readonly #lots: Lots;
  readonly #policy: Policy;
  readonly #network: Network;
  readonly #people: People;
  readonly #lives: Lives;

  constructor(seed: number) {
    this.#lots = new Lots(seed);
    const tell = (line: string) => this.#tell(line);
    this.#network = new Network(this.#lots, tell);
    this.#policy = drawPolicy((values) => this.#lots.pick(values));
    this.#tell(JSON.stringify(this.#policy));
    const [lots, network] = [this.#lots, this.#network];
    this.#lives = new Lives({ policy: this.#policy, lots, tally: this.tally, network, tell });
    this.#people = new People({ lots, network, tell, lives: this.#lives });
  }

  /** The runtime is ready to serve. */
  get ready(): Promise<void> {
    return this.#lives.now.begin();
  }

  /** One random thing happens; then everything that follows at once; and each time the promises are checked. */
  async step(): Promise<void> {
    const { agents, authenticators, disk, purse, kept } = this.#lives.now;
    // What cannot happen is not drawn.
    const where = (isPossible: boolean, weight: number) => (isPossible ? weight : 0);
    const acts: [weight: number, act: () => void | Promise<void>][] = [
      [15, () => this.#network.deliverMany()],
      [10, () => this.#people.connect()],
      [9, () => this.#people.submit()],
      [where(agents.count > 0, 6), () => agents.emit()],
      [where(agents.count > 0, 4), () => agents.stream()],
      [where(agents.count > 0, 7), () => agents.doErrand()],
      [where(agents.count > 0, 2), () => agents.end()],
      [where(authenticators.busy > 0, 10), () => this.#decide()],
      [6, () => this.#people.say()],
      [5, () => this.#people.watch()],
      [2, () => this.#network.disturb()],
      [8, () => this.#network.learn()],
      [4, () => this.#passTime()],
      [0.5, () => this.#people.steal()],
      [1, () => this.#fillDisk()],
      [where(disk.reads.length > 0, 12), () => this.#read()],
      [where(purse.calls.length > 0, 25), () => this.#provide()],
      [where(kept !== undefined, 4), () => this.#commit()],
      [0.25, () => this.#lives.shutDown()],
      [where(kept !== undefined, 1), () => this.#lives.kill()],
    ];
    const weights = acts.reduce((sum, [weight]) => sum + weight, 0);
    let lot = this.#lots.below(weights * 4) / 4;
    for (const [weight, act] of acts) {
      if (lot < weight && lot >= 0) await act();
      lot -= weight;
    }
    await this.#settle();
    // Mostly the network is quick.
    if (this.#lots.oneIn(2)) return;
    this.#network.deliverMany();
    await this.#settle();
  }

  /** The storm is over: every link works, every client comes back and has everything; then all leave, and nothing is left. */
  async calm(): Promise<void> {
    this.#tell('calm');
    this.#lives.now.disk.full.clear();
    this.#lives.now.kept?.hold(false);
    this.#lives.now.purse.mode = 'at once';
    const { clients } = this.#people;
    for (const client of clients) await this.#people.comeBack(client, () => this.#exchange());
    this.#lives.now.agents.endAll();
    await this.#exchange();
    for (const client of clients) this.#people.expectWhole(client);
    this.#network.cutAll();
    await this.#exchange();
    const { windowMs, graceMs, retentionMs, handshakeMs } = this.#policy;
    // A store that lasts keeps time, second by second: to let it keep a whole day takes long.
    const isDay = this.#policy.store === 'memory' || this.#lots.oneIn(8);
    for (const ms of [handshakeMs, windowMs, graceMs, Math.max(windowMs, retentionMs), isDay ? keyKeptMs : 0]) {
      this.#lives.clock.advance(ms);
      await this.#settle();
    }
    this.#lives.expectNothingLeft(isDay ? 'nothing' : 'keys');
  }

  // What can happen to the runtime.

  #passTime(): void {
    const { windowMs } = this.#policy;
    // Mostly a little: much would end every connection there is.
    const few = [100, 100, 500, 500, 1000, 1000, 2000, 4000, 5000];
    const ms = this.#lots.pick(this.#lots.below(4) > 0 ? few : [10_000, 20_000, 31_000, windowMs - 1, windowMs]);
    this.#tell(`${ms} ms pass`);
    this.#lives.clock.advance(ms);
  }

  /** A session's disk is full for a while: what it would keep is refused. */
  #fillDisk(): void {
    const { sessionId } = this.#lots.pick(this.#people.clients);
    if (sessionId === undefined) return;
    const { full } = this.#lives.now.disk;
    this.#tell(`the disk of ${sessionId} is ${full.has(sessionId) ? 'well again' : 'full'}`);
    if (!full.delete(sessionId)) full.add(sessionId);
  }

  /** An authenticator that took its time comes to its verdict. */
  #decide(): void {
    const { authenticators } = this.#lives.now;
    const verdict = this.#lots.pick(['granted', 'granted', 'granted', 'granted', 'refused', 'failed'] as const);
    this.#tell(`an authenticator comes to its verdict: ${verdict}`);
    authenticators.decide(this.#lots.below(authenticators.busy), verdict);
  }

  /** The provisioner comes to the end of a call. */
  #provide(): void {
    const { purse } = this.#lives.now;
    const how = this.#lots.oneIn(6) ? 'failed' : 'done';
    this.#tell(`credentials: ${how}`);
    purse.settle(this.#lots.below(purse.calls.length), how);
  }

  /** The disk comes to the end of a read. */
  #read(): void {
    const { disk } = this.#lives.now;
    const which = this.#lots.below(disk.reads.length);
    this.#tell(`a read from disk: ${disk.finish(which, this.#lots.oneIn(6) ? 'failed' : 'read')}`);
  }

  /** A store that lasts commits soon, or takes its time. */
  #commit(): void {
    const { kept } = this.#lives.now;
    if (!kept) return;
    const how = this.#lots.pick(['hold', 'hold', 'some', 'some', 'all'] as const);
    this.#tell(`commits: ${how}`);
    if (how === 'some') kept.commit(1 + this.#lots.below(3));
    else kept.hold(how === 'hold');
  }

  // How the story goes on.

  /** Everything under way arrives, until nothing is. */
  async #exchange(): Promise<void> {
    for (let moved = true; moved; ) {
      await this.#lives.now.turn();
      moved = this.#network.flush();
      const { disk } = this.#lives.now;
      for (; disk.reads.length > 0; moved = true) {
        disk.finish(0, 'read');
        await this.#lives.now.turn();
      }
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    await this.#lives.now.turn();
    this.#network.clear();
    this.#lives.now.check();
  }

  #tell(line: string): void {
    this.story.tell(line);
  }
}
