import { createRuntime, type Runtime } from '../../src/index.ts';
import type { KeptStore } from '../support/kept.ts';
import { recordingLog } from '../support/runtime.ts';
import { Agents } from './agents.ts';
import { Authenticators } from './authenticators.ts';
import { timersMax } from './check.ts';
import { Violation } from './client.ts';
import { Disk } from './disk.ts';
import { Link } from './link.ts';
import type { Lots } from './lots.ts';
import { Oracle } from './oracle.ts';
import { secretMark } from './promised-credentials.ts';
import { Purse, type Upstream } from './purse.ts';
import type { Remains } from './remains.ts';
import { optionsOf, type Policy } from './settings.ts';
import type { SimClock } from './sim-clock.ts';
import type { Tally } from './tally.ts';
import { turn } from './turn.ts';

/** What an operator may find in the log of a runtime that is well. */
const known = [
  'agent failed',
  'a session failed',
  'a job failed inside the runtime',
  'the authenticator failed',
  'events of a session cannot be read',
  'a history cannot be read',
  'credentials could not be issued',
  'a job ends before its credentials are revoked; that is tried on',
];

export interface LifeOptions {
  policy: Policy;
  clock: SimClock;
  lots: Lots;
  tally: Tally;
  tell(line: string): void;
  /** What outlives the process; undefined: nothing does. */
  kept: KeptStore | undefined;
  /** What the life before this one has left. */
  remains: Remains | undefined;
  upstream: Upstream;
}

/**
 * One life of a runtime: from its start to its shutdown or its death, with its agents, its store, and the oracle that knows
 * what it has promised. A store in memory forgets with it; one that lasts is what the next life goes on from.
 */
export class Life {
  readonly oracle: Oracle;
  readonly agents: Agents;
  readonly authenticators: Authenticators;
  readonly disk: Disk;
  readonly purse: Purse;
  readonly kept: KeptStore | undefined;
  readonly #options: LifeOptions;
  readonly #log = recordingLog();
  readonly #runtime: Runtime;

  constructor(options: LifeOptions) {
    const { policy, clock, lots, tally, tell, kept, remains, upstream } = options;
    this.#options = options;
    this.kept = kept;
    const nowMs = () => (remains?.atMs ?? 0) + clock.uptime();
    this.oracle = new Oracle({ policy, nowMs, wallMs: () => clock.now(), tally, kept });
    if (kept && remains) this.oracle.goesOn(remains, kept.medium);
    this.disk = new Disk(this.oracle, kept);
    const { full, store } = this.disk;
    this.agents = new Agents({ oracle: this.oracle, lots, full, tell });
    this.authenticators = new Authenticators(this.oracle);
    this.purse = new Purse(this.oracle, { lots, upstream });
    this.#runtime = createRuntime({
      agents: this.agents.definitions,
      authenticate: ({ token = '' }) => this.authenticators.authenticate(token),
      clock,
      log: this.#log,
      store,
      ...(policy.provisions === 'credentials' && { provisioner: this.purse.provisioner }),
      ...optionsOf(policy),
    });
    this.oracle.isDetached = (id) =>
      this.#runtime.sessions().some(({ sessionId, state }) => sessionId === id && state === 'detached');
    if (kept) clock.onFired(() => this.oracle.lapse());
  }

  /** Resolves when it serves: what was left before has been brought back. */
  async begin(): Promise<void> {
    await this.#runtime.ready;
    this.purse.mode = 'by hand';
    const { oracle } = this;
    for (const id of this.#options.remains?.outstanding ?? [])
      if (!oracle.asked.has(id)) oracle.fault(`${id} is of an earlier process, and was not revoked`);
  }

  /** What follows at once has happened; where the provisioner is quick, what it was asked for, too. */
  async turn(): Promise<void> {
    await turn();
    while (this.purse.mode === 'at once' && this.purse.calls.length > 0) {
      this.purse.settle(0, 'done');
      await turn();
    }
  }

  /** A connection that the runtime takes, or, shutting down, sends away. */
  link(): Link {
    const link = new Link(this.oracle);
    this.oracle.opens(link, () => this.#runtime.accept(link.server));
    return link;
  }

  /** Every promise holds, now that all that follows at once has happened. */
  check(): void {
    this.oracle.check(this.#runtime.sessions());
    this.agents.check();
    const timers = this.#options.clock.running();
    const max = timersMax(this.oracle, this.purse.calls.length + this.purse.failed);
    if (timers > max) throw new Violation(`${timers} timers run, and ${max} have a reason to`);
  }

  /** The runtime is told to shut down; tells of whether it has. */
  shutDown(): { done: () => boolean } {
    let state: 'draining' | 'down' = 'draining';
    this.oracle.shutsDown();
    void this.#runtime.close().then(() => {
      state = 'down';
    });
    return { done: () => state === 'down' };
  }

  /** Its process dies; so many of the writes that waited were committed. */
  die(writes: number): void {
    this.kept?.crash(writes);
  }

  /** What the next life has to go on from. */
  get remains(): Remains | undefined {
    return this.kept && this.oracle.journal.upTo(this.kept.committed);
  }

  /** Nothing is left of it: no session, no timer, and no error that nobody knows. */
  expectNothingLeft({ timers = 0 } = {}): void {
    this.oracle.expectNoFault();
    if (this.#runtime.sessions().length > 0) throw new Violation('a session was left behind');
    if (this.#options.clock.running() > timers) throw new Violation('a timer was left behind');
    if (JSON.stringify(this.#log.lines).includes(secretMark)) throw new Violation('the runtime logged a secret');
    const errors = this.#log.lines.filter(({ level, message }) => level === 'error' && !known.includes(message));
    if (errors.length > 0) throw new Violation(`the runtime logged an error: ${JSON.stringify(errors[0])}`);
  }
}
