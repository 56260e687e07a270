// The job's chart as data: `transition` gives the next state and the effects it would have done (§6).
import { describe, expect, test } from 'vitest';
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import type { JobEvent } from '../../machines/events.ts';
import type { JobInput } from '../../machines/job.setup.ts';
import { jobMachine } from '../../machines/job.ts';

const input: JobInput = {
  jobId: 'job_1',
  maxRuntimeMs: null,
  leaseExpiryMs: null,
  cancelGraceMs: 30_000,
  revocationGraceMs: 10_000,
  credentials: 0,
};
const start: JobEvent = { type: 'job.start' };
const cancel: JobEvent = { type: 'job.cancel', asker: { connectionId: 'connection-1', requestId: 'req_1' } };
const returned: JobEvent = { type: 'agent.returned' };
const failed: JobEvent = { type: 'agent.failed' };
const shutdown: JobEvent = { type: 'runtime.shutdown' };
const over: JobEvent = { type: 'session.over' };
/** What the clock will say: xstate names a delayed transition by its delay and its state. */
const overlong = { type: 'xstate.after.maxRuntimeMs.job.running' };
const graceOver = { type: 'xstate.after.cancelGraceMs.job.cancelling' };

type Snapshot = SnapshotFrom<typeof jobMachine>;

function step(snapshot: Snapshot, event: object) {
  // `after` events are xstate's own and in no union of ours.
  return transition(jobMachine, snapshot, Object.assign({ type: 'job.start' } satisfies JobEvent, event));
}

/** Walks the chart from its beginning and tells where that led, and what each step did. */
function walk(...path: object[]) {
  let [snapshot, actions] = initialTransition(jobMachine, input);
  const effects = actions.map((action) => action.type);
  for (const event of path) {
    [snapshot, actions] = step(snapshot, event);
    effects.push(...actions.map((action) => action.type));
  }
  const last = actions.map((action) => action.type).filter((type) => !type.startsWith('xstate.'));
  return { state: snapshot.value, status: snapshot.status, output: snapshot.output, last, effects, actions };
}

const terminal = ['recordResult', 'recordError', 'recordInterrupted', 'recordCancelled', 'recordTimeout'];
const terminalsIn = (effects: string[]) => effects.filter((effect) => terminal.includes(effect));
const delays = (walked: ReturnType<typeof walk>) =>
  walked.actions.flatMap((action) => (action.type === 'xstate.raise' ? [Object(action.params).delay] : []));

describe('§6 the states of a job', () => {
  test('§6 a job is pending and does nothing until it is started; then its agent runs', () => {
    expect(walk()).toMatchObject({ state: 'pending', effects: [] });
    expect(walk(start)).toMatchObject({ state: 'running', last: ['startAgent'] });
  });

  test('§6 an agent that returns ends in success, one that throws in error', () => {
    expect(walk(start, returned)).toMatchObject({ state: 'success', status: 'done', last: ['revoke', 'recordResult'] });
    expect(walk(start, failed)).toMatchObject({ state: 'error', status: 'done', last: ['revoke', 'recordError'] });
  });

  test('§6 a cancel is acknowledged, then the signal fires; the terminal waits for the agent', () => {
    expect(walk(start, cancel)).toMatchObject({ state: 'cancelling', last: ['acknowledgeCancel', 'abortAgent'] });
    for (const settled of [returned, failed]) {
      expect(walk(start, cancel, settled)).toMatchObject({ state: 'cancelled', last: ['revoke', 'recordCancelled'] });
    }
  });

  test('§6 the terminal of a cancelled job waits no longer than the grace', () => {
    expect(delays(walk(start, cancel))).toContain(30_000);
    expect(walk(start, cancel, graceOver)).toMatchObject({ state: 'cancelled', last: ['revoke', 'recordCancelled'] });
  });

  test('§6 a second cancel while the first is pending is acknowledged again, and fires no second signal', () => {
    const twice = walk(start, cancel, cancel);
    expect(twice).toMatchObject({ state: 'cancelling', last: ['acknowledgeCancel'] });
    expect(twice.effects.filter((effect) => effect === 'abortAgent')).toHaveLength(1);
    expect(delays(twice)).toEqual([]);
  });

  test('§6 a job over its max_runtime_sec is timed out at once: the signal fires, the agent is not waited for', () => {
    expect(walk(start, overlong)).toMatchObject({
      state: 'timed_out',
      status: 'done',
      last: ['abortAgent', 'revoke', 'recordTimeout'],
    });
  });

  test('§6 max_runtime_sec is counted from the start of the run; without one there is no end to it', () => {
    const [pending] = initialTransition(jobMachine, { ...input, maxRuntimeMs: 5000 });
    const [, bounded] = transition(jobMachine, pending, start);
    expect(bounded.find((action) => action.type === 'xstate.raise')?.params).toMatchObject({ delay: 5000 });
    expect(new Set(delays(walk(start)))).toEqual(new Set([Number.POSITIVE_INFINITY]));
  });

  test('§6 a shutdown ends a running job with an error and a cancelled one as cancelled', () => {
    expect(walk(start, shutdown)).toMatchObject({ state: 'error', last: ['abortAgent', 'revoke', 'recordError'] });
    expect(walk(start, cancel, shutdown)).toMatchObject({ state: 'cancelled', last: ['revoke', 'recordCancelled'] });
  });

  test('§3 a job whose session is over is cancelled without an asker; one that was already ending goes on ending', () => {
    expect(walk(start, over)).toMatchObject({ state: 'cancelling', last: ['acknowledgeCancel', 'abortAgent'] });
    expect(walk(start, cancel, over)).toMatchObject({ state: 'cancelling', last: ['ignore'] });
    expect(delays(walk(start, cancel, over))).toEqual([]);
  });

  test('§6 a settled job tells whose end it was', () => {
    expect(walk(start, returned).output).toEqual({ jobId: 'job_1' });
  });
});

describe('§6 exactly one terminal, whatever races', () => {
  const cut: JobEvent[] = [{ type: 'job.interrupted' }, { type: 'job.overdue' }];
  const everything = [
    start,
    cancel,
    returned,
    failed,
    shutdown,
    over,
    ...cut,
    overlong,
    graceOver,
    { type: 'unheard-of' },
  ];

  test('§6 every path of up to four events through the chart has one terminal if it ended, and none if it did not', () => {
    let ended = 0;
    const explore = (snapshot: Snapshot, effects: string[], depth: number) => {
      const count = terminalsIn(effects).length;
      expect(count).toBe(snapshot.status === 'done' ? 1 : 0);
      ended += count;
      if (depth === 0) return;
      for (const event of everything) {
        const [next, actions] = step(snapshot, event);
        explore(next, [...effects, ...actions.map((action) => action.type)], depth - 1);
      }
    };
    const [pending] = initialTransition(jobMachine, input);
    explore(pending, [], 4);
    expect(ended).toBeGreaterThan(50);
  });

  test('§6 after the end nothing is done any more', () => {
    for (const end of [returned, failed, overlong, shutdown]) {
      for (const late of everything) {
        const { state, effects, last } = walk(start, end, late);
        expect(state).toBe(walk(start, end).state);
        expect(terminalsIn(effects)).toHaveLength(1);
        expect(last.filter((effect) => effect !== 'ignore')).toEqual([]);
      }
    }
  });

  test('§6 an agent that settles while its cancel is pending does not turn the cancel into a result', () => {
    expect(terminalsIn(walk(start, cancel, returned).effects)).toEqual(['recordCancelled']);
  });

  test('§6 the time limit of a job that is being cancelled is past: it ends as cancelled', () => {
    expect(walk(start, cancel, overlong)).toMatchObject({ state: 'cancelling' });
  });
});

describe('the chart answers everything', () => {
  test('what a state has no use for is ignored by name, never dropped in silence', () => {
    for (const path of [[], [start], [start, cancel]]) {
      const before = walk(...path).state;
      expect(walk(...path, { type: 'job.unheard-of' })).toMatchObject({ state: before, last: ['ignore'] });
    }
    expect(walk(returned)).toMatchObject({ state: 'pending', last: ['ignore'] });
  });
});
