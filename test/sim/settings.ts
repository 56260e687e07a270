/** How the runtime of a story is set up. */
export interface Policy {
  /** Whether it outlives the process. */
  store: 'memory' | 'kept';
  /** Whether jobs are given credentials. */
  provisions: 'nothing' | 'credentials';
  onBye: 'cancel' | 'keep';
  onExpire: 'cancel' | 'keep';
  windowMs: number;
  graceMs: number;
  heartbeatMs: number;
  handshakeMs: number;
  stallMs: number;
  retentionMs: number;
  drainMs: number;
  revocationGraceMs: number;
  bufferEvents: number;
  bufferBytes: number;
  maxUnsentBytes: number;
  backPressure: number;
}

/** What the runtime offers, and clients ask for, or not. */
export const everyFeature = [
  'heartbeat',
  'ack',
  'list_jobs',
  'subscribe',
  'lease_expires_at',
  'cost.budget',
  'provisioned_credentials',
  'progress',
  'result_chunk',
  'agent_versions',
] as const;

/** How long the protocol has an idempotency key kept. */
export const keyKeptMs = 24 * 3600 * 1000;

/** Drawn, so that limits are met and not. */
export function drawPolicy(pick: <Value>(values: readonly Value[]) => Value): Policy {
  return {
    store: pick(['memory', 'kept'] as const),
    provisions: pick(['nothing', 'nothing', 'credentials'] as const),
    onBye: pick(['cancel', 'keep'] as const),
    onExpire: pick(['cancel', 'keep'] as const),
    windowMs: 60_000,
    graceMs: 20_000,
    heartbeatMs: pick([10, 30, 1000]) * 1000,
    handshakeMs: 10_000,
    stallMs: 5_000,
    retentionMs: 30_000,
    drainMs: 10_000,
    revocationGraceMs: 10_000,
    bufferEvents: pick([20, 10_000]),
    bufferBytes: pick([3_000, 64 * 2 ** 20, 64 * 2 ** 20]),
    maxUnsentBytes: pick([2_000, 8 * 2 ** 20]),
    backPressure: pick([5, 1000]),
  };
}

/** The options that say so to a runtime. */
export function optionsOf(policy: Policy) {
  const { onBye, onExpire, bufferEvents, bufferBytes, maxUnsentBytes, backPressure } = policy;
  return {
    onBye,
    onExpire,
    bufferEvents,
    bufferBytes,
    maxUnsentBytes,
    backPressure,
    features: everyFeature,
    resumeWindowSec: policy.windowMs / 1000,
    cancelGraceSec: policy.graceMs / 1000,
    heartbeatSec: policy.heartbeatMs / 1000,
    handshakeTimeoutSec: policy.handshakeMs / 1000,
    stallTimeoutSec: policy.stallMs / 1000,
    jobRetentionSec: policy.retentionMs / 1000,
    drainSec: policy.drainMs / 1000,
    revocationGraceSec: policy.revocationGraceMs / 1000,
    // When a call of it ends is drawn, and decided by no time.
    provisionerTimeoutSec: 1e6,
  };
}
