// `kill -9` on a server that keeps its state in a file: the next one goes on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { said } from '../support/lives.ts';
import type { Frame, Peer } from '../support/peer.ts';
import { type Served, serving } from './support.ts';

const counters = fileURLToPath(new URL('../crashes/agents.mjs', import.meta.url));

/** A folder of its own, and `arcpx serve` over a file in it. */
async function restartable(args: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'arcpx-restart-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return (more: readonly string[] = []) => serving(['--store', `sqlite:${join(folder, 'arcp.db')}`, ...args, ...more]);
}

async function enter(served: Served) {
  const peer = await served.open();
  const welcome = await peer.hello('tok-alice');
  return { peer, token: String(welcome.payload.resume_token) };
}

async function comeBack(served: Served, before: { peer: Peer; token: string }) {
  const peer = await served.open();
  const welcome = await peer.resume('tok-alice', {
    resume_token: before.token,
    last_event_seq: before.peer.sequenced().length,
  });
  return { peer, token: String(welcome.payload.resume_token) };
}

/** The end of a job, and everything of it that came in on these connections. */
async function storyOf(jobId: string | undefined, peers: readonly Peer[]): Promise<unknown[]> {
  const isEnd = (frame: Frame) => frame.job_id === jobId && frame.event_seq !== undefined && frame.type !== 'job.event';
  await peers.at(-1)?.next(isEnd);
  return peers.flatMap((peer) => peer.sequenced().filter((frame) => frame.job_id === jobId)).map(said);
}

test('a machine agent killed in the middle of a delay goes on where it was, and its client sees 1..n once', async () => {
  const start = await restartable();
  const first = await start();
  const before = await enter(first);
  const accepted = await before.peer.ask('job.submit', { agent: 'traffic', input: { count: 2, delay_ms: 300 } });
  await before.peer.next(({ payload }) => payload.body?.phase === 'yellow');
  await first.program.stop();
  const second = await start();
  const after = await comeBack(second, before);
  const light = (phase: string) => ['status', { phase }];
  const round = (current: number) => [
    light('green'),
    light('yellow'),
    ['progress', { current, total: 2 }],
    light('red'),
  ];
  expect(await storyOf(accepted.job_id, [before.peer, after.peer])).toEqual([
    light('red'),
    ...round(1),
    ...round(2),
    ['job.result', { count: 2 }],
  ]);
  const seqs = [...before.peer.seqs(), ...after.peer.seqs()];
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
});

test('killed, a job fails, runs again or goes on as its agent wants, and max_runtime_sec holds', async () => {
  const start = await restartable(['--agents', counters]);
  const first = await start();
  const before = await enter(first);
  const submit = (agent: string, payload: object = {}) =>
    before.peer.ask('job.submit', { agent, input: { count: 12, delayMs: 100 }, ...payload });
  const [fails, reruns, restored] = [await submit('fails'), await submit('reruns'), await submit('goes-on')];
  const limited = await submit('goes-on', { input: { count: 10_000, delayMs: 1000 }, max_runtime_sec: 2 });
  const limitedMs = performance.now() + 2000;
  await before.peer.next(({ job_id: id, payload }) => id === restored.job_id && payload.body?.current === 3);
  await first.program.stop();
  const after = await comeBack(await start(), before);
  const both = [before.peer, after.peer];
  const counted = (last: number) => {
    return Array.from({ length: last }, (_, index) => ['progress', { current: index + 1, total: 12 }]);
  };
  const whole = [...counted(12), ['job.result', { counted: 12 }]];

  const cut = await storyOf(fails.job_id, both);
  expect(cut).toEqual([...counted(cut.length - 1), ['job.error', 'INTERNAL_ERROR']]);
  const again = await storyOf(reruns.job_id, both);
  const restart = again.findIndex((one) => JSON.stringify(one).includes('"restarted"'));
  expect(again.slice(0, restart)).toEqual(counted(restart));
  expect(again.slice(restart + 1)).toEqual(whole);
  expect(await storyOf(restored.job_id, both)).toEqual(whole);
  expect((await storyOf(limited.job_id, both)).at(-1)).toEqual(['job.error', 'TIMEOUT']);
  expect(performance.now()).toBeGreaterThan(limitedMs - 200);
});
