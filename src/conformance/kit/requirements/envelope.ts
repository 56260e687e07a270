import type { KitFrame } from '../peer.ts';
import { correlationOf } from '../peer.ts';
import { must, type Requirement, requirements } from '../requirement.ts';
import { refused, type Scene, told } from '../scene.ts';

/** A frame, good or bad, is never the end of a session or of its jobs (§4). */
export const envelopeRequirements: Requirement[] = requirements('§4', {
  'ENV-01': [
    'Every frame is an envelope: arcp "1.1", an id, a type, and a payload that is an object.',
    everyFrame,
    'echo',
  ],
  'ENV-02': [
    'A frame that is not JSON is answered with INVALID_REQUEST, and the session lives on.',
    survives('{"arcp":'),
  ],
  'ENV-03': ['JSON that is no object is answered with INVALID_REQUEST, and the session lives on.', survives('[1,2,3]')],
  'ENV-04': [
    'A frame without a type is answered with INVALID_REQUEST, and the session lives on.',
    survives('{"arcp":"1.1","id":"kit-x","payload":{}}'),
  ],
  'ENV-05': [
    'A frame of an unknown type is answered with INVALID_REQUEST, and the session lives on.',
    survives('{"arcp":"1.1","id":"kit-x","type":"session.dance","payload":{}}'),
  ],
  'ENV-06': [
    'A field of the wrong type is answered with INVALID_REQUEST, and the session lives on.',
    survives('{"arcp":"1.1","id":"kit-x","type":"job.submit","payload":{"agent":7}}'),
  ],
  'ENV-07': [
    'A frame of another protocol version is answered with INVALID_REQUEST, and the session lives on.',
    survives('{"arcp":"0.9","id":"kit-x","type":"session.ping","payload":{}}'),
  ],
  'ENV-08': ['Fields that nobody knows, in envelope and payload, are ignored.', ignoresUnknown],
  'ENV-09': ['A frame that names another session is refused with INVALID_REQUEST.', otherSession],
  'ENV-10': ['An answer names the request it answers.', namesRequest],
  'ENV-11': ['Malformed frames do not disturb a running job.', jobSurvives, 'slow'],
  'ENV-12': ['Requests sent without waiting, the first of them behind the hello, are answered in order.', inOrder],
  'ENV-13': ['A binary frame ends its connection with 1003, and not the session.', binary],
  'ENV-14': [
    'A frame above the runtime’s limit ends its connection with 1009, and not the session.',
    tooBig,
    'frame limit',
  ],
});

async function everyFrame(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const job = await scene.submitEcho(peer, { kit: 'envelope' });
  await peer.terminal(job);
  await peer.settle();
  must(peer.strange.length === 0, `a frame came that is no JSON object with a type: ${peer.strange[0]}`);
  for (const frame of peer.frames) {
    const fault = faultOf(frame);
    must(fault === undefined, `a ${frame.type} came ${fault}`);
  }
}

function faultOf({ arcp, id, payload }: KitFrame): string | undefined {
  if (arcp !== '1.1') return `with arcp ${JSON.stringify(arcp)} instead of "1.1"`;
  if (typeof id !== 'string' || id === '') return 'without an id';
  return Array.isArray(payload) ? 'with a payload that is no object' : undefined;
}

function survives(text: string): Requirement['check'] {
  return async (scene) => {
    const { peer } = await scene.open();
    const since = peer.frames.length;
    peer.raw(text);
    const isRefusal = ({ type }: KitFrame) => type === 'session.error' || type === 'job.error';
    const answer = await peer.until(() => peer.frames.slice(since).find(isRefusal), 'a session.error');
    refused(answer, 'INVALID_REQUEST', text);
    const pong = await peer.ask('session.ping', { nonce: 'alive' });
    must(pong.type === 'session.pong', `after it, a ping was answered with ${told(pong)}`);
  };
}

async function binary(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.binary(new Uint8Array([1, 2, 3]));
  const code = await session.peer.closed('a binary frame to end the connection');
  must(code === 1003, `a binary frame ended the connection with ${code}`);
  await scene.resume(session, 0);
}

/** The close frame may be lost, where the runtime resets a connection on which something is still under way. */
async function tooBig(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.raw(' '.repeat(scene.subject.frameBytesTooBig ?? 0));
  const code = await session.peer.closed('a frame that is too big to end the connection');
  must(code === 1009 || code === 1006, `a frame that is too big ended the connection with ${code}`);
  await scene.resume(session, 0);
}

async function ignoresUnknown(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const answer = await peer.ask('session.ping', { nonce: 'n', x_new: { deep: [1] } }, { x_future: true });
  must(answer.type === 'session.pong', `a ping with unknown fields was answered with ${told(answer)}`);
}

async function otherSession(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const answer = await peer.ask('session.ping', { nonce: 'n' }, { session_id: 'sess_of_somebody_else' });
  refused(answer, 'INVALID_REQUEST', 'a ping that names another session');
  await peer.settle();
}

async function namesRequest(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  for (const [type, payload] of [
    ['session.ping', { nonce: 'n' }],
    ['job.cancel', { job_id: 'job_that_never_was' }],
    ['job.submit', { agent: 'no-such-agent-here' }],
  ] as const) {
    const since = peer.frames.length;
    const id = peer.send(type, payload);
    await peer.answer(id, type);
    const named = peer.frames.slice(since).some((frame) => correlationOf(frame, id) !== undefined);
    must(named, `the answer to ${type} has the request's id neither in request_id, nor in reply_to, nor as its own id`);
  }
}

async function jobSurvives(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const job = await scene.submitSlow(peer);
  await peer.untilSeq(2);
  for (const text of ['{', '7', '{"arcp":"1.1","type":"job.dance","payload":{}}']) peer.raw(text);
  await peer.settle();
  await peer.untilSeq(peer.newestSeq + 3);
  must(peer.terminals(job).length === 0, 'the job ended when malformed frames came');
}

async function inOrder(scene: Scene): Promise<void> {
  const peer = await scene.connect();
  const ids = [peer.send('session.hello', scene.greeting())];
  for (let i = 0; i < 8; i += 1) ids.push(peer.send('session.ping', { nonce: `n${i}` }));
  await Promise.all(ids.map((id, index) => peer.answer(id, index === 0 ? 'session.hello' : 'session.ping')));
  const first = peer.frames[0];
  must(first?.type === 'session.welcome', `the first answer was ${first ? told(first) : 'none'}, not the welcome`);
  const nonces = peer.frames.filter(({ type }) => type === 'session.pong').map(({ payload }) => payload.ping_nonce);
  const wanted = 'n0,n1,n2,n3,n4,n5,n6,n7';
  must(nonces.join() === wanted, `pings n0 to n7 were answered in the order ${nonces.join(', ')}`);
}
