import { must, type Requirement, requirements, Skipped } from '../requirement.ts';
import { refused, type Scene, told } from '../scene.ts';

/** A job is accepted or refused, and ends once (§7). */
export const jobRequirements: Requirement[] = requirements('§7', {
  'JOB-01': [
    'A submit is accepted with a job id, and a job that returns ends with job.result success.',
    returns,
    'echo',
  ],
  'JOB-02': ['A submit for an agent that is not there is refused with AGENT_NOT_AVAILABLE.', noAgent],
  'JOB-03': [
    'A submit for a version that is not there is refused with AGENT_VERSION_NOT_AVAILABLE.',
    noVersion,
    'echo',
  ],
  'JOB-04': ['A submit for what is no name of an agent is refused with INVALID_REQUEST.', noName],
  'JOB-05': [
    'A refused submit leaves nothing behind: the next one is served, and numbered from 1.',
    leavesNothing,
    'echo',
  ],
  'JOB-06': ['A job ends once, and nothing comes after its end.', endsOnce, 'slow'],
  'JOB-07': ['A job that is cancelled in the moment of its end still ends once.', race, 'echo'],
  'JOB-08': ['A job over its max_runtime_sec ends with TIMEOUT, final_status timed_out.', timesOut, 'slow'],
  'JOB-09': ['A max_runtime_sec that is not above 0 is refused with INVALID_REQUEST.', noRuntime, 'echo'],
  'JOB-10': ['A trace_id is carried unchanged on the acceptance, the events and the end.', traced, 'slow'],
  'IDM-01': ['A submit repeated with its idempotency_key gives the same job, and runs it once.', repeated, 'echo'],
  'IDM-02': ['An idempotency_key with other parameters is refused with DUPLICATE_KEY.', otherParameters, 'echo'],
  'IDM-03': [
    "An idempotency_key is its principal's own: another's same key starts another job.",
    foreignKey,
    'echo',
    'second token',
  ],
});

/** Who may end a job, and how (§7.4). */
export const cancelRequirements: Requirement[] = requirements('§7.4', {
  'CAN-01': [
    'A cancel is acknowledged, and the job ends with job.error CANCELLED, final_status cancelled.',
    cancels,
    'slow',
  ],
  'CAN-02': ['A second cancel does no harm, and the job ends once.', cancelsTwice, 'slow'],
  'CAN-03': ['A cancel of an unknown job is refused with JOB_NOT_FOUND.', cancelsNothing],
  'CAN-04': ['A cancel after the end of the job is refused with JOB_NOT_FOUND.', cancelsLate, 'echo'],
  'CAN-05': ['Another session of the same principal may not cancel the job of a live session.', otherSession, 'slow'],
  'CAN-06': [
    'Another principal learns nothing of a job, and may not cancel it.',
    otherPrincipal,
    'slow',
    'second token',
  ],
  'CAN-07': ['A cancel that names two different jobs is refused with INVALID_REQUEST.', twoIds],
});

async function returns(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const input = { kit: 'echo', list: [1, 'two', null], text: 'Grüße, 世界' };
  const job = await scene.submitEcho(peer, input);
  must(job !== 'undefined', 'the acceptance has no job_id');
  const { frame } = await peer.terminal(job);
  must(frame.type === 'job.result', `the job of ${scene.subject.echo} ended with ${told(frame)}`);
  const { final_status, result } = frame.payload;
  must(final_status === 'success', `final_status is ${JSON.stringify(final_status)} instead of "success"`);
  const [wanted, seen] = [JSON.stringify(input), JSON.stringify(result)];
  must(wanted === seen, `${scene.subject.echo} was given ${wanted} and returned ${seen}`);
}

async function noAgent(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const answer = await peer.ask('job.submit', { agent: 'no-such-agent-here', input: {} });
  refused(answer, 'AGENT_NOT_AVAILABLE', 'a submit for no-such-agent-here');
}

async function noVersion(scene: Scene): Promise<void> {
  if (!scene.subject.features.has('agent_versions')) throw new Skipped('the runtime does not offer agent_versions');
  const { peer } = await scene.open();
  const agent = `${scene.subject.echo}@999.999.999`;
  refused(await peer.ask('job.submit', { agent, input: {} }), 'AGENT_VERSION_NOT_AVAILABLE', `a submit for ${agent}`);
}

async function noName(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const answer = await peer.ask('job.submit', { agent: '', input: {} });
  refused(answer, 'INVALID_REQUEST', 'a submit for the agent ""');
}

async function leavesNothing(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  await peer.ask('job.submit', { agent: 'no-such-agent-here', input: {} });
  await peer.terminal(await scene.submitEcho(peer, 1));
  const first = peer.numbered[0]?.seq;
  must(first === 1, `the first event of the session has event_seq ${first}: the refused submit was numbered`);
}

async function endsOnce(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const job = await scene.submitSlow(peer);
  const { seq } = await peer.terminal(job);
  await peer.settle();
  const after = peer.numbered.filter((one) => one.seq > seq);
  const [late] = after;
  must(late === undefined, `after its end the job had another frame: ${late?.text}`);
  must(peer.terminals(job).length === 1, 'the job ended twice');
}

async function race(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  for (let round = 0; round < 5; round += 1) {
    const submit = peer.send('job.submit', { agent: scene.subject.echo, input: round });
    const accepted = await peer.answer(submit, 'job.submit');
    const job = String(accepted.payload.job_id);
    await peer.ask('job.cancel', { job_id: job });
    await peer.terminal(job);
    await peer.settle();
    const ends = peer.terminals(job).length;
    must(ends === 1, `a job that was cancelled as it returned ended ${ends} times`);
  }
}

async function timesOut(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const { frame } = await peer.terminal(await scene.submitSlow(peer, { max_runtime_sec: 0.3 }));
  const { code, final_status } = frame.payload;
  must(code === 'TIMEOUT', `a job with max_runtime_sec 0.3 ended with ${told(frame)} instead of TIMEOUT`);
  must(final_status === 'timed_out', `final_status is ${JSON.stringify(final_status)} instead of "timed_out"`);
}

async function noRuntime(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  for (const max_runtime_sec of [0, -1]) {
    const answer = await peer.ask('job.submit', { agent: scene.subject.echo, input: {}, max_runtime_sec });
    refused(answer, 'INVALID_REQUEST', `a submit with max_runtime_sec ${max_runtime_sec}`);
  }
}

async function traced(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { slow } = scene.subject;
  const request = { agent: slow?.name, input: slow?.input, max_runtime_sec: 0.3 };
  const accepted = await peer.ask('job.submit', request, { trace_id });
  must(accepted.type === 'job.accepted', `a submit with a trace_id was answered with ${told(accepted)}`);
  const job = String(accepted.payload.job_id);
  await peer.terminal(job);
  for (const frame of [accepted, ...peer.numbered.map((one) => one.frame)]) {
    const carried = frame.trace_id ?? frame.payload.trace_id;
    must(carried === trace_id, `a ${frame.type} of the job carries trace_id ${JSON.stringify(carried)}`);
  }
}

async function repeated(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const idempotency_key = freshKey();
  const one = await scene.submitEcho(peer, { once: true }, { idempotency_key });
  const other = await scene.submitEcho(peer, { once: true }, { idempotency_key });
  must(one === other, `a repeated submit with the same idempotency_key started a second job, ${other} beside ${one}`);
  await peer.terminal(one);
  await peer.settle();
  must(peer.terminals(one).length === 1, 'the repeated submit ran the job twice');
}

async function otherParameters(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const idempotency_key = freshKey();
  await scene.submitEcho(peer, { once: true }, { idempotency_key });
  const answer = await peer.ask('job.submit', { agent: scene.subject.echo, input: { other: true }, idempotency_key });
  refused(answer, 'DUPLICATE_KEY', 'a submit with a used idempotency_key and other parameters');
}

async function foreignKey(scene: Scene): Promise<void> {
  const [own, another] = [await scene.open(), await scene.open('another')];
  const idempotency_key = freshKey();
  const one = await scene.submitEcho(own.peer, { once: true }, { idempotency_key });
  const other = await scene.submitEcho(another.peer, { once: true }, { idempotency_key });
  must(one !== other, "another principal's submit with the same idempotency_key was given our job");
}

async function cancels(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const job = await scene.submitSlow(peer);
  await peer.untilSeq(2);
  const answer = await peer.ask('job.cancel', { job_id: job, reason: 'the kit asks' });
  must(answer.type === 'job.cancelled', `a cancel was answered with ${told(answer)} instead of job.cancelled`);
  const { frame } = await peer.terminal(job);
  const { code, final_status } = frame.payload;
  must(code === 'CANCELLED', `a cancelled job ended with ${told(frame)} instead of job.error CANCELLED`);
  must(final_status === 'cancelled', `final_status is ${JSON.stringify(final_status)} instead of "cancelled"`);
}

async function cancelsTwice(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const job = await scene.submitSlow(peer);
  await peer.untilSeq(2);
  const ids = [peer.send('job.cancel', { job_id: job }), peer.send('job.cancel', { job_id: job })];
  const [first, second] = await Promise.all(ids.map((id) => peer.answer(id, 'job.cancel')));
  must(first?.type === 'job.cancelled', `a cancel was answered with ${first ? told(first) : 'nothing'}`);
  if (second?.type !== 'job.cancelled' && second) refused(second, 'JOB_NOT_FOUND', 'a second cancel');
  await peer.terminal(job);
  await peer.settle();
  must(peer.terminals(job).length === 1, 'the job ended twice');
}

async function cancelsNothing(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const answer = await peer.ask('job.cancel', { job_id: 'job_that_never_was' });
  refused(answer, 'JOB_NOT_FOUND', 'a cancel of a job that never was');
}

async function cancelsLate(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const job = await scene.submitEcho(peer, 1);
  await peer.terminal(job);
  refused(await peer.ask('job.cancel', { job_id: job }), 'JOB_NOT_FOUND', 'a cancel of a job that has ended');
}

async function otherSession(scene: Scene): Promise<void> {
  const [own, other] = [await scene.open(), await scene.open()];
  const job = await scene.submitSlow(own.peer);
  await own.peer.untilSeq(2);
  const answer = await other.peer.ask('job.cancel', { job_id: job });
  refused(answer, ['PERMISSION_DENIED', 'JOB_NOT_FOUND'], 'a cancel by another session');
  await own.peer.untilSeq(own.peer.newestSeq + 2);
  must(own.peer.terminals(job).length === 0, 'the job was cancelled all the same');
}

async function otherPrincipal(scene: Scene): Promise<void> {
  const [own, another] = [await scene.open(), await scene.open('another')];
  const job = await scene.submitSlow(own.peer);
  await own.peer.untilSeq(2);
  const answer = await another.peer.ask('job.cancel', { job_id: job });
  refused(answer, 'JOB_NOT_FOUND', 'a cancel by another principal');
  await own.peer.untilSeq(own.peer.newestSeq + 2);
  must(own.peer.terminals(job).length === 0, 'the job was cancelled all the same');
  must(another.peer.numbered.length === 0, "another principal's session was sent events of the job");
}

async function twoIds(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const answer = await peer.ask('job.cancel', { job_id: 'job_one' }, { job_id: 'job_other' });
  refused(answer, 'INVALID_REQUEST', 'a cancel with one job_id on the envelope and another in the payload');
}

/** A run must not meet the keys of the run before. */
function freshKey(): string {
  return `kit-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
}
