// §8 of the protocol: however a job ends, its credentials are worth nothing before its terminal is seen.
import { describe, expect, test } from 'vitest';
import { breakableStore } from '../../src/conformance/puppets.ts';
import { memoryStore, type Provisioner } from '../../src/index.ts';
import { tokens } from '../support/runtime.ts';
import { comeBack, cut, terminals, turn } from '../support/session.ts';
import { seeded } from '../support/socket.ts';
import { credentialFeatures, provisionedJob, provisionedRuntime } from '../support/upstream.ts';

type World = Awaited<ReturnType<typeof provisionedJob>>;

const endings: [status: string, end: (at: World) => unknown][] = [
  ['success', ({ agent }) => agent.finish('done')],
  ['error', ({ agent }) => agent.fail(new Error('no'))],
  [
    'cancelled',
    async ({ peer, jobId, agent }) => {
      await peer.ask('job.cancel', { job_id: jobId });
      agent.finish();
    },
  ],
  ['timed_out', ({ clock }) => clock.advance(60_000)],
];

/** A job at its end, whose revocation is not through. */
async function revoking(ending: (typeof endings)[number][1], options: Parameters<typeof provisionedJob>[0] = {}) {
  const at = await provisionedJob(options, { max_runtime_sec: 60 });
  at.up.hold('revoke');
  await ending(at);
  await turn();
  await at.peer.settle();
  return at;
}

describe('§8 revoked before the terminal is seen', () => {
  for (const [status, end] of endings) {
    // proves P8.24
    test(`§8 ${status}: the terminal waits for the revocation, is the only one, and nothing comes between`, async () => {
      const at = await revoking(end);
      expect(at.up.calls.at(-1)).toBe(`revoke ${at.credential.id}`);
      expect(at.runtime.sessions()).toMatchObject([{ jobs: [at.jobId] }]);
      at.agent.job.log('info', 'what the agent says after its end is dropped');
      await at.peer.settle();
      expect(at.peer.sequenced()).toEqual([]);
      at.up.release('revoke');
      await turn();
      await at.peer.settle();
      expect([...at.up.live]).toEqual([]);
      expect(terminals(at.peer)).toMatchObject([{ event_seq: 1, payload: { final_status: status } }]);
      expect(at.runtime.sessions()).toMatchObject([{ jobs: [] }]);
      expect(at.up.countOf('revoke')).toBe(1);
    });

    test(`§8 ${status}, while nobody is connected: the same, and a resume brings it`, async () => {
      const at = await provisionedJob({}, { max_runtime_sec: 60 });
      at.up.hold('revoke');
      await end(at);
      await cut(at.peer);
      expect(at.runtime.sessions()).toMatchObject([{ newestSeq: 0 }]);
      at.up.release('revoke');
      await turn();
      const back = await comeBack(at, { resumeToken: at.resumeToken });
      expect(terminals(back.peer)).toMatchObject([{ payload: { final_status: status } }]);
    });
  }

  test('§8 the end of its lease ends a job in error, once what it had is revoked', async () => {
    const at = provisionedRuntime();
    const { peer, submit } = await at.join(tokens.alice, [...credentialFeatures, 'lease_expires_at']);
    const expires_at = new Date(at.clock.now() + 60_000).toISOString();
    await submit('puppet', { lease_constraints: { expires_at } });
    at.up.hold('revoke');
    at.clock.advance(60_000);
    await peer.settle();
    expect(peer.sequenced()).toEqual([]);
    at.up.release('revoke');
    expect(await peer.next('job.error')).toMatchObject({ payload: { final_status: 'error', code: 'LEASE_EXPIRED' } });
    expect([...at.up.live]).toEqual([]);
  });

  test('§8 a bye, and the end of the window, end and revoke like a cancel', async () => {
    const at = await provisionedJob();
    await at.peer.ask('session.bye');
    at.agent.finish();
    await turn();
    expect([...at.up.live]).toEqual([]);
    const expiring = await provisionedJob({ onExpire: 'cancel', resumeWindowSec: 60 });
    await cut(expiring.peer);
    expiring.clock.advance(60_000);
    expiring.agent.finish();
    await turn();
    expect([...expiring.up.live]).toEqual([]);
    expect(expiring.runtime.sessions()).toEqual([]);
  });

  test('§8 a job that had none ends at once, its provisioner not asked', async () => {
    const calls: string[] = [];
    const provisioner: Provisioner = { issue: () => [], revoke: (id) => void calls.push(id) };
    const at = await provisionedJob({ provisioner });
    at.agent.finish('done');
    expect(await at.peer.next('job.result')).toMatchObject({ payload: { result: 'done' } });
    expect(calls).toEqual([]);
  });
});

describe('§8 a revocation that fails', () => {
  test('§8 is tried again after 1, 2, 4 seconds and so on, at most a minute apart, until it is done', async () => {
    const at = await provisionedJob({ revocationGraceSec: 100 });
    at.up.fail('revoke', () => new Error('sk-hunter2 cannot be revoked now'));
    at.agent.finish();
    await turn();
    for (const [tries, seconds] of [1, 2, 4, 8, 16, 32].entries()) {
      expect(at.up.countOf('revoke')).toBe(tries + 1);
      at.clock.advance(seconds * 1000 - 1);
      await turn();
      expect(at.up.countOf('revoke')).toBe(tries + 1);
      at.clock.advance(1);
      await turn();
    }
    for (let minute = 0; minute < 3; minute += 1) {
      at.clock.advance(60_000);
      await turn();
    }
    expect(at.up.countOf('revoke')).toBe(10);
    at.up.recover('revoke');
    at.clock.advance(60_000);
    await turn();
    expect([...at.up.live]).toEqual([]);
    at.clock.advance(3_600_000);
    await turn();
    expect(at.up.countOf('revoke')).toBe(11);
    expect(at.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(10);
    expect(JSON.stringify(at.log.lines)).not.toContain('hunter2');
  });

  test('§8 holds the terminal back no longer than revocationGraceSec; the operator is told, and it is tried on', async () => {
    for (const [status, end] of endings) {
      const at = await revoking(end, { revocationGraceSec: 3 });
      at.clock.advance(2_999);
      await at.peer.settle();
      expect(terminals(at.peer), status).toEqual([]);
      at.clock.advance(1);
      await at.peer.settle();
      expect(terminals(at.peer), status).toMatchObject([{ payload: { final_status: status } }]);
      const told = at.log.lines.filter(({ message }) => message.includes('before its credentials are revoked'));
      expect(told).toMatchObject([{ fields: { jobId: at.jobId, credentialIds: [at.credential.id] } }]);
      at.up.release('revoke');
      await turn();
      await at.peer.settle();
      expect([...at.up.live]).toEqual([]);
      expect(terminals(at.peer), status).toHaveLength(1);
    }
  });

  test('§8 an attempt that never answers is given up after provisionerTimeoutSec, and made anew', async () => {
    const at = await provisionedJob({ provisionerTimeoutSec: 2, revocationGraceSec: 60 });
    at.up.hold('revoke');
    at.agent.finish();
    await turn();
    at.clock.advance(2000);
    await turn();
    at.clock.advance(1000);
    await turn();
    expect(at.up.countOf('revoke')).toBe(2);
    at.up.release('revoke');
    expect(await at.peer.next('job.result')).toMatchObject({ payload: { final_status: 'success' } });
  });

  test('§8 a job, and a session, that break inside the runtime are revoked too', async () => {
    const { store, breakNext } = breakableStore(memoryStore());
    const at = await provisionedJob({ store });
    breakNext();
    at.agent.finish();
    await turn();
    expect([...at.up.live]).toEqual([]);
    expect(at.up.values).toHaveLength(1);
  });
});

describe('§8 a session that breaks inside the runtime', () => {
  test('§8 leaves no job behind that waits for its revocation: that goes on by itself', async () => {
    const store = memoryStore();
    const { openLog } = store;
    const failing = () => {
      throw new Error('the store failed');
    };
    const logs: { append: (head: string, tail: string) => number }[] = [];
    store.openLog = (...about) => {
      const log = openLog(...about);
      logs.push(log);
      return log;
    };
    const at = await provisionedJob({ store, provisionerTimeoutSec: 1000, revocationGraceSec: 10 });
    await at.submit('puppet');
    at.up.hold('revoke');
    for (const log of logs) log.append = failing;
    at.agent.jobs[0]?.finish();
    await turn();
    at.clock.advance(10_000);
    await turn();
    expect(at.runtime.sessions()).toEqual([]);
    // Nothing but the calls of the provisioner is waited for.
    expect(at.clock.nextInMs()).toBeGreaterThan(900_000);
    at.up.release('revoke');
    await turn();
    expect([...at.up.live]).toEqual([]);
  });
});

describe('§8 while the terminal waits', () => {
  test('§7 a cancel comes too late: JOB_NOT_FOUND, reason ended; of a cancelled job it is acknowledged again', async () => {
    for (const [status, end] of endings) {
      const at = await revoking(end);
      const answer = await at.peer.ask('job.cancel', { job_id: at.jobId });
      if (status === 'cancelled') expect(answer).toMatchObject({ type: 'job.cancelled' });
      else expect(answer).toMatchObject({ payload: { code: 'JOB_NOT_FOUND', details: { reason: 'ended' } } });
      at.up.release('revoke');
      await turn();
      await at.peer.settle();
      expect(terminals(at.peer)).toMatchObject([{ payload: { final_status: status } }]);
    }
  });

  test('§8 a repeated submit shows no credentials any more', async () => {
    const at = await provisionedJob({}, { idempotency_key: 'k' });
    at.up.hold('revoke');
    at.agent.finish();
    await turn();
    expect((await at.submit('puppet', { idempotency_key: 'k' })).payload).not.toHaveProperty('credentials');
  });
});

describe('§8 a shutdown', () => {
  test('§8 revokes everything before it is through, also what is being issued', async () => {
    const at = await provisionedJob();
    at.up.hold('issue');
    at.peer.send('job.submit', { agent: 'puppet' });
    await turn();
    const closed = at.runtime.close();
    at.agent.finish();
    await turn();
    at.up.release('issue');
    await closed;
    expect(at.up.values).toHaveLength(2);
    expect([...at.up.live]).toEqual([]);
    expect(at.agent.jobs).toHaveLength(1);
  });

  test('§8 waits no longer than its grace, and tells the operator what is left', async () => {
    const at = await provisionedJob({ cancelGraceSec: 5 });
    at.up.hold('revoke');
    const closed = at.runtime.close();
    at.agent.finish();
    await turn();
    at.clock.advance(5000);
    await closed;
    expect(at.log.lines.at(-1)).toMatchObject({ level: 'error', fields: { credentialIds: [at.credential.id] } });
    expect(at.clock.nextInMs()).toBeUndefined();
  });
});

// proves P6.07
test('§8 two hundred races of ends: one terminal each, and no credential is left', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.info(`seed ${seed}`);
  const below = seeded(seed);
  const moves: ((at: World) => unknown)[] = [
    ({ agent }) => agent.finish('done'),
    ({ agent }) => agent.fail(new Error('no')),
    ({ peer, jobId }) => peer.send('job.cancel', { job_id: jobId }),
    ({ clock }) => clock.advance(60_000),
    ({ up }) => up.release('revoke'),
    ({ agent, credential }) => agent.job.rotateCredential(credential.id).catch(() => {}),
    () => turn(),
  ];
  for (let round = 0; round < 200; round += 1) {
    const at = await provisionedJob({ cancelGraceSec: 30, revocationGraceSec: 20 }, { max_runtime_sec: 60 });
    if (below(2) === 0) at.up.hold('revoke');
    for (let i = 0; i < 6; i += 1) await moves[below(moves.length)]?.(at);
    at.agent.finish();
    at.up.release('revoke');
    for (let i = 0; i < 5; i += 1) {
      await turn();
      at.clock.advance(20_000);
    }
    await at.peer.settle();
    expect(terminals(at.peer), `round ${round}`).toHaveLength(1);
    expect([...at.up.live], `round ${round}`).toEqual([]);
  }
});
