// §4: a trace goes wherever its job goes, as it was given.
import { expect, test } from 'vitest';
import { featureNames } from '../../src/wire/messages.ts';
import { echo } from '../support/leases.ts';
import { puppet, simulatedRuntime } from '../support/runtime.ts';
import { comeBack, cut, enter, turn } from '../support/session.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const future = `cc-${traceId}-00f067aa0ba902b7-01-what.comes.later`;

function world() {
  const agent = puppet();
  return { agent, ...simulatedRuntime({ agents: [agent.agent] }) };
}

// proves P1.09
test.each([traceId, traceparent, future])(
  '§4 %s is on every frame about its job, a cancel and its end included',
  async (given) => {
    const at = world();
    const { peer, submit } = await enter(at);
    const accepted = await submit('puppet', {}, { trace_id: given });
    at.agent.emit(1);
    await peer.ask('job.cancel', { job_id: accepted.job_id });
    at.agent.fail(new Error('stopped'));
    await peer.next('job.error');
    const about = peer.frames.filter((frame) => frame.job_id === accepted.job_id);
    expect(about.map(({ type }) => type)).toEqual(['job.accepted', 'job.event', 'job.cancelled', 'job.error']);
    expect(about.map((frame) => frame.trace_id)).toEqual([given, given, given, given]);
  },
);

// proves P1.09
test.each([traceId, traceparent])(
  '§4 %s is in the list, on what a watcher is sent, and on a delegated job',
  async (given) => {
    const agent = puppet();
    const at = simulatedRuntime({ agents: [agent.agent, echo] });
    const [owner, watcher] = [
      await enter(at, { features: [...featureNames] }),
      await enter(at, { features: [...featureNames] }),
    ];
    const lease_request = { 'agent.delegate': ['echo'] };
    const { job_id } = await owner.submit('puppet', { lease_request }, { trace_id: given });
    const child = agent.job.delegate({ agent: 'echo', input: 1 });
    await child.result();
    const listed = await watcher.peer.ask('session.list_jobs');
    expect(listed.payload.jobs).toHaveLength(2);
    for (const job of listed.payload.jobs) expect(job.trace_id).toBe(given);
    for (const watched of [job_id, child.id]) {
      const subscribed = await watcher.peer.ask('job.subscribe', { job_id: watched, history: true });
      expect(subscribed).toMatchObject({ trace_id: given, payload: { trace_id: given } });
    }
    agent.finish();
    await watcher.peer.next((frame) => frame.type === 'job.result' && frame.job_id === job_id);
    await owner.peer.settle();
    for (const { peer } of [owner, watcher]) {
      const about = peer.frames.filter((frame) => frame.job_id !== undefined);
      expect(about.length).toBeGreaterThanOrEqual(5);
      for (const frame of about) expect(frame.trace_id).toBe(given);
    }
  },
);

test('§4 each job has the trace it was given, however they mingle, also behind a drop', async () => {
  const at = world();
  const { peer, submit, resumeToken } = await enter(at);
  const traces = [traceId, traceparent, undefined];
  const jobs = new Map<string | undefined, string | undefined>();
  for (const trace of traces) {
    const { job_id } = await submit('puppet', {}, trace === undefined ? {} : { trace_id: trace });
    jobs.set(job_id, trace);
  }
  const round = () => {
    for (const { context } of at.agent.jobs) context.status('working');
  };
  round();
  await peer.settle();
  await cut(peer);
  round();
  const back = await comeBack(at, { resumeToken, after: 3 });
  for (const { finish } of at.agent.jobs) finish();
  await turn();
  await back.peer.settle();
  const numbered = [...peer.sequenced(), ...back.peer.sequenced()];
  expect(numbered).toHaveLength(9);
  for (const frame of numbered) expect(frame.trace_id).toBe(jobs.get(frame.job_id));
});

// proves P1.09
test('§4 what is no trace context is refused: capitals, another length, a version or flags that are none', async () => {
  const at = world();
  const { submit } = await enter(at);
  const none = [
    traceId.toUpperCase(),
    traceId.slice(1),
    `${traceId}0`,
    `00-${traceId}`,
    `0-${traceId}-00f067aa0ba902b7-01`,
    `00-${traceId}-00f067aa0ba902b7-1`,
    ` ${traceId}`,
    `${traceId}\n`,
  ];
  for (const trace_id of none) {
    expect(await submit('puppet', {}, { trace_id }), trace_id).toMatchObject({ payload: { code: 'INVALID_REQUEST' } });
  }
  expect(at.agent.jobs).toEqual([]);
});
