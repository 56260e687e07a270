import { isErrorCode, retryableByCode } from '../../../wire/errors.ts';
import type { KitFrame } from '../peer.ts';
import { must, type Requirement, requirements } from '../requirement.ts';
import { mustBeWhole, type Scene } from '../scene.ts';

/** What is numbered, and how events look (§8). */
export const eventRequirements: Requirement[] = requirements('§8', {
  'SEQ-01': [
    'job.event, job.result and job.error of accepted jobs carry an event_seq, and no other frame does.',
    onlyThose,
    'slow',
  ],
  'SEQ-02': ['One counter numbers all jobs of a session, from 1, without gap or repeat.', oneCounter, 'echo', 'slow'],
  'SEQ-03': ['Each session has its own counter.', ownCounter, 'echo'],
  'EVT-01': ['An event says its kind, its time and its body, and names its job.', shape, 'slow'],
});

/** How a refusal looks (§12). */
export const errorRequirements: Requirement[] = requirements('§12', {
  'ERR-01': ['Every error has a code of the protocol, a message, and says whether it can be retried.', wellFormed],
  'ERR-02': [
    'retryable is true for INTERNAL_ERROR, TIMEOUT and HEARTBEAT_LOST, and false for the rest.',
    retryable,
    'slow',
  ],
});

const sequenced = ['job.event', 'job.result', 'job.error'];

async function onlyThose(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  await peer.settle();
  const job = await scene.submitSlow(peer);
  await peer.untilSeq(3);
  await peer.ask('job.cancel', { job_id: job });
  await peer.ask('job.cancel', { job_id: 'job_that_never_was' });
  await peer.terminal(job);
  for (const frame of peer.frames) {
    const isSequenced = sequenced.includes(frame.type) && frame.payload.request_id === undefined;
    const has = frame.event_seq !== undefined;
    must(isSequenced || !has, `a ${frame.type} carries event_seq ${frame.event_seq}`);
    must(!isSequenced || has, `a ${frame.type} carries no event_seq`);
  }
}

async function oneCounter(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const slow = await scene.submitSlow(peer);
  for (let i = 0; i < 3; i += 1) await peer.terminal(await scene.submitEcho(peer, i));
  await peer.ask('job.cancel', { job_id: slow });
  await peer.terminal(slow);
  mustBeWhole(
    peer.numbered.map(({ seq }) => seq),
    'the events of four jobs of one session',
  );
}

async function ownCounter(scene: Scene): Promise<void> {
  for (const { peer } of [await scene.open(), await scene.open()]) {
    await peer.terminal(await scene.submitEcho(peer, 'count'));
    const first = peer.numbered[0]?.seq;
    must(first === 1, `the first event of a new session has event_seq ${first}`);
  }
}

async function shape(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const job = await scene.submitSlow(peer);
  await peer.untilSeq(3);
  for (const frame of peer.frames.filter(({ type }) => type === 'job.event')) {
    const { kind, ts, body } = frame.payload;
    must(typeof kind === 'string' && kind !== '', 'an event has no kind');
    must(typeof ts === 'string' && !Number.isNaN(Date.parse(ts)), `an event has the time ${JSON.stringify(ts)}`);
    must(body !== undefined, `an event of kind ${String(kind)} has no body`);
    const id = frame.job_id ?? frame.payload.job_id;
    must(id === job, `an event of ${job} names the job ${JSON.stringify(id)}`);
  }
}

async function wellFormed(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const errors = [
    await peer.ask('job.submit', { agent: 'no-such-agent-here' }),
    await peer.ask('job.cancel', { job_id: 'job_that_never_was' }),
    await peer.ask('session.hello', scene.greeting()),
    await peer.ask('session.ping', {}, { session_id: 'sess_of_somebody_else' }),
    (await scene.tryResume('rt_nobody_was_ever_given_this_one')).answer,
  ];
  for (const error of errors) checkError(error);
}

async function retryable(scene: Scene): Promise<void> {
  const { peer } = await scene.open();
  const { frame } = await peer.terminal(await scene.submitSlow(peer, { max_runtime_sec: 0.2 }));
  const refusal = await peer.ask('job.cancel', { job_id: 'job_that_never_was' });
  for (const error of [frame, refusal]) {
    const { code, retryable: said } = error.payload;
    if (!isErrorCode(code)) continue;
    must(said === retryableByCode[code], `${code} says retryable ${JSON.stringify(said)}`);
  }
}

function checkError({ type, payload }: KitFrame): void {
  const { code, message, retryable: said } = payload;
  must(isErrorCode(code), `${type} has the code ${JSON.stringify(code)}, which the protocol does not know`);
  must(typeof message === 'string' && message !== '', `${type} ${String(code)} has no message`);
  must(typeof said === 'boolean', `${type} ${String(code)} does not say whether it is retryable`);
}
