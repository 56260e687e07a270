import { defineAgent } from '../../src/index.ts';
import type { Frame, Peer } from './peer.ts';
import { puppet, simulatedRuntime, tokens } from './runtime.ts';

export const echo = defineAgent({ name: 'echo', run: (job) => job.input });

export function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent, echo], ...options }) };
}

export async function live(at: ReturnType<typeof world>) {
  const { peer, link } = at.connect();
  const welcome = await peer.hello(tokens.alice);
  return { peer, link, resumeToken: String(welcome.payload.resume_token), sessionId: String(welcome.session_id) };
}

export const frame = (fields: object) =>
  JSON.stringify({ arcp: '1.1', id: 'req_x', type: 'session.ping', payload: {}, ...fields });

/** What a connection answers to a text that is no frame; it must still serve afterwards. */
export async function refusalOf(peer: Peer, text: string): Promise<Frame> {
  peer.raw(text);
  const refusal = await peer.next('session.error');
  await peer.settle();
  return refusal;
}
