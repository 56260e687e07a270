import type { PromisedJob } from './promised-job.ts';

/** What a job may do (§9), as it was asked for: few patterns, so that what they cover is plain. */
export interface PromisedLease {
  'tool.call'?: readonly string[];
  'agent.delegate'?: readonly string[];
  'cost.budget'?: readonly string[];
}

/** What is left of a budget in dollars, in thousandths (§9.6). */
export class PromisedBudget {
  readonly granted: number;
  left: number;
  /** What was last told of it. */
  #told: number;

  constructor(granted: number, left = granted) {
    this.granted = granted;
    this.left = left;
    this.#told = left;
  }

  /** Returns what is left where that is to be told: a hundredth of it is gone since the last time, or all of it. */
  spend(amount: number): number | undefined {
    const wasLeft = this.left > 0;
    this.left -= amount;
    const isOver = wasLeft && this.left <= 0;
    if (!isOver && (this.#told - this.left) * 100 < this.granted) return undefined;
    this.#told = this.left;
    return this.left;
  }

  /** What is set aside, or comes back, was not spent. */
  move(amount: number): void {
    this.left += amount;
    this.#told += amount;
  }

  copy(): PromisedBudget {
    const copy = new PromisedBudget(this.granted, this.left);
    copy.#told = this.#told;
    return copy;
  }
}

/** The amount that a lease asks for, in thousandths. */
export function askedOf(lease: PromisedLease): number | undefined {
  const [amount] = lease['cost.budget'] ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount.split(':')[1]) * 1000);
}

/** The budget that a job spends: its own, or that of the job that delegated it. */
export function budgetOf(job: PromisedJob | undefined): PromisedBudget | undefined {
  return job && (job.budget ?? budgetOf(job.parent));
}

/** Why a job may not do something, in the order of §9.3; undefined where it may. */
export function refusalOfCall(
  job: PromisedJob,
  { namespace, target, nowMs }: { namespace: 'tool.call' | 'agent.delegate'; target: string; nowMs: number },
): string | undefined {
  if (job.expiresMs <= nowMs) {
    // What would be seen a moment later is found now, and ends it now.
    job.beganMs = Number.NEGATIVE_INFINITY;
    job.expiresMs = nowMs;
    return 'LEASE_EXPIRED';
  }
  if (isExhausted(job)) return 'BUDGET_EXHAUSTED';
  const patterns = job.lease[namespace] ?? [];
  return patterns.some((pattern) => covers(pattern, target)) ? undefined : 'PERMISSION_DENIED';
}

function isExhausted(job: PromisedJob): boolean {
  const budget = budgetOf(job);
  return budget !== undefined && budget.left <= 0;
}

/** Why a child may not have such a lease (§9.4). */
export function refusalOfLease(parent: PromisedJob, lease: PromisedLease): string | undefined {
  for (const namespace of ['tool.call', 'agent.delegate'] as const) {
    const outer = parent.lease[namespace] ?? [];
    if (!(lease[namespace] ?? []).every((inner) => outer.some((pattern) => covers(pattern, inner))))
      return 'LEASE_SUBSET_VIOLATION';
  }
  const asked = askedOf(lease);
  if (asked === undefined) return undefined;
  const left = budgetOf(parent)?.left;
  return left === undefined || left < asked ? 'LEASE_SUBSET_VIOLATION' : undefined;
}

/** Of the patterns there are, `*` and `search.*` cover others: whether names or patterns. */
function covers(pattern: string, inner: string): boolean {
  if (pattern === inner) return true;
  if (pattern === '*') return !inner.includes('.');
  return pattern === 'search.*' && /^search\.\w+$/.test(inner);
}
