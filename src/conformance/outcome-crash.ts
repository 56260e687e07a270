import type { FinalStatus } from '../../machines/index.ts';
import type { CrashAct } from './model.ts';
import {
  isAttached,
  type Outcome,
  type Policy,
  type Reference,
  type ReferenceJob,
  settled,
  stays,
  written,
} from './reference.ts';

/** The process dies and another goes on from its store (§3, Crash): whatever a client has seen is still so. */
export function crashOutcome(at: Reference, act: CrashAct, { onShutdown, onRestart = 'fail' }: Policy): Outcome | null {
  if (onShutdown !== 'keep') return null;
  // Nothing of it had ever been promised.
  if (at.state === 'handshaking') return stays({ ...at, state: 'ended', over: 'refused' });
  const isOverdue = ({ status }: ReferenceJob) => status === 'limited' && act.down === 'an hour';
  const isExpired = ({ status }: ReferenceJob) => status === 'leased' && act.down === 'an hour';
  // Nobody waits for a child any more: its parent begins again, and delegates again.
  const isLost = (job: ReferenceJob) => job.status === 'cancelling' || job.parent !== undefined || isExpired(job);
  const isKept = (job: ReferenceJob) => onRestart === 'rerun' && !isLost(job) && !isOverdue(job);
  const terminals = at.jobs
    .filter((job) => !isKept(job))
    .map((job): FinalStatus => (job.status === 'cancelling' ? 'cancelled' : isOverdue(job) ? 'timed_out' : 'error'));
  const next: Reference = {
    ...at,
    state: isAttached(at) ? 'detached' : at.state,
    jobs: at.jobs.filter(isKept),
    log: at.jobs.length > 0 && at.over === 'no' ? written(at) : at.log,
    ghost: false,
    restarted: true,
  };
  return { ...stays(settled(next)), terminals };
}

/** A shutdown of a runtime whose store lasts: clients are told, and jobs are not ended by it. */
export function shutDownToReturn(at: Reference): Outcome {
  const shut = { ...at, over: 'shutdown' as const, ghost: false };
  if (isAttached(at)) return { ...stays({ ...shut, state: 'detached' }, { type: 'session.bye' }), closes: 1001 };
  if (at.state !== 'handshaking') return stays(shut);
  return { ...stays({ ...shut, state: 'ended' }), closes: 1001 };
}
