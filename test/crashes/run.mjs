// Rounds of kill -9 at random moments under load: ten sessions, twenty jobs, clients that keep coming back. What they see is
// held against the promise: 1..n exactly once, one end a job, no acknowledged idempotency key forgotten, a database in order.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { integrityOf } from './integrity.mjs';
import { LibraryPeer } from './library-peer.mjs';
import { RawPeer } from './raw-peer.mjs';
import { Server } from './server.mjs';

/** How late a start is cut off. */
const startMsMax = 800;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs so many rounds; its figures, and whatever went against the promise. */
export async function crashes({ rounds, seed, libraryPeers = 5, rawPeers = 5, tell = () => {} }) {
  const folder = await mkdtemp(join(tmpdir(), 'arcpx-crashes-'));
  const server = new Server(join(folder, 'arcp.db'));
  const world = new World(server, seed);
  const readyMs = [await server.start()];
  const raw = Array.from({ length: rawPeers }, (_, index) => new RawPeer(`raw-${index}`, world));
  const library = Array.from({ length: libraryPeers }, (_, index) => new LibraryPeer(`library-${index}`, world));
  const runs = [...raw, ...library].map((peer) =>
    peer.run().catch((error) => world.faults.push(`a peer gave up: ${error.stack ?? error}`)),
  );
  for (let round = 1; round <= rounds && world.faults.length === 0; round += 1) {
    await pause(50 + world.below(450));
    await endOf(server, world);
    readyMs.push(await server.start());
    await askAgain(world, raw[0]);
    if (round % 10 === 0) tell(`${round} of ${rounds} rounds, ${world.summary(raw, library)}`);
  }
  for (const peer of [...raw, ...library]) peer.stop();
  await Promise.race([
    Promise.all(runs),
    pause(60_000).then(() => {
      for (const peer of [...raw, ...library])
        for (const what of peer.missing()) world.faults.push(`after a minute ${what}`);
    }),
  ]);
  const code = await server.stop();
  if (code !== 0) world.faults.push(`SIGTERM ended the server with ${code}`);
  const integrity = await integrityOf(join(folder, 'arcp.db'));
  if (integrity !== 'ok') world.faults.push(`the database: ${integrity}`);
  await rm(folder, { recursive: true });
  return { faults: world.faults, figures: figures(world, { raw, library, readyMs, rounds }) };
}

/** Mostly kill -9, now and then in order; and now and then the next process is killed while it brings back what it found. */
async function endOf(server, world) {
  if (world.below(8) > 0) {
    await server.kill();
    world.ends.killed += 1;
  } else {
    const code = await server.stop();
    if (code !== 0) world.faults.push(`SIGTERM ended the server with ${code}`);
    world.ends.stopped += 1;
  }
  if (world.below(4) > 0) return;
  await server.startInVain(world.below(startMsMax));
  world.ends.killedWhileStarting += 1;
}

/** A few of the keys that were acknowledged, asked for again by another session: the same jobs. */
async function askAgain(world, peer) {
  const keys = [...world.keys.entries()];
  const chosen = Array.from({ length: 3 }, () => keys[world.below(Math.max(1, keys.length))]).filter(Boolean);
  if (chosen.length > 0) await world.repeat(chosen, peer);
}

function figures(world, { raw, library, readyMs, rounds }) {
  const sorted = readyMs.toSorted((a, b) => a - b);
  return {
    rounds,
    ...world.ends,
    events: raw.reduce((sum, { view }) => sum + view.last, 0) + world.eventsSeen,
    jobs: world.keys.size,
    resumes: raw.reduce((sum, { resumes }) => sum + resumes, 0),
    keysAskedAgain: world.repeats,
    readyMs: { median: Math.round(sorted[Math.floor(sorted.length / 2)]), max: Math.round(sorted.at(-1)) },
    sessions: raw.length + library.length,
  };
}

class World {
  faults = [];
  ends = { killed: 0, stopped: 0, killedWhileStarting: 0 };
  /** By acknowledged key: the job it stands for, and what was submitted. */
  keys = new Map();
  eventsSeen = 0;
  repeats = 0;
  #server;
  #state;
  #requests = 0;

  constructor(server, seed) {
    this.#server = server;
    this.#state = seed >>> 0;
  }

  url() {
    return this.#server.url;
  }

  /** Random numbers that a seed repeats (mulberry32). */
  below = (limit) => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };

  next() {
    this.#requests += 1;
    return this.#requests;
  }

  keyOf(requestId) {
    return requestId.replace(/#\d+$/, '');
  }

  seen() {
    this.eventsSeen += 1;
  }

  job() {
    const agent = ['fails', 'reruns', 'goes-on'][this.below(3)];
    return { agent, input: { count: 5 + this.below(40), delayMs: 1 + this.below(10) } };
  }

  /** Submits keys again in a session of its own. The server may die meanwhile: then it is another round's turn. */
  async repeat(entries) {
    const { connect } = await import('../../dist/src/client.js');
    const client = await connect(this.url(), { token: 'tok-crash' }).catch(() => undefined);
    if (!client) return;
    for (const [key, { jobId, submit }] of entries) {
      const job = await client.submit(submit.agent, submit.input, { idempotencyKey: key }).catch(() => undefined);
      if (!job) break;
      this.repeats += 1;
      if (job.id !== jobId) this.faults.push(`key ${key} stood for ${jobId}, and now for ${job.id}`);
    }
    await client.bye().catch(() => {});
  }

  summary(raw, library) {
    const { events, jobs, resumes } = figures(this, { raw, library, readyMs: [0], rounds: 0 });
    return `${events} events, ${jobs} jobs, ${resumes} resumes by hand, ${this.faults.length} faults`;
  }
}
