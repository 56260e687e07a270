// The promise itself, over real sockets: a dropped connection costs nothing.
import { expect, test } from 'vitest';
import { defineAgent } from '../../src/index.ts';
import type { Frame, Peer } from '../support/peer.ts';
import { tokens } from '../support/runtime.ts';
import { seeded, socketRuntime } from '../support/socket.ts';

const events = 200;
const jobs = 100;
const dropsPerJob = 10;

/** Emits `events` events in bursts of random size, a turn of the event loop between them, so that any moment may see a drop. */
const bursty = defineAgent<{ seed: number }>({
  name: 'bursty',
  async run(job) {
    const random = seeded(job.input.seed);
    for (let sent = 0; sent < events; ) {
      for (let burst = 1 + random(8); burst > 0 && sent < events; burst -= 1) {
        sent += 1;
        job.log('info', `event ${sent}`);
      }
      await new Promise(setImmediate);
    }
    return 'all sent';
  },
});

test(`${jobs * dropsPerJob} random drops during jobs of ${events} events: each event once, in order, byte-equal, one terminal`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`seed ${seed}`);
  const { open, runtime } = await socketRuntime({ agents: [bursty] });
  let drops = 0;
  let replayed = 0;
  const lanes = [0, 1, 2, 3].map(async (lane) => {
    for (let index = lane; index < jobs; index += 4) {
      const told = await oneJob(open, seed + index);
      drops += told.drops;
      replayed += told.replayed;
    }
  });
  await Promise.all(lanes);
  console.info(`${drops} drops, ${replayed} frames replayed`);
  expect(drops).toBe(jobs * dropsPerJob);
  expect(runtime.sessions().filter((session) => session.state === 'live')).toEqual([]);
}, 120_000);

/** One job, its client dropping at random points and coming back with a random part of what it has seen. */
async function oneJob(open: () => Promise<Peer>, seed: number) {
  const random = seeded(seed);
  const textBySeq = new Map<number, string>();
  const points = Array.from({ length: dropsPerJob }, () => random(events + 2)).sort((a, b) => a - b);
  let cursor = 0;
  let replayed = 0;
  let peer = await open();
  let resumeToken = (await peer.hello(tokens.alice)).payload.resume_token;
  await peer.ask('job.submit', { agent: 'bursty', input: { seed } });
  for (const point of points) {
    if (point > cursor) await peer.next((frame) => frame.event_seq === point);
    peer.drop();
    await peer.closed;
    replayed += collect(peer, textBySeq);
    const seen = textBySeq.size;
    cursor = seen - random(Math.min(seen, 20) + 1);
    peer = await open();
    const asked = await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: cursor });
    expect(asked.type, JSON.stringify(asked)).toBe('session.welcome');
    resumeToken = asked.payload.resume_token;
    // The frames of each connection go on exactly where its cursor said.
    expectRun(peer, cursor);
  }
  // A client that already has the terminal is at the head: nothing more comes.
  if (cursor <= events) await peer.next('job.result');
  await peer.ask('session.bye');
  await peer.closed;
  expectRun(peer, cursor);
  replayed += collect(peer, textBySeq);
  const frames: Frame[] = [...textBySeq.entries()].sort(([a], [b]) => a - b).map(([, text]) => JSON.parse(text));
  expect(frames.map((frame) => frame.event_seq)).toEqual(Array.from({ length: events + 1 }, (_, index) => index + 1));
  expect(frames.slice(0, events).map((frame) => frame.payload.body.message)).toEqual(
    Array.from({ length: events }, (_, index) => `event ${index + 1}`),
  );
  expect(frames.filter((frame) => frame.type !== 'job.event')).toMatchObject([
    { type: 'job.result', event_seq: events + 1 },
  ]);
  return { drops: dropsPerJob, replayed };
}

/** Adds what a connection brought; a frame seen before must be the same to the byte. Returns how many those were. */
function collect(peer: Peer, textBySeq: Map<number, string>): number {
  let again = 0;
  for (const [index, { event_seq: seq }] of peer.frames.entries()) {
    if (seq === undefined) continue;
    const text = peer.texts[index] ?? '';
    const known = textBySeq.get(seq);
    if (known !== undefined) {
      expect(text).toBe(known);
      again += 1;
    }
    textBySeq.set(seq, text);
  }
  return again;
}

function expectRun(peer: Peer, cursor: number): void {
  const seqs = peer.seqs();
  expect(seqs).toEqual(seqs.map((_, index) => cursor + index + 1));
}
