import { must, type Requirement, requirements } from '../requirement.ts';
import { type Held, mustBeWhole, refused, type Scene, told } from '../scene.ts';

/** A session survives its connection: what a client that comes back is given (§6.3). */
export const resumeRequirements: Requirement[] = requirements('§6.3', {
  'RES-01': ['A dropped session can be resumed, and is the same session.', comesBack],
  'RES-02': ['A client that missed nothing is welcomed back, and is sent nothing twice.', atTheHead, 'echo'],
  'RES-03': ['A client that resumes from inside is sent what came after, and nothing else.', fromInside, 'slow'],
  'RES-04': ['A client that resumes from 0 is sent everything.', fromZero, 'echo'],
  'RES-05': ['What is replayed is equal, to the byte, to what was sent the first time.', sameBytes, 'echo'],
  'RES-06': ['What a job emits while nobody is connected is there at the resume, without gap or repeat.', away, 'slow'],
  'RES-07': [
    'A resume while events are being emitted joins replay and live stream without gap or repeat.',
    seam,
    'slow',
  ],
  'RES-08': ['Six drops, with codes 1000, 1001 and 1006, lose and repeat nothing of one job.', storm, 'slow'],
  'RES-09': ['The end of a job that came while nobody was connected is told at the resume, once.', endAway, 'slow'],
  'RES-10': ['An unknown resume token is refused with RESUME_WINDOW_EXPIRED.', unknownToken],
  'RES-11': ['A cursor ahead of the newest event is refused with RESUME_WINDOW_EXPIRED.', ahead],
  'RES-12': ['A cursor that is negative, a fraction or text is refused with INVALID_REQUEST.', noCount],
  'RES-13': ["A resume that names another session than its token's is refused with INVALID_REQUEST.", wrongSession],
  'RES-14': ['A refused resume leaves the session as it was: the next, good one succeeds.', refusalHarmless],
  'RES-15': ['After a refused resume the same connection may try again.', tryAgain],
  'RES-16': ['A resume without credentials is refused with UNAUTHENTICATED.', noCredentials],
  'RES-17': [
    'A session lives no longer than its window: a resume after it is refused with RESUME_WINDOW_EXPIRED.',
    over,
    'short window',
  ],
  'RES-18': ['Time that passes while connected does not count against the window.', connectedTime, 'short window'],
  'RES-19': ['The counter goes on after a resume: new events are numbered behind the old.', goesOn, 'echo'],
});

async function comesBack(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  // Time to notice the drop.
  await pause(300);
  const { peer } = await scene.resume(session, 0);
  const pong = await peer.ask('session.ping', { nonce: 'back' });
  must(pong.type === 'session.pong', `after the resume, a ping was answered with ${told(pong)}`);
}

/** A session whose echo job has come to its end, everything received. */
async function afterEcho(scene: Scene): Promise<Held> {
  const session = await scene.open();
  const job = await scene.submitEcho(session.peer, { kit: 'resume' });
  await session.peer.terminal(job);
  await session.peer.settle();
  return session;
}

async function atTheHead(scene: Scene): Promise<void> {
  const session = await afterEcho(scene);
  const { newestSeq } = session.peer;
  session.peer.drop();
  const { peer } = await scene.resume(session, newestSeq);
  await peer.settle();
  must(
    peer.numbered.length === 0,
    `a client that had everything up to ${newestSeq} was sent ${peer.numbered.length} more`,
  );
}

async function fromInside(scene: Scene): Promise<void> {
  const session = await scene.open();
  await scene.submitSlow(session.peer);
  await session.peer.untilSeq(6);
  session.peer.drop();
  const { peer } = await scene.resume(session, 3);
  await peer.untilSeq(8);
  mustBeWhole(seqsOf(peer), 'after a resume at 3', 4);
}

async function fromZero(scene: Scene): Promise<void> {
  const session = await afterEcho(scene);
  const { newestSeq } = session.peer;
  session.peer.drop();
  const { peer } = await scene.resume(session, 0);
  await peer.untilSeq(newestSeq);
  await peer.settle();
  mustBeWhole(seqsOf(peer), 'after a resume at 0');
  must(peer.newestSeq === newestSeq, `the session had ${newestSeq} events, the replay brought ${peer.newestSeq}`);
}

async function sameBytes(scene: Scene): Promise<void> {
  const session = await afterEcho(scene);
  const { numbered, newestSeq } = session.peer;
  session.peer.drop();
  const { peer } = await scene.resume(session, 0);
  await peer.untilSeq(newestSeq);
  const replayed = new Map(peer.numbered.map(({ seq, text }) => [seq, text]));
  for (const { seq, text } of numbered) {
    const again = replayed.get(seq);
    must(again === text, `event_seq ${seq} was first\n    ${text}\n  and then\n    ${again}`);
  }
}

async function away(scene: Scene): Promise<void> {
  const session = await scene.open();
  await scene.submitSlow(session.peer);
  await session.peer.untilSeq(2);
  session.peer.drop();
  const seen = seqsOf(session.peer);
  await pause(300);
  const { peer } = await scene.resume(session, session.peer.newestSeq);
  await peer.untilSeq(session.peer.newestSeq + 6);
  mustBeWhole([...seen, ...seqsOf(peer)], 'over a drop');
}

async function seam(scene: Scene): Promise<void> {
  let session = await scene.open();
  await scene.submitSlow(session.peer);
  await session.peer.untilSeq(3);
  for (let round = 0; round < 3; round += 1) {
    const { newestSeq } = session.peer;
    session.peer.drop();
    session = await scene.resume(session, 0);
    await session.peer.untilSeq(newestSeq + 4);
    mustBeWhole(seqsOf(session.peer), 'after a resume at 0 of a session whose job goes on');
  }
}

async function storm(scene: Scene): Promise<void> {
  let session = await scene.open();
  const job = await scene.submitSlow(session.peer);
  const seen: number[] = [];
  const { peer: first } = session;
  await first.untilSeq(1);
  for (const [index, code] of [1006, 1000, 1001, 1006, 1000, 1001].entries()) {
    const cursor = session.peer.newestSeq || (seen.at(-1) ?? 0);
    await session.peer.untilSeq(cursor + (index % 3));
    session.peer.drop(code);
    seen.push(...seqsOf(session.peer));
    if (index % 2 === 0) await pause(150);
    session = await scene.resume(session, seen.at(-1) ?? 0);
  }
  await session.peer.terminal(job);
  await session.peer.settle();
  mustBeWhole([...seen, ...seqsOf(session.peer)], 'over six drops');
  const ends = session.peer.terminals(job).length;
  must(ends === 1, `the job ended ${ends} times`);
}

async function endAway(scene: Scene): Promise<void> {
  const session = await scene.open();
  const job = await scene.submitSlow(session.peer);
  await session.peer.untilSeq(1);
  await session.peer.ask('job.cancel', { job_id: job });
  session.peer.drop();
  const cursor = session.peer.terminals(job).length > 0 ? 0 : session.peer.newestSeq;
  await pause(300);
  const { peer } = await scene.resume(session, cursor);
  await peer.terminal(job);
  await peer.settle();
  const ends = peer.terminals(job).length;
  must(ends === 1, `after the resume the job's end came ${ends} times`);
}

async function unknownToken(scene: Scene): Promise<void> {
  const { answer } = await scene.tryResume('rt_nobody_was_ever_given_this_one', { cursor: 0 });
  refused(answer, 'RESUME_WINDOW_EXPIRED', 'a resume with an unknown token');
}

async function ahead(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  const { answer } = await scene.tryResume(session.token, { cursor: 1000 });
  refused(answer, 'RESUME_WINDOW_EXPIRED', 'a resume at 1000 of a session without events');
}

async function noCount(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  for (const cursor of [-1, 1.5, 'seven']) {
    const { answer } = await scene.tryResume(session.token, { cursor });
    refused(answer, 'INVALID_REQUEST', `a resume with last_event_seq ${JSON.stringify(cursor)}`);
  }
}

async function wrongSession(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  const { answer } = await scene.tryResume(session.token, { cursor: 0, sessionId: 'sess_of_somebody_else' });
  refused(answer, 'INVALID_REQUEST', 'a resume that names another session');
}

async function refusalHarmless(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  for (const cursor of [1000, -1]) {
    const { peer } = await scene.tryResume(session.token, { cursor });
    peer.drop();
  }
  await scene.resume(session, 0);
}

async function tryAgain(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  const { peer, answer } = await scene.tryResume(session.token, { cursor: 1000 });
  must(answer.type !== 'session.welcome', 'a resume at 1000 of a session without events was welcomed');
  await scene.resume(session, 0, { on: peer });
}

async function noCredentials(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  const { answer } = await scene.tryResume(session.token, { cursor: 0, as: 'nobody' });
  refused(answer, 'UNAUTHENTICATED', 'a resume with a good resume token and no credentials');
}

async function over(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.drop();
  await pause(scene.subject.windowSec * 1000 + 1000);
  const { answer } = await scene.tryResume(session.token, { cursor: 0 });
  refused(answer, 'RESUME_WINDOW_EXPIRED', `a resume ${scene.subject.windowSec + 1} seconds after the drop`);
}

async function connectedTime(scene: Scene): Promise<void> {
  const session = await scene.open();
  await pause(scene.subject.windowSec * 1000 + 500);
  await session.peer.settle();
  session.peer.drop();
  await scene.resume(session, 0);
}

async function goesOn(scene: Scene): Promise<void> {
  const session = await afterEcho(scene);
  const { newestSeq } = session.peer;
  session.peer.drop();
  const { peer } = await scene.resume(session, newestSeq);
  await peer.terminal(await scene.submitEcho(peer, 'after the resume'));
  mustBeWhole(seqsOf(peer), `events after a resume at ${newestSeq}`, newestSeq + 1);
}

function seqsOf({ numbered }: Held['peer']): number[] {
  return numbered.map(({ seq }) => seq);
}

/** Time has to pass at a runtime whose clock is not ours. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
