// §6 of the protocol: exactly one terminal frame per accepted job, nothing after it, whatever races.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineAgent, type JobContext } from '../../src/index.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, terminals, turn } from '../support/session.ts';

async function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  const simulated = simulatedRuntime({ agents: [agent.agent], ...options });
  const owner = await enter(simulated);
  const accepted = await owner.submit('puppet', { max_runtime_sec: 10 });
  return { agent, ...simulated, ...owner, jobId: String(accepted.job_id) };
}

describe('§6 exactly one terminal', () => {
  test('§6 a cancel and an end in the same moment: one of them, whichever came first', async () => {
    for (const order of ['finish first', 'cancel first']) {
      const { agent, peer, jobId } = await world();
      if (order === 'finish first') agent.finish('in time');
      peer.send('job.cancel', { job_id: jobId });
      if (order === 'cancel first') agent.finish('in time');
      await turn();
      await peer.settle();
      expect(terminals(peer), order).toHaveLength(1);
      const [{ payload } = { payload: undefined }] = terminals(peer);
      const answer = peer.frames.find((frame) => frame.type === 'job.cancelled' || frame.type === 'session.error');
      // What the cancel was told and how the job ended are one story.
      expect(answer?.type).toBe(payload.final_status === 'cancelled' ? 'job.cancelled' : 'session.error');
    }
  });

  test('§6 the time limit and an end in the same moment', async () => {
    for (const order of ['finish first', 'timeout first']) {
      const { agent, peer, clock } = await world();
      if (order === 'finish first') agent.finish('in time');
      clock.advance(10_000);
      if (order === 'timeout first') agent.finish('too late');
      await turn();
      await peer.settle();
      expect(terminals(peer), order).toHaveLength(1);
    }
  });

  test('§6 an agent that ends because its time is out has ended once: timed_out', async () => {
    const { agent, peer, clock } = await world();
    agent.job.signal.addEventListener('abort', () => agent.finish('partial'));
    clock.advance(10_000);
    await turn();
    await peer.settle();
    expect(terminals(peer)).toMatchObject([{ payload: { final_status: 'timed_out' } }]);
  });

  test('§6 the end of the cancel grace and an end in the same moment', async () => {
    for (const order of ['finish first', 'grace first']) {
      const { agent, peer, clock, jobId } = await world({ cancelGraceSec: 5 });
      await peer.ask('job.cancel', { job_id: jobId });
      if (order === 'finish first') agent.finish();
      clock.advance(5000);
      if (order === 'grace first') agent.fail(new Error('late'));
      await turn();
      await peer.settle();
      expect(terminals(peer), order).toMatchObject([{ payload: { final_status: 'cancelled' } }]);
    }
  });

  test('§6 a time limit within the grace of a cancel: the job was cancelled', async () => {
    const { agent, peer, clock, jobId } = await world({ cancelGraceSec: 30 });
    clock.advance(9_999);
    await peer.ask('job.cancel', { job_id: jobId });
    clock.advance(29_999);
    await peer.settle();
    expect(terminals(peer)).toEqual([]);
    clock.advance(1);
    agent.finish();
    await turn();
    await peer.settle();
    expect(terminals(peer)).toMatchObject([{ payload: { final_status: 'cancelled' } }]);
  });

  test('§6 a drop and an end in the same moment: the terminal is there after the resume, once', async () => {
    for (const order of ['finish first', 'drop first']) {
      const { agent, peer, resumeToken, ...at } = await world();
      if (order === 'finish first') agent.finish('kept');
      peer.drop();
      if (order === 'drop first') agent.finish('kept');
      await peer.closed;
      await turn();
      const back = await comeBack(at, { resumeToken });
      expect(terminals(back.peer), order).toMatchObject([{ event_seq: 1, payload: { result: 'kept' } }]);
    }
  });

  test('§6 a bye and an end in the same moment: the job ends once, and the session with it', async () => {
    for (const order of ['finish first', 'bye first']) {
      const { agent, peer, jobId, ...at } = await world();
      if (order === 'finish first') agent.finish();
      const asked = peer.ask('session.bye');
      if (order === 'bye first') agent.finish();
      await asked;
      await turn();
      expect(terminals(peer).length, order).toBeLessThanOrEqual(1);
      expect(at.runtime.sessions(), order).toEqual([]);
      const other = await enter(at);
      const told = await other.peer.ask('job.cancel', { job_id: jobId });
      expect(told).toMatchObject({ payload: { code: 'JOB_NOT_FOUND', details: { reason: 'ended' } } });
    }
  });

  test('§6 a shutdown and an end in the same moment do not hang or throw', async () => {
    for (const order of ['finish first', 'shutdown first']) {
      const { agent, peer, runtime, log } = await world();
      if (order === 'finish first') agent.finish();
      const closed = runtime.close();
      if (order === 'shutdown first') agent.finish();
      await closed;
      await peer.closed;
      expect(terminals(peer).length).toBeLessThanOrEqual(1);
      expect(log.lines.filter((line) => line.message.includes('inside the runtime'))).toEqual([]);
    }
  });

  // proves P6.06, P6.07
  test('§6 whatever happens in whatever order, the job has one terminal, and nothing of it comes after', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.info(`seed ${seed}`);
    const moves = ['finish', 'fail', 'emit', 'cancel', 'drop', 'second', 'minute', 'turn', 'turn', 'unjson'] as const;
    const property = fc.asyncProperty(fc.array(fc.constantFrom(...moves), { maxLength: 14 }), async (path) => {
      const { agent, clock, jobId, ...at } = await world({ cancelGraceSec: 5, resumeWindowSec: 1e6 });
      let { peer, resumeToken } = at;
      for (const move of path) {
        if (move === 'finish') agent.finish('done');
        else if (move === 'unjson') agent.finish(1n);
        else if (move === 'fail') agent.fail(new Error('no'));
        else if (move === 'emit') agent.emit(1);
        else if (move === 'cancel') peer.send('job.cancel', { job_id: jobId });
        else if (move === 'second') clock.advance(1000);
        else if (move === 'minute') clock.advance(60_000);
        else if (move === 'turn') await turn();
        else {
          await cut(peer);
          ({ peer, resumeToken } = await comeBack(at, { resumeToken }));
        }
      }
      agent.finish();
      clock.advance(60_000);
      agent.emit(1);
      await turn();
      await cut(peer);
      const { peer: reader } = await comeBack(at, { resumeToken });
      const sequenced = reader.sequenced();
      expect(sequenced.map((frame) => frame.event_seq)).toEqual(sequenced.map((_, index) => index + 1));
      expect(terminals(reader, jobId)).toHaveLength(1);
      expect(terminals(reader)).toEqual([sequenced.at(-1)]);
      expect(at.runtime.sessions()).toMatchObject([{ jobs: [] }]);
    });
    await fc.assert(property, { seed, numRuns: 150 });
  });
});

describe('§6 an agent that does what none should', () => {
  const circular: { self?: object } = {};
  circular.self = circular;
  let asked = 0;
  const fickle = {
    toJSON() {
      asked += 1;
      if (asked > 1) throw new Error('I said it once');
      return 'once';
    },
  };
  const bad: [string, () => unknown][] = [
    [
      'throws synchronously',
      () => {
        throw new Error('sync');
      },
    ],
    ['throws undefined', () => Promise.reject(undefined)],
    ['throws null', () => Promise.reject(null)],
    ['returns a BigInt', () => 10n],
    ['returns what contains a BigInt', async () => ({ deep: [{ n: 10n }] })],
    ['returns a circular object', () => circular],
    ['returns a function', () => () => 'called'],
    ['returns a symbol', () => Symbol('s')],
    ['returns what throws when it is written as JSON', () => ({ toJSON: () => JSON.parse('{') })],
    ['returns what says undefined for its JSON', () => ({ toJSON: () => undefined })],
    [
      'returns a thenable that throws',
      () =>
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('no then');
            },
          },
        ),
    ],
    ['returns an array of a revoked proxy', () => [revoked()]],
  ];
  for (const [what, run] of bad) {
    test(`§6 an agent that ${what} ends its job with one INTERNAL_ERROR, logged, and the session lives`, async () => {
      const agent = defineAgent({ name: 'bad', run });
      const at = simulatedRuntime({ agents: [agent, defineAgent({ name: 'good', run: () => 'fine' })] });
      const { peer, submit } = await enter(at);
      const { job_id: jobId } = await submit('bad');
      await turn();
      await peer.settle();
      expect(terminals(peer, jobId)).toMatchObject([
        { type: 'job.error', payload: { final_status: 'error', code: 'INTERNAL_ERROR', retryable: true } },
      ]);
      expect(at.log.lines).toMatchObject([{ level: 'error', fields: { jobId } }]);
      await submit('good');
      expect(await peer.next('job.result')).toMatchObject({ payload: { result: 'fine' } });
      expect(at.runtime.sessions()).toMatchObject([{ state: 'live', jobs: [] }]);
    });
  }

  test('§6 a result that says something else each time it is written still has one terminal', async () => {
    const agent = defineAgent({ name: 'fickle', run: () => fickle });
    const { runtime, ...at } = simulatedRuntime({ agents: [agent] });
    const { peer, submit } = await enter(at);
    await submit('fickle');
    await turn();
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
    expect(runtime.sessions()).toMatchObject([{ state: 'live', jobs: [] }]);
  });

  test('§6 a result that grows when it is written a second time does not pass its limit', async () => {
    let writes = 0;
    const growing = { toJSON: () => 'x'.repeat(writes++ === 0 ? 1 : 3 * 2 ** 20) };
    const { peer, submit } = await enter(
      simulatedRuntime({ agents: [defineAgent({ name: 'growing', run: () => growing })] }),
    );
    await submit('growing');
    await turn();
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
    expect(Math.max(...peer.texts.map((text) => text.length))).toBeLessThan(2 ** 20 + 1000);
  });

  // proves P6.21
  test('§6 no text of the exception goes over the wire; it is logged', async () => {
    const { agent, peer, log, jobId } = await world();
    const error = Object.assign(new Error('password is hunter2'), { code: 'E_hunter2', details: { token: 'hunter2' } });
    agent.fail(error);
    await peer.next('job.error');
    expect(peer.texts.join('\n')).not.toContain('hunter2');
    expect(peer.texts.join('\n')).not.toMatch(/\.ts:|node_modules/);
    expect(log.lines).toMatchObject([{ level: 'error', fields: { jobId, err: error } }]);
  });

  test('§6 a logger that throws costs no job its terminal', async () => {
    const failing = () => {
      throw new Error('the disk is full');
    };
    const log = { debug: failing, info: failing, warn: failing, error: failing };
    const { agent, peer, runtime } = await world({ log });
    agent.fail(new Error('no'));
    expect(await peer.next('job.error')).toMatchObject({ payload: { code: 'INTERNAL_ERROR' } });
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
    expect(runtime.sessions()).toMatchObject([{ state: 'live', jobs: [] }]);
  });

  test('§6 a summary that is no text still leaves one terminal', async () => {
    const agent = defineAgent({ name: 'odd', run: endOddly });
    const { peer, submit } = await enter(simulatedRuntime({ agents: [agent] }));
    await submit('odd');
    await turn();
    await peer.settle();
    expect(terminals(peer)).toHaveLength(1);
  });

  test('§6 an agent that throws an error with a code of the protocol still failed: INTERNAL_ERROR', async () => {
    const { ArcpError } = await import('../../src/index.ts');
    const { agent, peer } = await world();
    agent.fail(new ArcpError('CANCELLED', 'hunter2', { token: 'hunter2' }));
    expect(await peer.next('job.error')).toMatchObject({ payload: { final_status: 'error', code: 'INTERNAL_ERROR' } });
    expect(peer.texts.join('\n')).not.toContain('hunter2');
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Ends its result with what the types forbid. */
function endOddly(job: JobContext): void {
  const result = job.result();
  Reflect.apply(result.end, result, [10n]);
}
