import { defineAgent, type JobContext } from '../../src/index.ts';
import { Violation } from './client.ts';
import type { Lots } from './lots.ts';
import type { Oracle } from './oracle.ts';

/** A simulated job's agent, which does what it is told, and does not heed its signal. */
interface SimAgent {
  context: JobContext;
  finish(result: unknown): void;
  fail(error: Error): void;
}

interface Surroundings {
  oracle: Oracle;
  lots: Lots;
  /** Sessions whose disk is full. */
  full: ReadonlySet<string>;
  tell(line: string): void;
}

/** Every agent of a story: what it says and how it ends is told to the oracle before it happens. */
export class Agents {
  readonly definition = defineAgent({
    name: 'sim',
    run: (context) =>
      new Promise((finish, fail) => {
        this.#agents.push({ context, finish, fail });
        context.log('info', 'begun');
      }),
  });
  readonly #agents: SimAgent[] = [];
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get count(): number {
    return this.#agents.length;
  }

  emit(): void {
    if (this.#agents.length === 0) return;
    const { lots, tell } = this.#around;
    const count = 1 + lots.below(lots.oneIn(6) ? 60 : 8);
    const { context } = lots.pick(this.#agents.slice(-6));
    tell(`job ${context.id} emits ${count}`);
    for (let i = 0; i < count; i += 1) {
      if (lots.oneIn(4)) this.#say(context, `progress ${i}`, () => context.progress({ current: i }));
      else {
        const line = `line ${i} ${'x'.repeat(lots.below(100))}`;
        this.#say(context, line, () => context.log('info', line));
      }
    }
  }

  end(): void {
    const { lots } = this.#around;
    if (this.#agents.length > 0) this.#end(lots.pick(this.#agents.slice(-6)), lots.pick(['finish', 'fail'] as const));
  }

  endAll(): void {
    for (const agent of this.#agents) this.#end(agent, 'finish');
  }

  /** An agent's signal has fired if, and only if, it has a cause to. */
  check(): void {
    const { oracle } = this.#around;
    const nowMs = oracle.nowMs();
    for (const { context } of this.#agents) {
      const job = oracle.jobs.get(context.id);
      if (!job) throw new Violation(`job ${context.id} runs, and was never accepted`);
      if (job.told !== 'nothing') continue;
      const mustStop = job.cancelledMs <= nowMs || job.ended === 'timed_out' || job.session.state === 'failed';
      if (context.signal.aborted === mustStop) continue;
      throw new Violation(`job ${context.id} was ${mustStop ? 'not told to stop' : 'told to stop without a cause'}`);
    }
  }

  #say(context: JobContext, line: string, say: () => void): void {
    const { oracle, full } = this.#around;
    const job = oracle.jobs.get(context.id);
    if (!job) throw new Violation(`job ${context.id} runs, and was never accepted`);
    const { session } = job;
    const isHeard = job.ended === undefined && job.cancelledMs > oracle.nowMs();
    const isNumbered = isHeard && (!line.startsWith('progress') || session.features.has('progress'));
    // A full disk is told to the agent, which here goes on as if nothing were.
    const isRefused = isNumbered && full.has(session.id);
    if (isNumbered && !isRefused) job.said.push(line);
    try {
      say();
    } catch (error) {
      if (!isRefused) throw error;
    }
  }

  #end(agent: SimAgent, how: 'finish' | 'fail'): void {
    const { oracle, tell } = this.#around;
    const job = oracle.jobs.get(agent.context.id);
    if (job?.told !== 'nothing') return;
    tell(`job ${agent.context.id}: its agent says ${how}`);
    job.told = how;
    if (how === 'finish') agent.finish({ ok: true });
    else agent.fail(new Error('simulated'));
  }
}
