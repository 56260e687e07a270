import { createRuntime, type Runtime } from '../../src/index.ts';
import { recordingLog } from '../support/runtime.ts';
import { Agents } from './agents.ts';
import { Authenticators } from './authenticators.ts';
import { timersMax } from './check.ts';
import { Violation } from './client.ts';
import { watchedStore } from './disk.ts';
import { Link } from './link.ts';
import type { Lots } from './lots.ts';
import { Oracle } from './oracle.ts';
import { optionsOf, type Policy } from './settings.ts';
import type { SimClock } from './sim-clock.ts';
import type { Tally } from './tally.ts';

/** What an operator may find in the log of a runtime that is well. */
const known = ['agent failed', 'a session failed', 'a job failed inside the runtime', 'the authenticator failed'];

/**
 * One life of a runtime: from its start to its shutdown, with its agents, its store, and the oracle that knows what it has
 * promised. A store in memory forgets with it: the next life knows nothing of this one.
 */
export class Life {
  readonly oracle: Oracle;
  readonly agents: Agents;
  readonly authenticators: Authenticators;
  /** Sessions whose disk is full. */
  readonly full: Set<string>;
  readonly #clock: SimClock;
  readonly #log = recordingLog();
  readonly #runtime: Runtime;

  constructor(options: {
    policy: Policy;
    clock: SimClock;
    lots: Lots;
    tally: Tally;
    tell(line: string): void;
  }) {
    const { policy, clock, lots, tally, tell } = options;
    this.#clock = clock;
    this.oracle = new Oracle(policy, () => clock.uptime(), tally);
    const { store, full } = watchedStore(this.oracle);
    this.full = full;
    this.agents = new Agents({ oracle: this.oracle, lots, full, tell });
    this.authenticators = new Authenticators(this.oracle);
    this.#runtime = createRuntime({
      agents: [this.agents.definition],
      authenticate: ({ token = '' }) => this.authenticators.authenticate(token),
      clock,
      log: this.#log,
      store,
      ...optionsOf(policy),
    });
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
    const timers = this.#clock.running();
    const max = timersMax(this.oracle);
    if (timers > max) throw new Violation(`${timers} timers run, and ${max} have a reason to`);
  }

  /** The runtime is told to shut down; tells of whether it has. */
  shutDown(): { done: () => boolean } {
    let state: 'draining' | 'down' = 'draining';
    this.oracle.shutsDown(() => {
      void this.#runtime.close().then(() => {
        state = 'down';
      });
    });
    return { done: () => state === 'down' };
  }

  /** Nothing is left of it: no session, no timer, and no error that nobody knows. */
  expectNothingLeft(): void {
    this.oracle.expectNoFault();
    if (this.#runtime.sessions().length > 0) throw new Violation('a session was left behind');
    if (this.#clock.running() > 0) throw new Violation('a timer was left behind');
    const errors = this.#log.lines.filter(({ level, message }) => level === 'error' && !known.includes(message));
    if (errors.length > 0) throw new Violation(`the runtime logged an error: ${JSON.stringify(errors[0])}`);
  }
}
