import { type Frame, type Peer, quietFeatures } from './peer.ts';
import { tokens } from './runtime.ts';

export { quietFeatures } from './peer.ts';

/** A connection of someone's, past its welcome. */
export async function enter(at: { open(): Peer }, { token = tokens.alice, features = quietFeatures } = {}) {
  const peer = at.open();
  const welcome = await peer.hello(token, { features });
  const resumeToken = String(welcome.payload.resume_token);
  const submit = (agent: string, payload: object = {}, envelope: object = {}) =>
    peer.ask('job.submit', { agent, ...payload }, envelope);
  return { peer, welcome, sessionId: String(welcome.session_id), resumeToken, submit };
}

/** Comes back after a drop. */
export async function comeBack(
  at: { open(): Peer },
  { resumeToken, after = 0, features }: { resumeToken: string; after?: number; features?: string[] },
) {
  const peer = at.open();
  const capabilities = features === undefined ? {} : { capabilities: { encodings: ['json'], features } };
  const resume = { resume_token: resumeToken, last_event_seq: after, ...capabilities };
  const welcome = await peer.resume(tokens.alice, resume);
  await peer.settle();
  return { peer, welcome, resumeToken: String(welcome.payload.resume_token) };
}

/** Cuts the cable, and waits until the runtime has noticed. */
export async function cut(peer: Peer): Promise<void> {
  peer.drop();
  await peer.closed;
  await turn();
}

/** Everything that waits for nothing but its turn has had it. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The terminal frames of a job among those that came in: never more than one. */
export function terminals(peer: Peer, jobId?: string): Frame[] {
  const all = peer.frames.filter(({ type, event_seq: seq }) => seq !== undefined && type !== 'job.event');
  return jobId === undefined ? all : all.filter((frame) => frame.job_id === jobId);
}

/** Kinds and bodies of the events that came in. */
export function events(peer: Peer): { kind: string; body: unknown }[] {
  const all = peer.frames.filter((frame) => frame.type === 'job.event');
  return all.map(({ payload }) => ({ kind: payload.kind, body: payload.body }));
}
