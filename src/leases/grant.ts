import type { Clock } from '../clock.ts';
import { ArcpError } from '../wire/errors.ts';
import type { AcceptedPayload, Feature } from '../wire/messages.ts';
import type { Authority } from './authority.ts';
import { Budget } from './budget.ts';
import { inheritedExpiry, keptExpiry, readExpiry, remainingMs } from './expiry.ts';
import { readLease, requireSubset } from './lease.ts';

interface Asked {
  lease_request?: Readonly<Record<string, unknown>>;
  lease_constraints?: object;
}

/** The authority a submit asks for, none where it asks for none; `INVALID_REQUEST` where it may not ask for that (§9). */
export function grant(asked: Asked, { features, clock }: { features: ReadonlySet<Feature>; clock: Clock }): Authority {
  const lease = readLease(asked.lease_request);
  const expiry = readExpiry(asked.lease_constraints ?? {}, clock);
  const needed: [Feature, boolean][] = [
    ['cost.budget', 'cost.budget' in lease.granted],
    ['model.use', 'model.use' in lease.granted],
    ['lease_expires_at', expiry !== undefined],
  ];
  for (const [feature, isUsed] of needed) {
    if (!isUsed || features.has(feature)) continue;
    throw new ArcpError('INVALID_REQUEST', `the feature ${feature} was not negotiated in this session`);
  }
  return { lease, expiry, budget: new Budget(lease.amounts) };
}

/**
 * The authority a child asks its parent for (§9.4): a subset in patterns, of what is left of the budget, no later expiry.
 * `INVALID_REQUEST` or `LEASE_SUBSET_VIOLATION`, and then nothing was taken of the parent's budget.
 */
export function grantFrom(parent: Authority, asked: Asked, clock: Clock): Authority {
  const lease = readLease(asked.lease_request);
  const expiry = inheritedExpiry(readExpiry(asked.lease_constraints ?? {}, clock), parent.expiry);
  requireSubset(lease, parent.lease);
  return { lease, expiry, budget: parent.budget.reserve(lease.amounts) };
}

/** The authority of a job that another process accepted, with what was left of its budget; what a child has left is its parent's. */
export function regained(
  { lease: accepted, lease_constraints: constraints }: Pick<AcceptedPayload, 'lease' | 'lease_constraints'>,
  { budget, parent, clock }: { budget: readonly string[]; parent?: Authority | undefined; clock: Clock },
): Authority {
  const lease = readLease(accepted);
  const at = constraints?.expires_at;
  const expiry = at === undefined ? undefined : keptExpiry(at, clock);
  return { lease, expiry, budget: new Budget(lease.amounts, parent?.budget).restored(budget) };
}

/** What an acceptance says of the authority that was granted. */
export function granted({
  lease,
  budget,
  expiry,
}: Authority): Pick<AcceptedPayload, 'lease' | 'lease_constraints' | 'budget'> {
  return {
    lease: lease.granted,
    ...(expiry === undefined ? {} : { lease_constraints: { expires_at: expiry.at } }),
    ...(lease.amounts.size === 0 ? {} : { budget: budget.remaining() }),
  };
}

/** How long from now on, null for as long as it runs: what a job's chart is told. */
export function leaseExpiryMs({ expiry }: Authority, clock: Clock): number | null {
  return expiry === undefined ? null : Math.max(0, remainingMs(expiry, clock));
}
