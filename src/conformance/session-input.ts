import type { SessionInput } from '../../machines/session.setup.ts';
import type { Policy } from './reference.ts';

/** Durations of the walks, such that only the timer an act is about fires in it. Milliseconds. */
export const durations = {
  handshakeTimeoutMs: 10_000,
  resumeWindowMs: 600_000,
  cancelGraceMs: 3_000,
  revocationGraceMs: 5_000,
  maxRuntimeMs: 4_000,
} as const;

/** What the session chart is started with. */
export function sessionInput(policy: Policy): SessionInput {
  const { handshakeTimeoutMs, resumeWindowMs, cancelGraceMs, revocationGraceMs } = durations;
  const lasting = { handshakeTimeoutMs, resumeWindowMs, cancelGraceMs, revocationGraceMs };
  return { sessionId: 'session', ...lasting, ...policy, refusalsMax: 3 };
}
