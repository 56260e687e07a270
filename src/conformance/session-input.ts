import type { SessionInput } from '../../machines/session.setup.ts';
import type { Act } from './model.ts';
import type { Policy } from './reference.ts';

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
