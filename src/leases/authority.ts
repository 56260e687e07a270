import type { Clock } from '../clock.ts';
import { ArcpError } from '../wire/errors.ts';
import type { Budget } from './budget.ts';
import { type Expiry, remainingMs } from './expiry.ts';
import { coveredTarget, type Lease } from './lease.ts';

/** All that bounds what a job may do. */
export interface Authority {
  lease: Lease;
  budget: Budget;
  expiry: Expiry | undefined;
}

/**
 * The check before every authority-bearing call (§9.3): expiry, then budget, then pattern. Returns the target in its
 * canonical spelling, the one to act on; throws `LEASE_EXPIRED`, `BUDGET_EXHAUSTED` or `PERMISSION_DENIED`.
 */
export function authorize(
  { lease, budget, expiry }: Authority,
  { namespace, target, clock }: { namespace: string; target: unknown; clock: Clock },
): string {
  if (expiry && remainingMs(expiry, clock) <= 0)
    throw new ArcpError('LEASE_EXPIRED', `the lease ended at ${expiry.at}`);
  const currency = budget.exhausted();
  if (currency !== undefined) throw new ArcpError('BUDGET_EXHAUSTED', `the budget in ${currency} is used up`);
  const canonical = coveredTarget(lease, namespace, target);
  if (canonical !== undefined) return canonical;
  throw new ArcpError(
    'PERMISSION_DENIED',
    `the lease of this job covers no such target of ${JSON.stringify(namespace)}`,
  );
}
