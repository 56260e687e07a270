import type { FinalStatus } from '../../machines/index.ts';
import type { Act } from './model.ts';
import { type Answer, beginning, isStopped, type Reference } from './reference.ts';
import type { SessionStep } from './session-walks.ts';

/** What a driver saw of one act. What a level cannot see is left out; what it saw not happen is null. */
export interface Observed {
  state?: Reference['state'];
  tokens?: number;
  jobs?: Reference['jobs'];
  answer?: Answer | null;
  closes?: number | null;
  supersedes?: boolean;
  terminals?: readonly FinalStatus[];
  /** Whatever else is wrong, in words. */
  faults?: readonly string[];
}

/** Makes acts happen to one session, at one level: a chart, a runtime in memory, a server behind a socket. */
export interface SessionDriver {
  /** Does the act to a session that is where the protocol says, and tells what came of it once all has settled. */
  perform(at: Reference, act: Act): Observed | Promise<Observed>;
  /** The walk is over: lets go of everything. */
  end(): void | Promise<void>;
}

/** A step that went otherwise than the protocol says, told as the walk that led there. */
export class WalkError extends Error {
  readonly steps: readonly SessionStep[];
  readonly differences: readonly string[];

  constructor(steps: readonly SessionStep[], differences: readonly string[]) {
    const story = steps.slice(-12).map(({ name, before }, index, shown) => {
      const number = steps.length - shown.length + index + 1;
      return `  ${String(number).padStart(4)}. [${stateText(before.memory ?? beginning)}] ${name}`;
    });
    const skipped = steps.length > 12 ? [`  … ${steps.length - 12} steps before`] : [];
    super([...skipped, ...story, ...differences.map((difference) => `        ${difference}`)].join('\n'));
    this.name = 'WalkError';
    this.steps = steps;
    this.differences = differences;
  }
}

/** Takes a driver along one walk; throws a `WalkError` at the first step that goes otherwise. */
export async function drive(driver: SessionDriver, walk: readonly SessionStep[]): Promise<void> {
  try {
    for (const [index, { before, data }] of walk.entries()) {
      if (!data) continue;
      const observed = await attempt(driver, before.memory ?? beginning, data.act);
      const differences = compare(data.outcome, observed);
      if (differences.length > 0) throw new WalkError(walk.slice(0, index + 1), differences);
    }
  } finally {
    await driver.end();
  }
}

/** What breaks a driver (an answer that never comes, say) is told like any other difference, as part of the walk. */
async function attempt(driver: SessionDriver, at: Reference, act: Act): Promise<Observed> {
  try {
    return await driver.perform(at, act);
  } catch (error) {
    return { faults: [error instanceof Error ? error.message : String(error)] };
  }
}

/** What was seen against what has to be seen, in words; empty where they agree. */
export function compare({ next, answer, closes, supersedes, terminals }: SessionOutcome, observed: Observed): string[] {
  const expected: Observed = { state: next.state, tokens: next.tokens, answer, closes, supersedes, terminals };
  const differences = Object.entries(expected).flatMap(([aspect, wanted]) => {
    const seen = Object.entries(observed).find(([name]) => name === aspect)?.[1];
    return seen === undefined || isAsWanted(wanted, seen)
      ? []
      : [`${aspect}: expected ${show(wanted)}, saw ${show(seen)}`];
  });
  const jobs = next.jobs.map(jobText).sort();
  const seenJobs = observed.jobs?.map(jobText).sort();
  if (seenJobs && show(seenJobs) !== show(jobs))
    differences.push(`jobs: expected ${show(jobs)}, saw ${show(seenJobs)}`);
  return [...differences, ...(observed.faults ?? [])];
}

type SessionOutcome = NonNullable<SessionStep['data']>['outcome'];

/** An answer may say more than it has to. */
function isAsWanted(wanted: unknown, seen: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return show(wanted) === show(seen);
  if (typeof seen !== 'object' || seen === null) return false;
  const said = new Map(Object.entries(seen));
  return Object.entries(wanted).every(([name, value]) => show(value) === show(said.get(name)));
}

/** A job with a time limit looks like any other that runs. */
function jobText(job: Reference['jobs'][number]): string {
  return `${job.id} ${isStopped(job) ? 'cancelling' : 'running'}`;
}

/** Where a session is, in a few words. */
export function stateText({ state, tokens, jobs, log, ghost }: Reference): string {
  const parts = [
    state,
    `${tokens} tokens`,
    ...jobs.map(jobText),
    `log ${log}`,
    ...(ghost ? ['old connection half-open'] : []),
  ];
  return parts.join(', ');
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
