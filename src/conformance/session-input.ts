import type { SessionInput } from '../../machines/session.setup.ts';
import type { Act } from './model.ts';
import type { Policy, Reference } from './reference.ts';

/** Durations of the walks, such that only the timer an act is about fires in it. Milliseconds. */
export const durations = {
  handshakeTimeoutMs: 10_000,
  resumeWindowMs: 600_000,
  cancelGraceMs: 3_000,
  revocationGraceMs: 5_000,
  maxRuntimeMs: 4_000,
  leaseExpiryMs: 6_000,
} as const;

/** Acts in which nothing happens but that so much time passes. */
export const lapses: ReadonlyMap<Act['do'], number> = new Map([
  ['outlive the window', durations.resumeWindowMs + 1],
  ['cancel grace over', durations.cancelGraceMs],
  ['max runtime over', durations.maxRuntimeMs],
  ['revocation grace over', durations.revocationGraceMs],
]);

/** What the session chart is started with. */
export function sessionInput(policy: Policy): SessionInput {
  const { handshakeTimeoutMs, resumeWindowMs, cancelGraceMs, revocationGraceMs } = durations;
  const lasting = { handshakeTimeoutMs, resumeWindowMs, cancelGraceMs, revocationGraceMs };
  return { sessionId: 'session', ...lasting, onShutdown: 'abandon', ...policy, refusalsMax: 3 };
}

/**
 * How much of a window passes before a process dies: the next one has what is left of it, and no more (§3, Crash). Nothing of
 * it where a job might end meanwhile, or where half of it has gone already.
 */
export function windowToSpend({ state, jobs }: Reference, detachedForMs: number): number {
  const half = durations.resumeWindowMs / 2;
  return state === 'detached' && jobs.length === 0 && detachedForMs < half ? half : 0;
}
