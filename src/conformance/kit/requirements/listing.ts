import type { KitFrame, Peer } from '../peer.ts';
import { must, type Requirement, requirements, Skipped } from '../requirement.ts';
import { refused, type Scene, told } from '../scene.ts';

/** Which jobs there are (§6.6). */
export const listingRequirements: Requirement[] = requirements('§6.6', {
  'LST-01': ['A job is listed with its id, agent, status and newest event, until after its end.', lists, 'echo'],
  'LST-02': ['Page by page each job comes once, and the last page has a next_cursor of null.', pages, 'echo'],
  'LST-03': ['A cursor that was made up is refused with INVALID_REQUEST.', badCursor],
  'LST-04': ['A limit below 1 is refused with INVALID_REQUEST.', badLimit],
  'LST-05': ["A principal is shown nothing of another's jobs.", foreign, 'echo', 'second token'],
});

/** Watching a job of another session (§7.6). */
export const subscribingRequirements: Requirement[] = requirements('§7.6', {
  'SUB-01': [
    "History comes behind job.subscribed, then what is live, each event once, in the subscriber's own numbers.",
    historyThenLive,
    'slow',
  ],
  'SUB-02': ['An ended job is told from its first event to its end.', endedJob, 'echo'],
  'SUB-03': ["A subscription to a job of one's own session changes nothing: each event comes once.", ownJob, 'slow'],
  'SUB-04': ['After job.unsubscribe nothing more of the job comes.', unsubscribed, 'slow'],
  'SUB-05': ['A subscription survives a drop and resume of the subscriber.', resumed, 'slow'],
  'SUB-06': ['A subscription gives no authority: a cancel by the subscriber is refused.', noAuthority, 'slow'],
  'SUB-07': ['A job that is unknown cannot be subscribed to: JOB_NOT_FOUND.', unknown],
  'SUB-08': ["Another principal's job is as one that never was: JOB_NOT_FOUND.", invisible, 'slow', 'second token'],
});

function need(scene: Scene, feature: 'list_jobs' | 'subscribe'): void {
  if (!scene.subject.features.has(feature)) throw new Skipped(`the runtime does not offer ${feature}`);
}

async function list(peer: Peer, payload: object = {}) {
  const answer = await peer.ask('session.list_jobs', payload);
  const { jobs, next_cursor } = answer.payload;
  must(answer.type === 'session.jobs' && Array.isArray(jobs), `a listing was answered with ${told(answer)}`);
  const rows: Record<string, unknown>[] = Array.isArray(jobs) ? jobs : [];
  return { rows, cursor: next_cursor, ids: rows.map(({ job_id }) => String(job_id)) };
}

async function lists(scene: Scene): Promise<void> {
  need(scene, 'list_jobs');
  const { peer } = await scene.open();
  const job = await scene.submitEcho(peer, 1);
  const { seq } = await peer.terminal(job);
  const { rows } = await list(peer);
  const row = rows.find(({ job_id }) => job_id === job);
  must(row !== undefined, `the job ${job}, which has just ended, is not listed`);
  must(row?.status === 'success', `its status is ${JSON.stringify(row?.status)} instead of "success"`);
  must(String(row?.agent).startsWith(scene.subject.echo ?? ''), `its agent is ${JSON.stringify(row?.agent)}`);
  must(row?.last_event_seq === seq, `its last_event_seq is ${row?.last_event_seq} instead of ${seq}`);
}

async function pages(scene: Scene): Promise<void> {
  need(scene, 'list_jobs');
  const { peer } = await scene.open();
  const submitted: string[] = [];
  for (let i = 0; i < 5; i += 1) submitted.push(await scene.submitEcho(peer, i));
  const seen: string[] = [];
  let cursor: unknown;
  do {
    const page = await list(peer, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    must(page.ids.length <= 2, `a page of 2 has ${page.ids.length} jobs`);
    seen.push(...page.ids);
    cursor = page.cursor;
  } while (typeof cursor === 'string' && seen.length < 100_000);
  must(cursor === null, `the next_cursor of the last page is ${JSON.stringify(cursor)} instead of null`);
  must(new Set(seen).size === seen.length, 'a job came twice');
  const missing = submitted.filter((id) => !seen.includes(id));
  must(missing.length === 0, `${missing.join(', ')} did not come`);
}

async function badCursor(scene: Scene): Promise<void> {
  need(scene, 'list_jobs');
  const { peer } = await scene.open();
  refused(await peer.ask('session.list_jobs', { cursor: 'made-up' }), 'INVALID_REQUEST', 'the cursor "made-up"');
}

async function badLimit(scene: Scene): Promise<void> {
  need(scene, 'list_jobs');
  const { peer } = await scene.open();
  refused(await peer.ask('session.list_jobs', { limit: 0 }), 'INVALID_REQUEST', 'a limit of 0');
}

async function foreign(scene: Scene): Promise<void> {
  need(scene, 'list_jobs');
  const { peer } = await scene.open();
  const job = await scene.submitEcho(peer, 1);
  const { ids } = await list((await scene.open('another')).peer, { limit: 500 });
  must(!ids.includes(job), `${job} is listed to another principal`);
}

async function subscribe(peer: Peer, job: string, payload: object = {}): Promise<KitFrame> {
  const answer = await peer.ask('job.subscribe', { job_id: job, ...payload });
  must(answer.type === 'job.subscribed', `a subscription to ${job} was answered with ${told(answer)}`);
  return answer;
}

/** A job of one session, and another session of the same principal. */
async function two(scene: Scene) {
  need(scene, 'subscribe');
  const { peer: owner } = await scene.open();
  const job = await scene.submitSlow(owner);
  return { owner, job, watcher: await scene.open() };
}

const payloads = (peer: Peer, job: string) =>
  peer.numbered.filter(({ frame }) => frame.job_id === job).map(({ frame }) => JSON.stringify(frame.payload));

function mustBeAlike(theirs: string[], own: string[], who: string): void {
  const at = own.findIndex((payload, index) => theirs[index] !== payload);
  must(at < 0, `event ${at + 1} of ${who} is ${theirs[at]} instead of ${own[at]}`);
  must(theirs.length === own.length, `${who} has ${theirs.length} events instead of ${own.length}`);
}

function mustBeNumbered(peer: Peer): void {
  const wrong = peer.numbered.findIndex(({ seq }, index) => seq !== index + 1);
  must(wrong < 0, `frame ${wrong + 1} of the subscriber has event_seq ${peer.numbered[wrong]?.seq}`);
}

async function historyThenLive(scene: Scene): Promise<void> {
  const { owner, job, watcher } = await two(scene);
  await owner.untilSeq(2);
  await subscribe(watcher.peer, job, { history: true });
  const first = watcher.peer.frames.findIndex(({ event_seq }) => event_seq !== undefined);
  const answered = watcher.peer.frames.findIndex(({ type }) => type === 'job.subscribed');
  must(first < 0 || answered < first, 'an event came before job.subscribed');
  await owner.terminal(job);
  await watcher.peer.terminal(job);
  mustBeNumbered(watcher.peer);
  mustBeAlike(payloads(watcher.peer, job), payloads(owner, job), 'the subscriber');
}

async function endedJob(scene: Scene): Promise<void> {
  need(scene, 'subscribe');
  const { peer: owner } = await scene.open();
  const job = await scene.submitEcho(owner, 'ended');
  await owner.terminal(job);
  const { peer } = await scene.open();
  const { payload } = await subscribe(peer, job, { history: true });
  must(payload.current_status === 'success', `current_status is ${JSON.stringify(payload.current_status)}`);
  await peer.terminal(job);
  mustBeAlike(payloads(peer, job), payloads(owner, job), 'the subscriber');
}

async function ownJob(scene: Scene): Promise<void> {
  need(scene, 'subscribe');
  const { peer } = await scene.open();
  const job = await scene.submitSlow(peer);
  await peer.untilSeq(2);
  await subscribe(peer, job, { history: true });
  await peer.terminal(job);
  const twice = payloads(peer, job).filter((payload, index, all) => all.indexOf(payload) !== index);
  must(twice.length === 0, `an event came twice: ${twice[0]}`);
  mustBeNumbered(peer);
}

async function unsubscribed(scene: Scene): Promise<void> {
  const { owner, job, watcher } = await two(scene);
  await subscribe(watcher.peer, job);
  await watcher.peer.untilSeq(1);
  watcher.peer.send('job.unsubscribe', { job_id: job });
  await watcher.peer.settle();
  const { newestSeq } = watcher.peer;
  await owner.untilSeq(owner.newestSeq + 2);
  await watcher.peer.settle();
  must(watcher.peer.newestSeq === newestSeq, `event ${newestSeq + 1} came after job.unsubscribe`);
}

async function resumed(scene: Scene): Promise<void> {
  const { owner, job, watcher } = await two(scene);
  await subscribe(watcher.peer, job, { history: true });
  await watcher.peer.untilSeq(1);
  const cursor = watcher.peer.newestSeq;
  watcher.peer.drop();
  await owner.untilSeq(owner.newestSeq + 2);
  const again = await scene.resume(watcher, cursor);
  await owner.terminal(job);
  await again.peer.terminal(job);
  const before = payloads(watcher.peer, job).slice(0, cursor);
  mustBeAlike([...before, ...payloads(again.peer, job)], payloads(owner, job), 'the subscriber, over two connections,');
}

async function noAuthority(scene: Scene): Promise<void> {
  const { job, watcher } = await two(scene);
  await subscribe(watcher.peer, job);
  const answer = await watcher.peer.ask('job.cancel', { job_id: job });
  refused(answer, 'PERMISSION_DENIED', 'a cancel by a subscriber');
}

async function unknown(scene: Scene): Promise<void> {
  need(scene, 'subscribe');
  const { peer } = await scene.open();
  const answer = await peer.ask('job.subscribe', { job_id: 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV' });
  refused(answer, 'JOB_NOT_FOUND', 'a subscription to an unknown job');
}

async function invisible(scene: Scene): Promise<void> {
  need(scene, 'subscribe');
  const { peer } = await scene.open();
  const job = await scene.submitSlow(peer);
  const answer = await (await scene.open('another')).peer.ask('job.subscribe', { job_id: job });
  refused(answer, 'JOB_NOT_FOUND', "a subscription to another principal's job");
}
