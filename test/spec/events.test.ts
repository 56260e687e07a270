// §7 of the protocol: what a job says while it runs.
import { describe, expect, test } from 'vitest';
import { defineAgent, type JobContext } from '../../src/index.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, events, terminals, turn } from '../support/session.ts';

async function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}, features?: string[]) {
  const agent = puppet();
  const simulated = simulatedRuntime({ agents: [agent.agent], ...options });
  const session = await enter(simulated, features === undefined ? {} : { features });
  const accepted = await session.submit('puppet');
  return { agent, ...simulated, ...session, jobId: String(accepted.job_id), job: agent.job };
}

describe('§7 the kinds of events', () => {
  const kinds: [string, object, (job: JobContext) => void][] = [
    ['log', { level: 'warn', message: 'hm €' }, (job) => job.log('warn', 'hm €')],
    ['thought', { text: 'what if' }, (job) => job.thought('what if')],
    ['status', { phase: 'reading' }, (job) => job.status('reading')],
    ['status', { phase: 'reading', message: 'page 2' }, (job) => job.status('reading', 'page 2')],
    ['metric', { name: 'tokens', value: 1.5 }, (job) => job.metric({ name: 'tokens', value: 1.5 })],
    [
      'metric',
      { name: 'cost.llm', value: 0, unit: 'USD', dimensions: { model: 'm' } },
      (job) => job.metric({ name: 'cost.llm', value: 0, unit: 'USD', dimensions: { model: 'm' } }),
    ],
    ['progress', { current: 0 }, (job) => job.progress({ current: 0 })],
    [
      'progress',
      { current: 2.5, total: 5, units: 'pages', message: 'half' },
      (job) => job.progress({ current: 2.5, total: 5, units: 'pages', message: 'half' }),
    ],
    [
      'artifact_ref',
      { uri: 'https://example.org/a', content_type: 'text/plain', byte_size: 3, sha256: 'ab' },
      (job) => job.artifact({ uri: 'https://example.org/a', content_type: 'text/plain', byte_size: 3, sha256: 'ab' }),
    ],
    [
      'tool_call',
      { tool: 't', args: [], call_id: 'c' },
      (job) => job.emit('tool_call', { tool: 't', args: [], call_id: 'c' }),
    ],
    ['tool_result', { call_id: 'c', result: null }, (job) => job.emit('tool_result', { call_id: 'c', result: null })],
    ['x-vendor.acme.cake', { layers: [1, 2] }, (job) => job.emit('x-vendor.acme.cake', { layers: [1, 2] })],
  ];
  for (const [kind, body, emit] of kinds) {
    // proves P7.01, P7.02, P7.03, P7.04, P7.05, P7.06, P7.08
    test(`§7 ${kind} goes out as ${JSON.stringify(body)}`, async () => {
      const { job, peer, clock, jobId, sessionId } = await world();
      clock.advance(250);
      emit(job);
      const event = await peer.next('job.event');
      expect(event).toEqual({
        arcp: '1.1',
        id: expect.stringMatching(/^msg_/),
        type: 'job.event',
        session_id: sessionId,
        job_id: jobId,
        event_seq: 1,
        payload: { kind, ts: '2026-01-01T00:00:00.250Z', body },
      });
    });
  }

  test('§7 events come in the order in which they were emitted, each once', async () => {
    const { agent, peer } = await world();
    agent.emit(1000);
    await peer.settle();
    expect(peer.seqs()).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    expect(events(peer).map(({ body }) => body)).toEqual(
      Array.from({ length: 1000 }, (_, index) => ({ level: 'info', message: `event ${index + 1}` })),
    );
  });

  test('§7 whatever text an event carries comes out as it went in', async () => {
    const { job, peer } = await world();
    const texts = [
      '',
      '\u0000\u001f\u007f',
      'line\nbreak\r\n\u2028\u2029',
      '"\\"',
      '😀 é é 漢字',
      '</script>',
      '\ud83d',
      '{"event_seq":99}',
    ];
    for (const text of texts) job.thought(text);
    await peer.settle();
    expect(events(peer).map(({ body }) => body)).toEqual(texts.map((text) => ({ text })));
    expect(peer.texts.filter((text) => text.includes('\n'))).toEqual([]);
    expect(peer.seqs()).toEqual(texts.map((_, index) => index + 1));
  });

  test('§7 what is emitted is what it was at that moment, whatever becomes of the object', async () => {
    const { job, peer } = await world();
    const body = { count: 1 };
    job.emit('x-vendor.count', body);
    body.count = 2;
    job.emit('x-vendor.count', body);
    await peer.settle();
    expect(events(peer).map((event) => event.body)).toEqual([{ count: 1 }, { count: 2 }]);
  });
});

describe('§7 what is not an event', () => {
  const circular: { self?: object } = {};
  circular.self = circular;
  const refused: [string, (job: JobContext) => void][] = [
    ['a kind that is neither the protocol’s nor a vendor’s', (job) => job.emit('cake', {})],
    ['a kind of Object.prototype', (job) => job.emit('constructor', {})],
    ['a vendor kind without its prefix', (job) => job.emit('vendor.cake', {})],
    ['a vendor kind without a name', (job) => job.emit('x-vendor.', {})],
    [
      'a result chunk by hand',
      (job) => job.emit('result_chunk', { result_id: 'r', chunk_seq: 0, data: '', more: false }),
    ],
    ['a circular body', (job) => job.emit('x-vendor.a', circular)],
    ['a BigInt', (job) => job.emit('x-vendor.a', { n: 1n })],
    ['no body', (job) => job.emit('x-vendor.a', undefined)],
    ['a function', (job) => job.emit('x-vendor.a', () => 1)],
    ['a body of 2 MiB', (job) => job.thought('x'.repeat(2 * 2 ** 20))],
    ['progress below 0', (job) => job.progress({ current: -1 })],
    ['progress that is no number', (job) => job.progress({ current: Number.NaN })],
    ['progress without end', (job) => job.progress({ current: Number.POSITIVE_INFINITY })],
    ['progress of a total that is no number', (job) => job.progress({ current: 1, total: Number.NaN })],
    ['progress below 0 by emit', (job) => job.emit('progress', { current: -1 })],
    ['progress without a current by emit', (job) => job.emit('progress', { total: 5 })],
    ['a metric that is no number', (job) => job.metric({ name: 'a', value: Number.NaN })],
    ['a metric that is no number by emit', (job) => job.emit('metric', { name: 'a', value: Number.NaN })],
  ];
  for (const [what, emit] of refused) {
    // proves P7.06, P7.08
    test(`§7 ${what} is refused where it is emitted, costs no number, and the job lives on if its agent says so`, async () => {
      const { job, agent, peer } = await world();
      agent.emit(1);
      expect(() => emit(job)).toThrow();
      agent.emit(1);
      agent.finish('alive');
      expect(await peer.next('job.result')).toMatchObject({ event_seq: 3, payload: { result: 'alive' } });
      expect(peer.seqs()).toEqual([1, 2, 3]);
    });
  }

  test('§7 an agent that does not catch it has failed: INTERNAL_ERROR, and nothing of it on the wire', async () => {
    const agent = defineAgent({ name: 'careless', run: (job) => job.emit('cake', { secret: 'hunter2' }) });
    const { peer, submit } = await enter(simulatedRuntime({ agents: [agent] }));
    await submit('careless');
    expect(await peer.next('job.error')).toMatchObject({ event_seq: 1, payload: { code: 'INTERNAL_ERROR' } });
    expect(peer.texts.join()).not.toContain('hunter2');
  });
});

describe('§7 events and features', () => {
  test('§7 progress is left out where it was not negotiated, by either side', async () => {
    const sides: [Parameters<typeof world>[0], string[]][] = [
      [{}, ['ack']],
      [{ features: ['ack'] }, ['ack', 'progress']],
    ];
    for (const [options, features] of sides) {
      const { job, agent, peer } = await world(options, features);
      job.progress({ current: 1 });
      job.emit('progress', { current: 2 });
      agent.emit(1);
      agent.finish();
      await peer.next('job.result');
      expect(peer.seqs()).toEqual([1, 2]);
      expect(events(peer).map(({ kind }) => kind)).toEqual(['log']);
    }
  });

  test('§7 every other kind needs no feature', async () => {
    const { job, peer } = await world({}, []);
    job.log('debug', '');
    job.thought('');
    job.status('');
    job.metric({ name: '', value: 0 });
    job.artifact({ uri: '', content_type: '' });
    job.emit('tool_call', { tool: 't', args: {}, call_id: 'c' });
    job.emit('tool_result', { call_id: 'c', result: 1 });
    job.emit('x-vendor.a', {});
    await peer.settle();
    expect(peer.seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('§7 a feature gained by a resume counts from there on', async () => {
    const { job, agent, peer, resumeToken, ...at } = await world({}, []);
    job.progress({ current: 1 });
    await cut(peer);
    const back = await comeBack(at, { resumeToken, features: ['progress'] });
    job.progress({ current: 2 });
    agent.emit(1);
    await back.peer.settle();
    expect(events(back.peer)).toMatchObject([{ kind: 'progress', body: { current: 2 } }, { kind: 'log' }]);
    expect(back.peer.seqs()).toEqual([1, 2]);
  });
});

describe('§7 the stream of a session', () => {
  test('§7 a replayed event is the same to the byte: id, time and payload', async () => {
    const { job, agent, peer, resumeToken, clock, ...at } = await world();
    job.thought('first');
    clock.advance(100);
    job.metric({ name: 'x', value: 1 });
    agent.finish({ b: 1, a: 2 });
    await peer.next('job.result');
    clock.advance(5000);
    await cut(peer);
    const back = await comeBack(at, { resumeToken });
    const sequenced = (texts: string[]) => texts.filter((text) => text.includes('"event_seq"'));
    expect(sequenced(back.peer.texts)).toEqual(sequenced(peer.texts));
    expect(sequenced(peer.texts)).toHaveLength(3);
  });

  test('§7 the terminal crossing the line of back-pressure brings no status after it, and the next job is told', async () => {
    const { agent, peer, submit } = await world({ backPressure: 5 });
    agent.emit(5);
    agent.finish();
    await turn();
    await peer.settle();
    expect(peer.sequenced().at(-1)).toMatchObject({ type: 'job.result', event_seq: 6 });
    await submit('puppet');
    agent.emit(2);
    await peer.settle();
    const told = events(peer).filter(({ kind }) => kind === 'status');
    expect(told).toMatchObject([{ body: { phase: 'back_pressure' } }]);
    expect(terminals(peer)).toHaveLength(1);
  });
});

describe('§7 job.sleep and job.drained', () => {
  test('§7 job.sleep waits on the clock of the runtime', async () => {
    const sleeper = defineAgent({
      name: 'sleeper',
      async run(job) {
        for (let i = 1; i <= 3; i += 1) {
          await job.sleep(1000);
          job.progress({ current: i, total: 3 });
        }
      },
    });
    const { clock, ...at } = simulatedRuntime({ agents: [sleeper] });
    const { peer, submit } = await enter(at);
    await submit('sleeper');
    for (let i = 1; i <= 3; i += 1) {
      clock.advance(999);
      await peer.settle();
      expect(peer.seqs()).toHaveLength(i - 1);
      clock.advance(1);
      await turn();
    }
    await peer.next('job.result');
    expect(clock.nextInMs()).toBe(3600_000); // Only the memory of the ended job.
  });

  test('§7 job.sleep of a job that is already cancelled throws at once', async () => {
    const { job, peer, jobId } = await world();
    await peer.ask('job.cancel', { job_id: jobId });
    await expect(job.sleep(1000)).rejects.toThrow();
  });

  test('§7 an agent that awaits drained is held while a slow socket has too much to take, and let go when it has taken it', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent], maxUnsentBytes: 2000 });
    const { peer, link } = at.connect();
    await peer.hello('tok-alice', { features: [] });
    await peer.ask('job.submit', { agent: 'puppet' });
    link.stall();
    agent.emit(200);
    await turn();
    let drained = false;
    const held = agent.job.drained().then(() => {
      drained = true;
    });
    await turn();
    expect(drained).toBe(false);
    link.resume();
    await held;
    expect(drained).toBe(true);
  });

  test('§7 an agent held by drained is let go when the socket is lost', async () => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent], maxUnsentBytes: 2000, stallTimeoutSec: 5 });
    const { peer, link } = at.connect();
    await peer.hello('tok-alice', { features: [] });
    await peer.ask('job.submit', { agent: 'puppet' });
    link.stall();
    agent.emit(200);
    await turn();
    const held = agent.job.drained();
    at.clock.advance(5000);
    await held;
    expect(at.runtime.sessions()).toMatchObject([{ state: 'detached' }]);
  });
});
