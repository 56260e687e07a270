import { must, type Requirement, requirements } from '../requirement.ts';
import { refused, type Scene, told } from '../scene.ts';

/** Who may come back, and with what; and that only one connection is a session's at a time (§6.3). */
export const tokenRequirements: Requirement[] = requirements('§6.3', {
  'TOK-01': [
    'A stolen resume token opens nothing: with other credentials it is refused with PERMISSION_DENIED.',
    stolen,
    'second token',
  ],
  'TOK-02': [
    'A theft that was tried does no harm: the owner still resumes with the same token.',
    afterTheft,
    'second token',
  ],
  'TOK-03': ['Every resume gives a new resume token.', rotates],
  'TOK-04': ['A resume token is dead once its successor has been used.', supersededByUse],
  'TOK-05': ['A resume token is dead once the client has spoken on the resumed connection.', supersededBySpeech],
  'TOK-06': ['A welcome that got lost locks nobody out: the token that was presented is still good.', lostWelcome],
  'TOK-07': ['A resume token cannot be guessed: it is long, and has nothing of the session id in it.', noGuess],
  'ONE-01': ['A newer connection that resumes takes the session over, and the old one is closed.', takeover],
  'ONE-02': ['After a takeover, events go to the newer connection alone.', onlyNewer, 'slow'],
  'ONE-03': ['The close of a connection that was taken over changes nothing for the newer one.', lateClose],
  'ONE-04': ['What a connection that was taken over still sends is not heard.', notHeard],
});

async function stolen(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  const { answer } = await scene.tryResume(session.token, { cursor: 0, as: 'another' });
  refused(answer, 'PERMISSION_DENIED', "a resume with another principal's resume token");
}

async function afterTheft(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  await scene.tryResume(session.token, { cursor: 0, as: 'another' });
  await scene.resume(session, 0);
}

async function rotates(scene: Scene): Promise<void> {
  let session = await scene.open();
  const tokens = new Set([session.token]);
  for (let i = 0; i < 3; i += 1) {
    session.peer.drop();
    session = await scene.resume(session, 0);
    must(!tokens.has(session.token), 'the welcome to a resume brought a resume token that had been given out before');
    tokens.add(session.token);
  }
}

async function supersededByUse(scene: Scene): Promise<void> {
  const first = await scene.open();
  first.peer.drop();
  const second = await scene.resume(first, 0);
  second.peer.drop();
  const third = await scene.resume(second, 0);
  third.peer.drop();
  const { answer } = await scene.tryResume(first.token, { cursor: 0 });
  refused(answer, 'RESUME_WINDOW_EXPIRED', 'a resume token whose successor has been used');
}

async function supersededBySpeech(scene: Scene): Promise<void> {
  const first = await scene.open();
  first.peer.drop();
  const second = await scene.resume(first, 0);
  await second.peer.settle();
  const { answer } = await scene.tryResume(first.token, { cursor: 0 });
  refused(answer, 'RESUME_WINDOW_EXPIRED', 'a resume token whose successor the client has shown to have');
  await second.peer.settle();
}

async function lostWelcome(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  const lost = await scene.resume(session, 0);
  // Nothing was said on this connection: for all the runtime knows, its welcome never came.
  lost.peer.drop();
  await scene.resume(session, 0);
}

async function noGuess(scene: Scene): Promise<void> {
  const { token, id } = await scene.open();
  must(token.length >= 32, `the resume token has ${token.length} characters: fewer than 32 can hold no 128 bits`);
  const tail = id.replace(/^[a-z]+_/i, '');
  must(!token.includes(tail), 'the resume token has the session id in it');
}

async function takeover(scene: Scene): Promise<void> {
  const session = await scene.open();
  const newer = await scene.resume(session, 0);
  const code = await session.peer.closed('the old connection to be closed after a newer one took its session over');
  must(code === 4001, `the old connection was closed with ${code} instead of 4001 (superseded)`);
  await newer.peer.settle();
}

async function onlyNewer(scene: Scene): Promise<void> {
  const session = await scene.open();
  await scene.submitSlow(session.peer);
  await session.peer.untilSeq(2);
  const newer = await scene.resume(session, session.peer.newestSeq);
  const since = session.peer.newestSeq;
  await newer.peer.untilSeq(since + 4);
  await session.peer.closed('the old connection to be closed after a newer one took its session over');
  const both = session.peer.numbered.filter(({ seq }) => seq > since);
  must(both.length === 0, `the old connection was sent ${both.length} events after the newer one was welcomed`);
}

async function lateClose(scene: Scene): Promise<void> {
  const session = await scene.open();
  const newer = await scene.resume(session, 0);
  session.peer.drop(1000);
  await session.peer.closed().catch(() => {});
  for (let i = 0; i < 3; i += 1) {
    const pong = await newer.peer.ask('session.ping', { nonce: `after ${i}` });
    must(pong.type === 'session.pong', `after the old connection was gone, a ping was answered with ${told(pong)}`);
  }
}

async function notHeard(scene: Scene): Promise<void> {
  const session = await scene.open();
  const opening = scene.tryResume(session.token, { cursor: 0 });
  const { peer, answer } = await opening;
  must(answer.type === 'session.welcome', `a takeover was answered with ${told(answer)}`);
  session.peer.send(scene.subject.profile.bye ?? 'session.bye');
  await peer.settle();
  await peer.settle();
}
