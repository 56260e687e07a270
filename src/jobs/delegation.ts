import { granted, grantFrom } from '../leases/grant.ts';
import { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import type { AcceptedPayload, EventBodies, Lease, LeaseConstraints } from '../wire/messages.ts';
import type { AgentDirectory } from './agents.ts';
import { Job } from './job.ts';

/** What is handed to another agent (§10), and with what part of the own authority. */
export interface DelegateRequest {
  /** `name` or `name@version`; the lease's `agent.delegate` has to cover the name. */
  agent: string;
  /** JSON; the child has a copy. */
  input?: unknown;
  /** A subset of the own lease; without one the child may do nothing. */
  lease_request?: Lease;
  /** An expiry no later than the own one, which a child without one has. */
  lease_constraints?: LeaseConstraints;
}

/** A delegated job, as the job that delegated it sees it. */
export interface ChildJob {
  readonly id: string;
  /**
   * What the child returned, or a streamed result put together: text where it is utf8, else bytes. Rejects with the child's
   * `ArcpError`, and, once the own job is cancelled or over, with what its signal fired with.
   */
  result(): Promise<unknown>;
}

export interface DelegationWorld {
  agents: AgentDirectory;
  /** `PERMISSION_DENIED` where the session runs as many jobs as it may. */
  requireRoom(parent: Job): void;
  /** Makes the child a job of its parent's session, and starts it. */
  begin(child: Job): void;
}

/**
 * Hands work to another agent (§10): told as the parent's `delegate` event; a refusal is told as the `tool_result` of that call,
 * and thrown.
 */
export function delegate(parent: Job, request: DelegateRequest, world: DelegationWorld): ChildJob {
  const { agent, lease_request, lease_constraints } = request;
  const input = copyOf(request.input, parent);
  const body: EventBodies['delegate'] = {
    delegate_id: mintId('call'),
    agent,
    ...(input === undefined ? {} : { input }),
    ...(lease_request === undefined ? {} : { lease_request }),
    ...(lease_constraints === undefined ? {} : { lease_constraints }),
  };
  try {
    const child = admit(parent, { ...request, input }, { world, delegateId: body.delegate_id });
    try {
      parent.emit('delegate', { ...body, job_id: child.id });
    } catch (error) {
      child.authority.budget.settle();
      throw error;
    }
    const handle = handleOf(child, parent);
    world.begin(child);
    return handle;
  } catch (error) {
    if (!(error instanceof ArcpError)) throw error;
    const { code, message, retryable } = error;
    if (!parent.refusals.has(error)) parent.refused(error);
    parent.emit('delegate', body);
    parent.emit('tool_result', { call_id: body.delegate_id, error: { code, message, retryable } });
    parent.heed(error);
    throw error;
  }
}

function admit(
  parent: Job,
  request: DelegateRequest,
  { world, delegateId }: { world: DelegationWorld; delegateId: string },
): Job {
  const { agents } = world;
  const { session, traceId, settings, provisioning } = parent;
  const { maxDelegationDepth, clock } = settings;
  const [name] = String(request.agent).split('@');
  parent.check('agent.delegate', name);
  if (parent.depth >= maxDelegationDepth) {
    throw new ArcpError('PERMISSION_DENIED', `a job is delegated ${maxDelegationDepth} times at most`, {
      limit: 'delegation_depth',
      max: maxDelegationDepth,
    });
  }
  world.requireRoom(parent);
  const agent = agents.resolve(request.agent);
  const authority = grantFrom(parent.authority, request, clock);
  const id = mintId('job');
  const accepted: AcceptedPayload = {
    job_id: id,
    agent: `${agent.name}@${agent.version}`,
    ...granted(authority),
    accepted_at: parent.now(),
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    parent_job_id: parent.id,
    delegate_id: delegateId,
  };
  const { input } = request;
  const history = parent.history.beside();
  const services = { settings, provisioning, delegate: parent.delegate, audit: parent.audit, history };
  return new Job({ id, session, agent, input, traceId, accepted, authority, parent, ...services });
}

/** Ends with the child, or with the parent, whichever is first. */
function handleOf(child: Job, parent: Job): ChildJob {
  const { signal } = parent.abort;
  const result = new Promise<unknown>((resolve, reject) => {
    const left = () => reject(signal.reason);
    signal.addEventListener('abort', left, { once: true });
    child.onSettled = (end) => {
      signal.removeEventListener('abort', left);
      child.authority.budget.settle();
      if (end instanceof ArcpError) reject(end);
      else resolve(end.result);
    };
  });
  // Whoever never asks for the result is not to be told by an unhandled rejection.
  result.catch(() => {});
  return { id: child.id, result: () => result };
}

/**
 * What the child gets is what the event says, and no object that its parent goes on changing: without its parent's credentials
 * too, which would be kept with its input, and looked for in nothing that it says (§9.8).
 */
function copyOf(input: unknown, { secrets }: Job): unknown {
  const text = secrets.hide(JSON.stringify(input));
  if (text === undefined && input !== undefined) throw new TypeError('delegate(): the input must be JSON');
  return text === undefined ? undefined : JSON.parse(text);
}
