import { ArcpError, type JobContext } from '../../src/index.ts';
import { Violation } from './client.ts';
import type { Lots } from './lots.ts';
import type { Oracle } from './oracle.ts';
import type { PromisedJob } from './promised-job.ts';
import { budgetOf, type PromisedLease, refusalOfCall, refusalOfLease } from './promised-lease.ts';
import { count } from './tally.ts';

interface Surroundings {
  oracle: Oracle;
  lots: Lots;
  tell(line: string): void;
}

/** What agents do that takes authority, or costs: tools, money, other agents (§9, §10). What comes of it is foreseen. */
export class Errands {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  run(job: PromisedJob, context: JobContext): void {
    this.#around.lots.pick([
      () => this.#tool(job, context),
      () => this.#spend(job, context),
      () => this.#delegate(job, context),
      () => this.#delegate(job, context),
      () => this.#leak(job, context),
      () => this.#rotate(job, context),
    ])();
  }

  /** What is left of a job's budget is what it should be, to the last digit. */
  check(job: PromisedJob, context: JobContext): void {
    const left = budgetOf(job)?.left;
    if (context.budget.USD === (left === undefined ? undefined : left / 1000)) return;
    throw new Violation(`job ${job.id} has ${context.budget.USD} left, and should have ${left} thousandths`);
  }

  #tool(job: PromisedJob, context: JobContext): void {
    const { lots, tell } = this.#around;
    const name = lots.pick(['search.web', 'search.web', 'write']);
    const refusal = refusalOfCall(job, { namespace: 'tool.call', target: name, nowMs: this.#around.oracle.nowMs() });
    tell(`job ${job.id} calls ${name}: ${refusal ?? 'it may'}`);
    this.#count('tool', refusal);
    job.said.push(`tool_call ${name}`, `tool_result ${refusal ?? 'done'}`);
    let runs = 0;
    const call = context.tool(name, {}, () => {
      runs += 1;
      return 'done';
    });
    if (runs !== (refusal === undefined ? 1 : 0)) this.#around.oracle.fault(`${name} ran ${runs} times: ${refusal}`);
    this.#expect(call, refusal);
  }

  #spend(job: PromisedJob, context: JobContext): void {
    const { lots, tell } = this.#around;
    const thousandths = lots.pick([1, 3, 100, 250, 700]);
    tell(`job ${job.id} spends ${thousandths}`);
    job.said.push(`metric cost.search ${thousandths / 1000}`);
    const left = budgetOf(job)?.spend(thousandths);
    this.#count('spent', left === undefined ? undefined : 'and told');
    if (left !== undefined && job.session.features.has('cost.budget'))
      job.said.push(`metric cost.budget.remaining ${left / 1000}`);
    context.metric({ name: 'cost.search', value: thousandths / 1000, unit: 'USD' });
  }

  #delegate(job: PromisedJob, context: JobContext): void {
    const { lots, oracle, tell } = this.#around;
    const agent = lots.pick(['sim', 'again']);
    const lease = lots.pick<PromisedLease>([
      {},
      { 'cost.budget': ['USD:0.300'] },
      { 'cost.budget': ['USD:0.050'] },
      { 'tool.call': ['search.web'], 'agent.delegate': ['sim'] },
      { 'tool.call': ['write'] },
    ]);
    const refusal = this.#refusalOf(job, agent, lease);
    tell(`job ${job.id} delegates to ${agent} ${JSON.stringify(lease)}: ${refusal ?? 'it may'}`);
    this.#count('delegated', refusal);
    const child = refusal === undefined ? oracle.promises.delegates(job, { agent, lease }) : undefined;
    job.said.push(`delegate ${agent}`, ...(refusal === undefined ? [] : [`tool_result ${refusal}`]));
    try {
      const { id } = context.delegate({ agent, lease_request: { ...lease } });
      if (id !== child?.id) oracle.fault(`${child?.id ?? 'nothing'} was delegated as ${id}`);
    } catch (error) {
      if (!(error instanceof ArcpError) || error.code !== refusal) oracle.fault(`delegating failed: ${error}`);
    }
  }

  #refusalOf(job: PromisedJob, agent: string, lease: PromisedLease): string | undefined {
    const nowMs = this.#around.oracle.nowMs();
    return refusalOfCall(job, { namespace: 'agent.delegate', target: agent, nowMs }) ?? refusalOfLease(job, lease);
  }

  /** It says what it must not: that is cut out. */
  #leak(job: PromisedJob, context: JobContext): void {
    const [credential] = job.credentials;
    if (!credential) return;
    this.#around.tell(`job ${job.id} says a secret`);
    this.#count('secret cut out', undefined);
    job.said.push(`the key is [credential ${credential.id}]`);
    context.log('info', `the key is ${credential.value}`);
  }

  #rotate(job: PromisedJob, context: JobContext): void {
    const [credential] = job.credentials;
    if (!credential) return;
    this.#around.tell(`job ${job.id} rotates a credential`);
    this.#count('credentials: rotated', undefined);
    if (job.session.features.has('provisioned_credentials')) job.said.push('status credential_rotated');
    this.#expect(context.rotateCredential(credential.id), undefined);
  }

  #expect(call: Promise<unknown>, refusal: string | undefined): void {
    const { fault } = this.#around.oracle;
    call.then(
      () => refusal === undefined || fault(`a call succeeded that was to be refused: ${refusal}`),
      (error) => (error instanceof ArcpError && error.code === refusal) || fault(`a call failed: ${error}`),
    );
  }

  #count(what: string, how: string | undefined): void {
    count(this.#around.oracle.tally, how === undefined ? what : `${what}: ${how}`);
  }
}
