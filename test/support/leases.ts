import { expect } from 'vitest';
import { type AgentDefinition, ArcpError, defineAgent, type RuntimeOptions } from '../../src/index.ts';
import { puppet, simulatedRuntime } from './runtime.ts';
import { enter, events, quietFeatures, turn } from './session.ts';

/** Every feature a lease can use, and no heartbeats. */
export const leaseFeatures = [...quietFeatures, 'lease_expires_at', 'cost.budget', 'model.use'];

export interface Asked {
  lease_request?: object;
  lease_constraints?: object;
  [field: string]: unknown;
}

/** A puppet's job with a lease; `others` are agents beside it. */
export async function leased(
  asked: Asked,
  { others = [], ...options }: Partial<Omit<RuntimeOptions, 'agents'>> & { others?: AgentDefinition[] } = {},
) {
  const agent = puppet();
  const at = simulatedRuntime({ agents: [agent.agent, ...others], ...options });
  const owner = await enter(at, { features: leaseFeatures });
  const accepted = await owner.submit('puppet', asked);
  await turn();
  /** What has come over the wire of the job's events, by kind. */
  const bodies = async (...kinds: string[]) => {
    await owner.peer.settle();
    return events(owner.peer).filter(({ kind }) => kinds.includes(kind));
  };
  return { agent, ...at, ...owner, accepted, jobId: String(accepted.job_id), bodies };
}

/** The code of the error that is thrown, or rejected with. */
export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof ArcpError) return error.code;
    throw error;
  }
  return 'none';
}

/** Expects what is thrown, or rejected with, to have this code. */
export async function refused(code: string, action: () => unknown): Promise<void> {
  expect(await codeOf(action)).toBe(code);
}

/** An agent that returns its input. */
export const echo = defineAgent({ name: 'echo', run: (job) => job.input ?? null });

/** A parent whose lease lets it delegate to `child` and `echo`, and its agents. */
export async function family(
  lease: object = {},
  { options = {}, asked = {} }: { options?: object; asked?: object } = {},
) {
  const child = puppet('child');
  const lease_request = { 'agent.delegate': ['child', 'echo', 'puppet'], ...lease };
  const world = await leased({ lease_request, ...asked }, { others: [child.agent, echo], ...options });
  const accepted = async (jobId: string) => {
    await world.peer.settle();
    return world.peer.frames.find((frame) => frame.type === 'job.accepted' && frame.job_id === jobId);
  };
  return { ...world, parent: world.agent.job, child, acceptedChild: accepted };
}
