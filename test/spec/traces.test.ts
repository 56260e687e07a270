// §4: a trace goes wherever its job goes, as it was given.
import { expect, test } from 'vitest';
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
