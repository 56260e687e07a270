import { must, type Requirement, requirements } from '../requirement.ts';
import { type Held, refused, type Scene, told } from '../scene.ts';

/** A drop is not a goodbye, whatever its code (§6.3). */
export const dropRequirements: Requirement[] = requirements('§6.3', {
  'DRP-01': [
    'A connection closed with 1000, without a goodbye frame, is a drop: session and job live on.',
    drops(1000),
    'slow',
  ],
  'DRP-02': ['A connection closed with 1001 is a drop: session and job live on.', drops(1001), 'slow'],
  'DRP-03': ['A broken connection is a drop: session and job live on.', drops(1006), 'slow'],
  'DRP-04': ['After a drop and a resume the client may still cancel its job.', cancelsAfter, 'slow'],
});

/** Signs of life (§6.4). */
export const heartbeatRequirements: Requirement[] = requirements('§6.4', {
  'HBT-01': ['A ping is answered with a pong that carries its nonce.', pong],
  'HBT-02': ['A ping is answered also where heartbeat was not negotiated.', pongAlways],
  'HBT-03': [
    'A client that falls silent loses its connection, with HEARTBEAT_LOST, and not its session.',
    silence,
    'short heartbeat',
  ],
});

/** What a client has taken in (§6.5). */
export const ackRequirements: Requirement[] = requirements('§6.5', {
  'ACK-01': ['An acknowledgement of what was never sent does no harm.', ackAhead, 'echo'],
  'ACK-02': ['What was acknowledged may go; what was not comes again at a resume.', ackKeepsRest, 'slow'],
  'ACK-03': ['An acknowledgement that goes back does no harm.', ackBack, 'slow'],
});

/** Leaving for a while, and leaving for good (§6.7). */
export const goodbyeRequirements: Requirement[] = requirements('§6.7', {
  'CLS-01': ['A close is answered, and the connection closed with 1000.', closes, 'close verb'],
  'CLS-02': ['After a close the session can be resumed.', closeResumes, 'close verb'],
  'CLS-03': ['A close does not cancel jobs.', closeKeepsJobs, 'close verb', 'slow'],
  'BYE-01': ['A bye is answered, and the connection closed with 1000.', byes, 'bye verb'],
  'BYE-02': ['After a bye the resume token is dead.', byeKillsToken, 'bye verb'],
  'BYE-03': ['A bye cancels the jobs of the session.', byeCancels, 'bye verb', 'slow'],
});

function drops(code: number): Requirement['check'] {
  return async (scene) => {
    const session = await scene.open();
    const job = await scene.submitSlow(session.peer);
    await session.peer.untilSeq(2);
    session.peer.drop(code);
    await noticed();
    await runsOn(scene, session, job);
  };
}

/** A runtime has time to notice a drop, and to do what it wrongly does then. */
function noticed(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 300));
}

/** Comes back, and finds the job at work. */
async function runsOn(scene: Scene, session: Held, job: string): Promise<void> {
  const cursor = session.peer.newestSeq;
  const { peer } = await scene.resume(session, cursor);
  await peer.until(
    () => (peer.newestSeq >= cursor + 3 || peer.terminals(job)[0] ? true : undefined),
    'the job to go on',
  );
  const [end] = peer.terminals(job);
  must(end === undefined, `the job did not live on: ${end ? told(end.frame) : ''}`);
}

async function cancelsAfter(scene: Scene): Promise<void> {
  const session = await scene.open();
  const job = await scene.submitSlow(session.peer);
  await session.peer.untilSeq(2);
  session.peer.drop();
  const { peer } = await scene.resume(session, session.peer.newestSeq);
  const answer = await peer.ask('job.cancel', { job_id: job });
  must(answer.type === 'job.cancelled', `a cancel after the resume was answered with ${told(answer)}`);
  const { frame } = await peer.terminal(job);
  must(
    frame.payload.final_status === 'cancelled',
    `the cancelled job ended with ${String(frame.payload.final_status)}`,
  );
}

async function pong(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const answer = await peer.ask('session.ping', { nonce: 'kit-nonce', sent_at: new Date().toISOString() });
  must(answer.type === 'session.pong', `a ping was answered with ${told(answer)}`);
  const { ping_nonce } = answer.payload;
  must(ping_nonce === 'kit-nonce', `the pong to nonce kit-nonce has ping_nonce ${JSON.stringify(ping_nonce)}`);
}

async function pongAlways(scene: Scene): Promise<void> {
  const { peer } = await scene.open('own', []);
  const answer = await peer.ask('session.ping', { nonce: 'n' });
  must(answer.type === 'session.pong', `a ping in a session without heartbeat was answered with ${told(answer)}`);
}

async function silence(scene: Scene): Promise<void> {
  const session = await scene.open();
  session.peer.answersPings = false;
  const limitMs = (scene.subject.heartbeatSec ?? 0) * 3000 + 3000;
  const code = await session.peer.closed('a client that fell silent to lose its connection', limitMs);
  must(code === 4002, `the connection was closed with ${code} instead of 4002 (heartbeat lost)`);
  const wasTold = session.peer.frames.some(({ payload }) => payload.code === 'HEARTBEAT_LOST');
  must(wasTold, 'the connection was closed without a session.error HEARTBEAT_LOST');
  await scene.resume(session, 0);
}

async function ackAhead(scene: Scene): Promise<void> {
  const session = await scene.open();
  await session.peer.terminal(await scene.submitEcho(session.peer, 'ack'));
  const { newestSeq } = session.peer;
  session.peer.send('session.ack', { last_processed_seq: newestSeq + 1000 });
  await session.peer.settle();
  session.peer.drop();
  const { peer } = await scene.resume(session, newestSeq);
  await peer.terminal(await scene.submitEcho(peer, 'still here'));
}

async function ackKeepsRest(scene: Scene): Promise<void> {
  const session = await scene.open();
  await scene.submitSlow(session.peer);
  await session.peer.untilSeq(6);
  session.peer.send('session.ack', { last_processed_seq: 3 });
  await session.peer.settle();
  session.peer.drop();
  const { peer } = await scene.resume(session, 3);
  await peer.untilSeq(6);
  const [first] = peer.numbered;
  must(first?.seq === 4, `acknowledged up to 3, resumed at 3, the first event was ${first?.seq} instead of 4`);
}

async function ackBack(scene: Scene): Promise<void> {
  const session = await scene.open();
  await scene.submitSlow(session.peer);
  await session.peer.untilSeq(6);
  for (const seq of [4, 1]) session.peer.send('session.ack', { last_processed_seq: seq });
  await session.peer.settle();
  session.peer.drop();
  const { peer } = await scene.resume(session, 4);
  await peer.untilSeq(6);
}

async function closes(scene: Scene): Promise<void> {
  await leaves(await scene.open(), scene.subject.profile.close);
}

async function closeResumes(scene: Scene): Promise<void> {
  const session = await scene.open();
  await leaves(session, scene.subject.profile.close);
  await scene.resume(session, 0);
}

async function closeKeepsJobs(scene: Scene): Promise<void> {
  const session = await scene.open();
  const job = await scene.submitSlow(session.peer);
  await session.peer.untilSeq(2);
  await leaves(session, scene.subject.profile.close);
  await runsOn(scene, session, job);
}

async function byes(scene: Scene): Promise<void> {
  await leaves(await scene.open(), scene.subject.profile.bye);
}

async function byeKillsToken(scene: Scene): Promise<void> {
  const session = await scene.open();
  await leaves(session, scene.subject.profile.bye);
  const { answer } = await scene.tryResume(session.token, { cursor: 0 });
  refused(answer, 'RESUME_WINDOW_EXPIRED', 'a resume after a bye, which ended the session for good,');
}

/** Who may cancel after a bye is any session of the principal: what there is to cancel tells what runs. */
async function byeCancels(scene: Scene): Promise<void> {
  const session = await scene.open();
  const job = await scene.submitSlow(session.peer);
  await session.peer.untilSeq(2);
  await leaves(session, scene.subject.profile.bye);
  const other = await scene.open();
  await noticed();
  const answer = await other.peer.ask('job.cancel', { job_id: job });
  refused(answer, 'JOB_NOT_FOUND', 'a cancel of a job whose session said bye before');
}

async function leaves({ peer }: Held, verb: string | null): Promise<void> {
  const answer = await peer.ask(verb ?? '');
  must(answer.type === 'session.closed', `${verb} was answered with ${told(answer)} instead of session.closed`);
  const code = await peer.closed(`the connection to be closed after ${verb}`);
  must(code === 1000, `after ${verb} the connection was closed with ${code} instead of 1000`);
}
