// Two of everything at once, over real sockets.
import { expect, test } from 'vitest';
import type { Peer } from '../support/peer.ts';
import { puppet, tokens } from '../support/runtime.ts';
import { seeded, socketRuntime } from '../support/socket.ts';

// proves P3.35
test('two resumes raced 200 times: one live connection at the end, the other refused or closed, no event lost', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`seed ${seed}`);
  const random = seeded(seed);
  const agent = puppet();
  const { open, runtime } = await socketRuntime({ agents: [agent.agent] });
  const first = await open();
  let resumeToken: string = (await first.hello(tokens.alice)).payload.resume_token;
  await first.ask('job.submit', { agent: 'puppet' });
  let current = first;
  let newest = 0;
  for (let round = 0; round < 200; round += 1) {
    // Half of the rounds find the old connection still open.
    if (random(2) === 0) {
      current.drop();
      await current.closed;
    }
    const cursor = Math.max(0, newest - random(5));
    const racers = await Promise.all([open(), open()]);
    const asked = racers.map((peer) => ask(peer, resumeToken, cursor));
    const count = 1 + random(5);
    agent.emit(count);
    newest += count;
    const answers = await Promise.all(asked);
    const winners = racers.filter((_, index) => answers[index]?.type === 'session.welcome');
    const living = await stillOpen(winners);
    expect(living, `round ${round}`).toHaveLength(1);
    const [winner] = living;
    if (!winner) throw new Error('unreachable');
    for (const loser of racers) if (loser !== winner) expectLost(loser);
    await winner.settle();
    const from = cursor + 1;
    expect(winner.seqs()).toEqual(Array.from({ length: newest - cursor }, (_, index) => from + index));
    expect(runtime.sessions().filter((session) => session.state !== 'handshaking')).toHaveLength(1);
    resumeToken = String(winner.frames.find((frame) => frame.type === 'session.welcome')?.payload.resume_token);
    current = winner;
    for (const loser of racers) if (loser !== winner) loser.drop();
  }
}, 120_000);

async function ask(peer: Peer, resumeToken: string, cursor: number) {
  return await peer.resume(tokens.alice, { resume_token: resumeToken, last_event_seq: cursor });
}

/** Those whose connection still answers. */
async function stillOpen(peers: Peer[]): Promise<Peer[]> {
  const answers = await Promise.all(
    peers.map((peer) =>
      peer.settle().then(
        () => peer,
        () => undefined,
      ),
    ),
  );
  return answers.filter((peer) => peer !== undefined);
}

function expectLost(peer: Peer): void {
  const refused = peer.frames.some((frame) => frame.payload.code === 'RESUME_WINDOW_EXPIRED');
  const welcomed = peer.frames.some((frame) => frame.type === 'session.welcome');
  expect(refused || welcomed).toBe(true);
}
