// §6 of the protocol: two hundred races of each kind, each with one terminal and nothing after it.
import { describe, expect, test } from 'vitest';
import { leaseFeatures } from '../support/leases.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, enter, terminals, turn } from '../support/session.ts';
import { seeded } from '../support/socket.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1e9);
console.info(`seed ${seed}`);
const races = 200;
/** When the job's time and its lease end, in milliseconds; a race is run around that moment. */
const limitMs = 10_000;

interface Racer {
  agent: ReturnType<typeof puppet>;
  peer: Awaited<ReturnType<typeof enter>>['peer'];
  clock: ReturnType<typeof simulatedRuntime>['clock'];
  jobId: string;
}

type Move = (racer: Racer) => unknown;

const finish: Move = ({ agent }) => agent.finish('in time');
const fail: Move = ({ agent }) => agent.fail(new Error('no'));
const cancel: Move = ({ peer, jobId }) => peer.send('job.cancel', { job_id: jobId });
const timeout: Move = ({ clock }) => clock.advance(1);
const drop: Move = ({ peer }) => peer.drop();
const overdue: Move = ({ clock, agent }) => {
  clock.stepWall(1);
  try {
    agent.job.authorize('fs.read', '/');
  } catch {
    // What comes of it is the race.
  }
};

const kinds: [what: string, limit: 'max_runtime_sec' | 'expires_at' | 'none', one: Move[], other: Move[]][] = [
  ['cancel and finish', 'none', [cancel], [finish, fail]],
  ['timeout and finish', 'max_runtime_sec', [timeout], [finish, fail]],
  ['expiry and cancel', 'expires_at', [timeout, overdue], [cancel]],
  ['expiry and finish', 'expires_at', [timeout, overdue], [finish, fail]],
  ['drop and finish', 'none', [drop], [finish, fail]],
];

describe(`§6 ${races} races each have one terminal each`, () => {
  for (const [what, limit, ones, others] of kinds) {
    test(`§6 ${what}`, async () => {
      const draw = seeded(seed);
      const one = (moves: Move[]) => moves[draw(moves.length)] ?? finish;
      const codes = new Map<string, number>();
      for (let race = 0; race < races; race += 1) {
        const agent = puppet();
        const at = simulatedRuntime({ agents: [agent.agent], cancelGraceSec: 5 });
        const { peer, submit, resumeToken } = await enter(at, { features: leaseFeatures });
        const limits = {
          none: {},
          max_runtime_sec: { max_runtime_sec: limitMs / 1000 },
          expires_at: { lease_constraints: { expires_at: new Date(at.clock.now() + limitMs).toISOString() } },
        };
        const { job_id } = await submit('puppet', limits[limit]);
        await turn();
        at.clock.advance(limitMs - 1);
        const racer = { agent, peer, clock: at.clock, jobId: String(job_id) };
        const moves = draw(2) === 0 ? [one(ones), one(others)] : [one(others), one(ones)];
        for (const move of moves) {
          move(racer);
          for (let turns = draw(3); turns > 0; turns -= 1) await Promise.resolve();
          if (draw(3) === 0) await turn();
        }
        await turn();
        agent.finish();
        at.clock.advance(5000);
        agent.emit(1);
        await turn();
        peer.drop();
        await peer.closed;
        await turn();
        const back = await comeBack(at, { resumeToken });
        const ends = terminals(back.peer);
        expect(ends, `race ${race}`).toHaveLength(1);
        expect(back.peer.sequenced().at(-1)).toEqual(ends[0]);
        const code = String(ends[0]?.payload.code ?? ends[0]?.payload.final_status);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      console.info(what, Object.fromEntries(codes));
      // Both sides win now and then.
      expect(codes.size).toBeGreaterThan(1);
    });
  }
});
