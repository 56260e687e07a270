import { setTimeout } from 'node:timers/promises';
import { type Cable, layCable } from './demo/cable.ts';
import { type Server, startServer } from './demo/server.ts';
import { type Heard, Wire } from './demo/wire.ts';

// The story of a session that survives its connection, told by a real server process over real sockets (`npm run demo`). Every
// ✓ is a fact that was looked at; the first ✗ makes the exit code 1.

const steps = 150;
const tokens = { alice: 'tok-alice', mallory: 'tok-mallory' };
let failures = 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function check(isSo: boolean, claim: string): void {
  if (!isSo) failures += 1;
  say(`  ${isSo ? '✓' : '✗'} ${claim}`);
}

/** What Alice has when the cable is out: what came so far, and the way back. */
interface Interrupted {
  sessionId: string;
  token: string;
  jobId: string;
  heard: Heard[];
}

async function story(server: Server, cable: Cable): Promise<void> {
  const interrupted = await submitAndLose(cable);
  await thief(cable, interrupted);
  await setTimeout(600);
  const { wire, token } = await comeBack(cable, interrupted);
  await bye(wire, { cable, token });
  say('\nThe server is told to stop.');
  check((await server.stop()) === 0, 'it drained and exited 0');
}

async function submitAndLose(cable: Cable): Promise<Interrupted> {
  say(`\nAlice opens a session and submits a job of ${steps} events.`);
  const wire = await Wire.open(cable.url, tokens.alice);
  const welcome = await wire.hello();
  const accepted = await wire.ask('job.submit', {
    agent: 'counter',
    input: { count: steps, delay_ms: 10 },
  });
  check(accepted.type === 'job.accepted', `accepted: ${accepted.job_id} in ${welcome.session_id}`);
  await wire.number(Math.floor(steps / 3));
  say('\nThe cable is pulled, mid-job: the TCP connection is gone, nobody said goodbye.');
  cable.pull();
  check((await wire.ended()) === 1006, `after ${wire.numbered.length} events, no close frame came (1006)`);
  const { session_id: sessionId = '', payload } = welcome;
  return {
    sessionId,
    token: payload.resume_token ?? '',
    jobId: accepted.job_id ?? '',
    heard: wire.numbered,
  };
}

async function thief(cable: Cable, { token }: Interrupted): Promise<void> {
  say('\nMallory has stolen the resume token, and has a good account of her own.');
  const wire = await Wire.open(cable.url, tokens.mallory);
  const refusal = await wire.hello({ resume_token: token, last_event_seq: 0 });
  check(refusal.payload.code === 'PERMISSION_DENIED', `refused: ${refusal.payload.code}`);
  wire.hangUp();
}

async function comeBack(cable: Cable, before: Interrupted): Promise<{ wire: Wire; token: string }> {
  // She had read the last ten on the wire, but not yet worked on them: they come again, and can be compared.
  const done = before.heard.slice(0, -10);
  const cursor = done.length;
  say(`\nAlice comes back with the token and her last number, ${cursor}.`);
  const wire = await Wire.open(cable.url, tokens.alice);
  const backAt = new Date().toISOString();
  const welcome = await wire.hello({
    resume_token: before.token,
    last_event_seq: cursor,
  });
  check(welcome.session_id === before.sessionId, `the same session: ${welcome.session_id}`);
  const token = welcome.payload.resume_token ?? '';
  check(token !== '' && token !== before.token, 'with a new resume token');
  const again = await wire.number(before.heard.length);
  check(
    again.text === before.heard.at(-1)?.text && isSame(wire.numbered.slice(0, 10), before.heard.slice(-10)),
    'the 10 events that came twice on the wire are equal to the byte',
  );

  await wire.number(steps + 1);
  // Whatever was sent before the answer has come with it: nothing follows the end unseen.
  await wire.ask('session.ping', { nonce: 'nothing more?' });
  const all = [...done, ...wire.numbered];
  const lostBefore = before.heard.at(-1)?.payload.ts ?? '';
  const missed = all.filter(({ payload: { ts = '' } }) => ts > lostBefore && ts < backAt).length;
  check(missed > 0, `the job never noticed: ${missed} events happened while nobody was connected, and are here`);
  check(isCounted(all), `every number from 1 to ${steps + 1} exactly once, in order`);
  const progress = all.flatMap(({ payload }) => (payload.kind === 'progress' ? [payload.body?.current] : []));
  check(
    progress.length === steps && progress.every((current, at) => current === at + 1),
    `they are the job's ${steps} steps`,
  );
  const terminals = all.filter(({ type }) => type === 'job.result' || type === 'job.error');
  check(terminals.length === 1 && all.at(-1)?.payload.final_status === 'success', 'and one end: job.result, success');
  return againFromTheStart(cable, { wire, token, all, dead: before.token });
}

/** Nothing was acknowledged, so the whole session can be had once more. */
async function againFromTheStart(
  cable: Cable,
  { wire, token, all, dead }: { wire: Wire; token: string; all: Heard[]; dead: string },
): Promise<{ wire: Wire; token: string }> {
  say('\nOnce more: the cable is pulled, and Alice asks for everything from the start.');
  cable.pull();
  await wire.ended();
  const retry = await Wire.open(cable.url, tokens.alice);
  const refusal = await retry.hello({ resume_token: dead, last_event_seq: 0 });
  check(
    refusal.payload.code === 'RESUME_WINDOW_EXPIRED',
    `the first token is dead since the second was seen: ${refusal.payload.code}`,
  );
  const welcome = await retry.hello({ resume_token: token, last_event_seq: 0 });
  await retry.number(all.length);
  check(isSame(retry.numbered, all), `all ${all.length} frames again, equal to the byte`);
  return { wire: retry, token: welcome.payload.resume_token ?? '' };
}

async function bye(wire: Wire, { cable, token }: { cable: Cable; token: string }): Promise<void> {
  say('\nA goodbye is not a drop: Alice starts another job and says session.bye.');
  const { job_id: jobId } = await wire.ask('job.submit', {
    agent: 'slow',
    input: { count: 1000 },
  });
  await wire.number(steps + 3);
  const closed = await wire.ask('session.bye', { reason: 'the story is told' });
  check(closed.type === 'session.closed' && (await wire.ended()) === 1000, 'session.closed, and a close of 1000');
  const after = await Wire.open(cable.url, tokens.alice);
  const refusal = await after.hello({ resume_token: token, last_event_seq: 0 });
  check(refusal.payload.code === 'RESUME_WINDOW_EXPIRED', `her token is refused: ${refusal.payload.code}`);
  await after.hello();
  const end = await after.ask('job.cancel', { job_id: jobId });
  const { details } = end.payload;
  check(
    details?.reason === 'ended' && details.final_status === 'cancelled',
    `and the running job was ${details?.final_status}`,
  );
  after.hangUp();
}

function isCounted(frames: readonly Heard[]): boolean {
  return frames.length === steps + 1 && frames.every((frame, at) => frame.event_seq === at + 1);
}

function isSame(some: readonly Heard[], others: readonly Heard[]): boolean {
  return some.length === others.length && some.every(({ text }, at) => text === others[at]?.text);
}

const startedMs = performance.now();
const server = await startServer(Object.entries(tokens).flatMap(([name, token]) => ['--token', `${token}=${name}`]));
say(`A server process, arcpx serve, pid ${server.pid}: ${server.url}`);
const cable = await layCable(server.url);
try {
  await story(server, cable);
} catch (error) {
  check(false, error instanceof Error ? error.message : String(error));
} finally {
  await cable.close();
  server.kill();
}
const took = ((performance.now() - startedMs) / 1000).toFixed(1);
say(failures === 0 ? `\nAll of it was so, in ${took} s.` : `\n${failures} of it was not so.`);
process.exitCode = failures === 0 ? 0 : 1;
