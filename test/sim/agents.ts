import { type AgentDefinition, defineAgent, type JobContext } from '../../src/index.ts';
import type { ResultWriter } from '../../src/jobs/results.ts';
import { Violation } from './client.ts';
import { Errands } from './errands.ts';
import type { Lots } from './lots.ts';
import type { Oracle } from './oracle.ts';
import { decide } from './promised-credentials.ts';
import type { PromisedJob } from './promised-job.ts';
import { PromisedResult } from './results.ts';

/** A simulated job's agent, which does what it is told, and does not heed its signal. */
interface SimAgent {
  context: JobContext;
  writer?: ResultWriter;
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
  /** One that fails when its process ends, and one that begins again. */
  readonly definitions = [this.#define('sim', 'fail'), this.#define('again', 'rerun')];
  readonly #agents: SimAgent[] = [];
  readonly #around: Surroundings;
  readonly #errands: Errands;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#errands = new Errands(around);
  }

  #define(name: string, onRestart: 'fail' | 'rerun'): AgentDefinition {
    const run = (context: JobContext) =>
      new Promise((finish, fail) => {
        const { oracle } = this.#around;
        if (this.#agents.some(({ context: { id } }) => id === context.id))
          throw new Violation(`${context.id} runs twice`);
        oracle.promises.begins(context.id);
        this.#agents.push({ context, finish, fail });
        this.#begin(context);
      });
    return defineAgent({ name, onRestart, run });
  }

  /** It says that it begins; an agent that cannot fails. */
  #begin(context: JobContext): void {
    try {
      context.log('info', 'begun');
    } catch (error) {
      const job = this.#jobOf(context);
      job.said = [];
      this.#told(job, 'fail');
      throw error;
    }
  }

  #told(job: PromisedJob, how: 'finish' | 'fail'): void {
    const { oracle } = this.#around;
    job.told = how;
    job.toldMs = oracle.nowMs();
    decide(job, job.toldMs, oracle.policy);
  }

  get count(): number {
    return this.#agents.length;
  }

  /** How many have yet to come to an end of their own, of jobs that have not ended without them. */
  get running(): number {
    const { jobs } = this.#around.oracle;
    return this.#agents.filter(({ context: { id } }) => jobs.get(id)?.told === 'nothing' && !jobs.get(id)?.ended)
      .length;
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

  /** Some agents stream their result, a few chunks at a time. */
  stream(): void {
    if (this.#agents.length === 0) return;
    const { lots, tell } = this.#around;
    const agent = lots.pick(this.#agents.slice(-6));
    const { context } = agent;
    const job = this.#jobOf(context);
    if (job.told !== 'nothing' || job.result?.isWhole || job.result?.isSpoilt) return;
    const encoding = lots.pick(['utf8', 'base64'] as const);
    job.result ??= new PromisedResult(encoding, job.session.features.has('result_chunk'));
    agent.writer ??= context.result({ encoding: job.result.encoding });
    const { writer } = agent;
    const { result } = job;
    tell(`job ${context.id} streams its result`);
    for (let left = lots.below(4); left > 0 && !result.isSpoilt; left -= 1) {
      const text = `chunk ${lots.below(1000)} é ${'x'.repeat(lots.below(60))}`;
      this.#write(
        job,
        () => result.writes(text),
        () => writer.write(text),
      );
    }
    if (lots.oneIn(3) && !result.isSpoilt)
      this.#write(
        job,
        () => result.ends(),
        () => writer.end(),
      );
  }

  /** Some of them call tools, spend money, or hand work on. */
  doErrand(): void {
    const able = this.#agents.slice(-6).flatMap(({ context }) => {
      const job = this.#jobOf(context);
      const isAble = job.told === 'nothing' && this.#isHeard(job) && !this.#around.full.has(job.session.id);
      return isAble ? [{ job, context }] : [];
    });
    if (able.length === 0) return;
    // Most often those that may do something.
    const granted = able.filter(({ job }) => Object.keys(job.lease).length > 0);
    const { lots } = this.#around;
    const { job, context } = lots.pick(granted.length > 0 && !lots.oneIn(4) ? granted : able);
    this.#errands.run(job, context);
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
      const isOver = job.decided?.isCutOff || job.ended === 'timed_out' || job.code === 'LEASE_EXPIRED';
      const mustStop = Math.min(job.cancelledMs, job.shutMs) <= nowMs || isOver || job.session.state === 'failed';
      if (this.#isHeard(job)) this.#errands.check(job, context);
      if (context.signal.aborted === mustStop) continue;
      throw new Violation(`job ${context.id} was ${mustStop ? 'not told to stop' : 'told to stop without a cause'}`);
    }
  }

  #say(context: JobContext, line: string, say: () => void): void {
    const { full } = this.#around;
    const job = this.#jobOf(context);
    const { session } = job;
    const isNumbered = this.#isHeard(job) && (!line.startsWith('progress') || session.features.has('progress'));
    // A full disk is told to the agent, which here goes on as if nothing were.
    const isRefused = isNumbered && full.has(session.id);
    if (isNumbered && !isRefused) job.said.push(line);
    // Who watches may have negotiated it.
    const body = { current: Number(line.split(' ')[1]) };
    if (!isNumbered && this.#isHeard(job)) job.history.addLeftOut('job.event', { kind: 'progress', body });
    try {
      say();
    } catch (error) {
      if (!isRefused) throw error;
    }
  }

  #isHeard({ ended, decided, cancelledMs, shutMs }: PromisedJob): boolean {
    return ended === undefined && decided === undefined && Math.min(cancelledMs, shutMs) > this.#around.oracle.nowMs();
  }

  #jobOf({ id }: JobContext): PromisedJob {
    const job = this.#around.oracle.jobs.get(id);
    if (!job) throw new Violation(`job ${id} runs, and was never accepted`);
    return job;
  }

  /** A chunk that finds the disk full spoils the result, whatever its agent makes of it. */
  #write(job: PromisedJob, promise: () => void, write: () => void): void {
    const { result, session } = job;
    if (!result) return;
    promise();
    const isRefused = result.isDue && this.#isHeard(job) && this.#around.full.has(session.id);
    if (isRefused || !this.#isHeard(job)) result.loses();
    result.isSpoilt ||= isRefused;
    try {
      write();
    } catch (error) {
      if (!isRefused) throw error;
    }
  }

  #end(agent: SimAgent, how: 'finish' | 'fail'): void {
    const { oracle, tell } = this.#around;
    const job = oracle.jobs.get(agent.context.id);
    if (job?.told !== 'nothing') return;
    tell(`job ${agent.context.id}: its agent says ${how}`);
    const { result } = job;
    // A streamed result that is not whole is none (§8).
    this.#told(job, result && (!result.isWhole || result.isSpoilt) ? 'fail' : how);
    if (how === 'finish') agent.finish(result ? undefined : { ok: true });
    else agent.fail(new Error('simulated'));
  }
}
