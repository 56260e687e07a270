import { durableRuntime } from './durable.ts';
import { puppet } from './runtime.ts';
import { enter, turn } from './session.ts';

/** How a job ends whose agent does not want to begin again. */
export const cutShort = { payload: { final_status: 'error', code: 'INTERNAL_ERROR', retryable: true } };

export function world(onRestart: 'fail' | 'rerun' = 'fail') {
  const agent = puppet();
  const at = durableRuntime({ agents: [{ ...agent.agent, onRestart }] });
  return { agent, ...at };
}

/** A session with a job that has emitted five events, of which its client has all. */
export async function midway(onRestart: 'fail' | 'rerun' = 'fail', payload: object = {}) {
  const at = world(onRestart);
  const session = await enter(at);
  const accepted = await session.submit('puppet', payload);
  at.agent.emit(5);
  await turn();
  return { ...at, ...session, jobId: String(accepted.job_id) };
}
