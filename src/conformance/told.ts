import type { Asker, JobEvent, JobFate, Refusal, SessionEvent } from '../../machines/index.ts';
import type { Told } from './chart-moment.ts';
import type { Act, CrashAct, ResumeAct } from './model.ts';
import { endOf, isAttached, isCancelling, isRunning, type Policy, type Reference } from './reference.ts';
import { durations } from './session-input.ts';
import { nextName } from './wire-jobs.ts';

const asker: Asker = { connectionId: 'client', requestId: 'request' };

/** Acts in which the client is heard on its connection: the frame before all else shows that it has its newest token. */
const heard: ReadonlySet<Act['do']> = new Set([
  'ping',
  'ack',
  'ack beyond the newest',
  'malformed frame',
  'misplaced frame',
  'close',
  'bye',
  'outlive the window',
  'submit',
  'work',
  'refused submit',
  'cancel',
  'cancel again',
  'cancel an unknown job',
  'cancel grace over',
  'max runtime over',
  'submit with a credential',
  'revocation grace over',
  'cancel the ended job',
  // Of a lease that ends by the clock: while time passes the client is heard.
  'lease over',
]);

/** What the charts hear of an act: the session's, and those of its jobs. */
export function told(at: Reference, act: Act, policy: Policy): Told[] {
  const isHeard = heard.has(act.do) && !(act.do === 'lease over' && act.found === 'by the agent');
  const isProof = isHeard && isAttached(at) && at.tokens === 2;
  const events = ofHandshake(act) ?? ofConnection(act) ?? ofWork(act) ?? ofJobs(at, act) ?? ofOthers(at, act, policy);
  return isProof ? [...session({ type: 'token.proven' }), ...events] : events;
}

function session(event: SessionEvent): Told[] {
  return [{ event }];
}

function timer(delay: string, state: string): Told {
  return { event: { type: `xstate.after.${delay}.${state}` } };
}

function ofHandshake(act: Act): Told[] | undefined {
  switch (act.do) {
    case 'hello':
      return session({ type: 'session.hello', asker, principal: 'alice' });
    case 'unauthenticated hello':
    case 'refused resume': {
      const code = handshakeRefusal(act);
      return session({ type: 'handshake.refused', asker, refusal: { code, message: code } });
    }
    case 'early frame':
      return session({ type: 'frame.unexpected', asker, frame: act.frame });
    case 'malformed first frame':
      return session({ type: 'frame.malformed', asker, problem: act.frame, frame: act.frame });
    case 'be adopted':
      return session({ type: 'connection.adopted' });
    case 'handshake timeout':
      return act.moment === 'over' ? [timer('handshakeTimeoutMs', 'session.handshaking')] : [];
    default:
      return undefined;
  }
}

/** What the runtime tells the first connection's chart, having looked at its credentials and its token. */
export function handshakeRefusal(
  act: Extract<Act, { do: 'unauthenticated hello' | 'refused resume' }>,
): Refusal['code'] {
  switch (act.has) {
    case "another principal's token":
      return 'PERMISSION_DENIED';
    case 'an unknown token':
      return 'RESUME_WINDOW_EXPIRED';
    case 'two different tokens':
    case 'no count':
      return 'INVALID_REQUEST';
    default:
      return 'UNAUTHENTICATED';
  }
}

function ofConnection(act: Act): Told[] | undefined {
  switch (act.do) {
    case 'malformed frame':
      return session({ type: 'frame.malformed', asker, problem: act.frame });
    case 'misplaced frame':
      return act.frame === "another session's" ? [] : session({ type: 'frame.unexpected', asker, frame: act.frame });
    case 'close':
      return session({ type: 'session.close', asker });
    case 'bye':
      return session({ type: 'session.bye', asker });
    case 'read on':
      return session({ type: 'replay.caughtUp' });
    case 'drop':
    case 'violate':
      return session({ type: 'transport.lost', code: act.code });
    case 'heartbeat lost':
      return session({ type: 'heartbeat.lost' });
    case 'stall':
      return session({ type: 'consumer.stalled' });
    default:
      return undefined;
  }
}

/** A job from its submit to its end. */
function ofWork(act: Act): Told[] | undefined {
  if (act.do !== 'work') return undefined;
  const jobId = 'job-1';
  const unlimited = { maxRuntimeMs: null, leaseExpiryMs: null, credentials: 0 };
  const submit = session({ type: 'job.submit', asker, jobId, ...unlimited });
  const cancel = session({ type: 'job.cancel', asker, jobId, mayCancel: true });
  return [...submit, ...(act.how === 'is cancelled' ? cancel : []), { event: { type: 'agent.returned' }, to: jobId }];
}

function ofJobs(at: Reference, act: Act): Told[] | undefined {
  const [running] = at.jobs.filter(isRunning);
  const [cancelling] = at.jobs.filter(isCancelling);
  const [revoking] = at.jobs.filter((job) => endOf(job) !== undefined);
  const cancel = (job: { id: string } | undefined, mayCancel: boolean) =>
    job ? session({ type: 'job.cancel', asker, jobId: job.id, mayCancel }) : [];
  switch (act.do) {
    case 'submit': {
      const jobId = nextName(at);
      const maxRuntimeMs = act.with === 'max_runtime_sec' ? durations.maxRuntimeMs : null;
      const leaseExpiryMs = act.with === 'expires_at' ? durations.leaseExpiryMs : null;
      return session({ type: 'job.submit', asker, jobId, maxRuntimeMs, leaseExpiryMs, credentials: 0 });
    }
    case 'agent': {
      const job = act.of === 'running' ? running : cancelling;
      const event: JobEvent = { type: act.ends === 'returns' ? 'agent.returned' : 'agent.failed' };
      return job ? [{ event, to: job.id }] : [];
    }
    case 'cancel':
      return cancel(running, true);
    case 'cancel again':
      return cancel(cancelling, true);
    case "stranger's cancel":
      return act.principal === 'own' ? cancel(running ?? cancelling, false) : [];
    case 'cancel grace over':
      return at.jobs.filter(isCancelling).map(({ id }) => ({ ...timer('cancelGraceMs', 'job.cancelling'), to: id }));
    case 'max runtime over':
      return at.jobs
        .filter(({ status }) => status === 'limited' || status === 'provisioned')
        .map(({ id }) => ({ ...timer('maxRuntimeMs', 'job.running'), to: id }));
    case 'submit with a credential': {
      const limits = { maxRuntimeMs: durations.maxRuntimeMs, leaseExpiryMs: null };
      return session({ type: 'job.submit', asker, jobId: 'job-1', ...limits, credentials: 1 });
    }
    case 'revocation done':
      return revoking ? [{ event: { type: 'credentials.revoked' }, to: revoking.id }] : [];
    case 'revocation grace over':
      return revoking ? [{ ...timer('revocationGraceMs', 'job.revoking'), to: revoking.id }] : [];
    case 'cancel the ended job':
      return cancel(revoking, true);
    case 'lease over':
      return at.jobs.filter(({ status }) => status === 'leased').map(({ id }) => ({ ...leaseOver(act.found), to: id }));
    case 'delegate':
      return session(delegation(nextName(at), running?.id ?? ''));
    case 'job fault':
      return session(fault(running?.id ?? ''));
    default:
      return undefined;
  }
}

function fault(actorId: string): SessionEvent {
  return { type: `xstate.error.actor.${actorId}`, error: 'the job broke', actorId };
}

function leaseOver(found: 'by the clock' | 'by the agent'): Told {
  return found === 'by the clock' ? timer('leaseExpiryMs', 'job.running') : { event: { type: 'lease.expired' } };
}

function delegation(jobId: string, parentId: string): SessionEvent {
  return { type: 'job.delegated', jobId, parentId, maxRuntimeMs: null, leaseExpiryMs: null };
}

function ofOthers(at: Reference, act: Act, policy: Policy): Told[] {
  switch (act.do) {
    case 'resume':
      return at.state === 'ended' ? [] : ofResume(act);
    case 'window over':
      return [timer('resumeWindowMs', 'session.detached')];
    case 'crash':
      return ofCrash(at, act, policy);
    case 'shutdown':
      return session({ type: 'runtime.shutdown' });
    case 'late fact':
      return session(act.fact === 'transport.lost' ? { type: act.fact, code: 1006 } : { type: act.fact });
    default:
      return [];
  }
}

/** The session's chart hears of a resume only where one of its tokens opens it. */
function ofResume({ token, principal, cursor, namesAnother, replay }: ResumeAct): Told[] {
  if (token !== 'current' && token !== 'previous') return [];
  if (principal === 'nobody' || cursor === 'no count') return [];
  const coverage = cursor === 'trimmed' || cursor === 'ahead' ? cursor : 'covered';
  const asked = session({
    type: 'session.resume',
    asker: { connectionId: 'newer', requestId: 'request' },
    principal: principal === 'own' ? 'alice' : 'bob',
    token,
    coverage,
    namesAnother,
  });
  const isGood = principal === 'own' && !namesAnother && coverage === 'covered';
  return isGood && replay === 'at once' ? [...asked, ...session({ type: 'replay.caughtUp' })] : asked;
}

/** Whether an act leaves nothing of the charts: what it tells, it tells new ones. */
export function beginsAnew({ state }: Reference, act: Act): boolean {
  return act.do === 'crash' && state !== 'handshaking' && state !== 'ended';
}

/** What the new process tells the charts it makes for what it has found (src/records/recovery.ts). */
function ofCrash(at: Reference, { down }: CrashAct, { onRestart = 'fail' }: Policy): Told[] {
  if (at.state === 'handshaking') return session({ type: 'transport.lost', code: 1006 });
  if (at.state === 'ended') return [];
  const restored = session({
    type: isAttached(at) || at.state === 'detached' ? 'session.restored' : `session.restored.${over(at)}`,
    principal: 'alice',
    goodTokens: at.tokens === 2 ? 2 : 1,
    windowLeftMs: durations.resumeWindowMs,
    jobs: at.jobs.map(({ id }) => id),
  });
  const begun = onRestart === 'rerun' ? 'job.start' : 'job.interrupted';
  const fateOf = ({ status, parent }: Reference['jobs'][number]): JobFate => {
    if (status === 'cancelling') return 'job.cancel';
    if (status === 'limited' && down === 'an hour') return 'job.overdue';
    if (status === 'leased' && down === 'an hour') return 'lease.expired';
    return parent === undefined ? begun : 'job.interrupted';
  };
  const jobs = at.jobs.flatMap((job) =>
    session({
      type: 'job.restored',
      jobId: job.id,
      credentials: 0,
      maxRuntimeMs: job.status === 'limited' ? durations.maxRuntimeMs : null,
      leaseExpiryMs: job.status === 'leased' ? durations.leaseExpiryMs : null,
      fate: fateOf(job),
    }),
  );
  return [...restored, ...jobs];
}

function over({ state }: Reference): 'closed' | 'expired' {
  return state === 'closed' ? 'closed' : 'expired';
}
