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

/** What a trace says of it: no pattern. */
export function tracedAuthority({ budget, expiry }: Authority): { expiresAt?: string; budget?: readonly string[] } {
  const amounts = budget.amounts();
  return {
    ...(expiry === undefined ? {} : { expiresAt: expiry.at }),
    ...(amounts.length === 0 ? {} : { budget: amounts }),
  };
}

export interface AuthorityQuestion {
  namespace: string;
  target: unknown;
  clock: Clock;
  /** Of the job: once its signal has fired, or it has ended, there is no authority any more. */
  signal: AbortSignal;
  isEnding: boolean;
}

/**
 * The check before every authority-bearing call (§9.3): expiry, then budget, then pattern. Returns the target in its
 * canonical spelling, the one to act on; throws `LEASE_EXPIRED`, `BUDGET_EXHAUSTED` or `PERMISSION_DENIED`, or what the
 * signal fired with.
 */
export function authorize(
  authority: Authority,
  { namespace, target, clock, signal, isEnding }: AuthorityQuestion,
): string {
  const { lease, budget, expiry } = authority;
  if (expiry && remainingMs(expiry, clock) <= 0)
    throw new ArcpError('LEASE_EXPIRED', `the lease ended at ${expiry.at}`);
  signal.throwIfAborted();
  if (isEnding) throw new ArcpError('PERMISSION_DENIED', 'the job has ended');
  const currency = budget.exhausted();
  if (currency !== undefined) throw new ArcpError('BUDGET_EXHAUSTED', `the budget in ${currency} is used up`);
  const canonical = coveredTarget(lease, namespace, target);
  if (canonical !== undefined) return canonical;
  throw new ArcpError('PERMISSION_DENIED', `the lease of this job does not cover this target of ${namespace}`);
}
