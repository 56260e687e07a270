import { puppet, simulatedRuntime, tokens } from './runtime.ts';

export function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { ...simulatedRuntime({ agents: [agent.agent], resumeWindowSec: 60, ...options }), agent };
}

/** A detached session with a running job and `count` events in its log, of which the client had the first `seen`. */
export async function detachedSession(at: ReturnType<typeof world>, { seen = 3, count = 10 } = {}) {
  const peer = at.open();
  const welcome = await peer.hello(tokens.alice);
  const accepted = await peer.ask('job.submit', { agent: 'puppet' }, { trace_id: 'ab'.repeat(16) });
  at.agent.emit(seen);
  await peer.settle();
  peer.drop();
  await peer.closed;
  at.agent.emit(count - seen);
  const resumeToken: string = welcome.payload.resume_token;
  return { peer, resumeToken, sessionId: welcome.session_id ?? '', jobId: accepted.job_id ?? '', seen, count };
}

export const auth = { scheme: 'bearer', token: tokens.alice };
export const refusal = (code: string, reason?: string) => ({
  type: 'session.error',
  payload: { code, ...(reason === undefined ? {} : { details: { reason } }) },
});
export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
