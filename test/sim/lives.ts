import { type KeptStore, keptStore } from '../support/kept.ts';
import { Violation } from './client.ts';
import { Life } from './life.ts';
import type { Lots } from './lots.ts';
import type { Network } from './network.ts';
import { secretMark } from './promised-credentials.ts';
import type { Upstream } from './purse.ts';
import type { Remains } from './remains.ts';
import type { Policy } from './settings.ts';
import { simClock } from './sim-clock.ts';
import { count, type Tally } from './tally.ts';
import { turn } from './turn.ts';

interface Surroundings {
  policy: Policy;
  lots: Lots;
  tally: Tally;
  network: Network;
  tell(line: string): void;
}

/** The runtimes of a story, one after the other: each ends by a shutdown or by the death of its process. */
export class Lives {
  now: Life;
  clock = simClock();
  /** Every token that was ever told by those that are gone. */
  readonly oldTokens: string[] = [];
  readonly #upstream: Upstream = new Map();
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
    this.now = this.#begin(around.policy.store === 'kept' ? keptStore() : undefined, undefined);
  }

  /** The runtime shuts down, no sooner and no later than its agents let it; then another begins. */
  async shutDown(): Promise<void> {
    const life = this.now;
    const { tell, network } = this.#around;
    // Who has to wait for the gateway has another story.
    if (life.purse.failed > 0) return;
    life.purse.mode = 'at once';
    await life.turn();
    tell('the runtime shuts down');
    const waits = life.agents.running;
    const { done } = life.shutDown();
    // Where nothing has to be kept or revoked, all of it happens at once.
    if (life.kept || this.#around.policy.provisions === 'credentials') await life.turn();
    else life.agents.check();
    life.oracle.checkShutdown();
    await life.turn();
    // Whoever comes now is sent away.
    network.add(life.link());
    if (waits > 0) await this.#drain(life, done);
    if (!done()) throw new Violation('the shutdown has no end');
    while (life.authenticators.busy > 0) life.authenticators.decide(0, 'granted');
    await life.turn();
    life.expectNothingLeft();
    await this.#next();
  }

  /** Its process dies, with whatever was not committed; another goes on from what was. */
  async kill(): Promise<void> {
    const life = this.now;
    const { tell, network, lots, tally } = this.#around;
    if (!life.kept) return;
    // In the middle of something, or not.
    if (lots.oneIn(2)) network.deliverMany();
    const waiting = life.kept.waiting.length;
    const writes = lots.below(waiting + 1);
    tell(`the process dies, with ${writes} of ${waiting} writes committed`);
    count(tally, `killed with ${waiting === 0 ? 'nothing' : 'writes'} waiting`);
    if (life.kept.medium.text.includes(secretMark)) throw new Violation('the store has kept a secret');
    life.die(writes);
    network.die();
    await turn();
    await this.#next();
  }

  /** Nothing is left, neither in the process nor of what outlives it. */
  expectNothingLeft(but: 'nothing' | 'keys'): void {
    const { kept, oracle } = this.now;
    const keys = but === 'keys' ? oracle.keys.size : 0;
    // A store that lasts keeps time.
    this.now.expectNothingLeft({ timers: (kept ? 1 : 0) + (keys > 0 ? 1 : 0) });
    if (!kept) return;
    const left = kept.medium.records().length - kept.medium.records('key').length;
    const isClear = left === 0 && kept.medium.records('key').length === keys && kept.medium.text.endsWith(',[]]');
    if (!isClear) throw new Violation(`the store still has ${kept.medium.text}`);
  }

  async #drain(life: Life, done: () => boolean): Promise<void> {
    if (done()) throw new Violation('the shutdown did not wait for the agents');
    const { policy, lots } = this.#around;
    if (lots.oneIn(2)) life.agents.endAll();
    else {
      // Where jobs are left to the next start, they may end by themselves first.
      const ms = policy.graceMs + (life.kept ? policy.drainMs : 0);
      await this.#pass(life.kept ? policy.drainMs : 0);
      await this.#pass(ms - 1 - (life.kept ? policy.drainMs : 0));
      if (done()) throw new Violation('the shutdown did not give its agents all their grace');
      this.clock.advance(1);
    }
    await life.turn();
  }

  async #pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.now.turn();
  }

  async #next(): Promise<void> {
    const { kept, oracle, remains } = this.now;
    const { lots, tell, policy } = this.#around;
    this.oldTokens.push(...oracle.tokens);
    if (kept) {
      const downMs = lots.pick([0, 1000, 20_000, policy.windowMs]);
      tell(`${downMs} ms pass without a process`);
      this.clock = simClock(this.clock.now() + downMs);
    }
    this.now = this.#begin(kept?.reopened(), remains);
    await this.now.begin();
  }

  #begin(kept: KeptStore | undefined, remains: Remains | undefined): Life {
    const { policy, lots, tally, tell } = this.#around;
    return new Life({ policy, clock: this.clock, lots, tally, tell, kept, remains, upstream: this.#upstream });
  }
}
