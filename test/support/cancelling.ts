import type { Peer } from './peer.ts';
import { puppet, simulatedRuntime } from './runtime.ts';
import { enter } from './session.ts';

export async function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  const simulated = simulatedRuntime({ agents: [agent.agent], resumeWindowSec: 60, ...options });
  const owner = await enter(simulated);
  const accepted = await owner.submit('puppet');
  return { agent, ...simulated, owner, peer: owner.peer, jobId: String(accepted.job_id) };
}

export const cancel = (peer: Peer, jobId: string, reason?: string) =>
  peer.ask('job.cancel', { job_id: jobId, ...(reason === undefined ? {} : { reason }) });
export const ended = {
  type: 'session.error',
  payload: { code: 'JOB_NOT_FOUND', retryable: false, details: { reason: 'ended' } },
};
