import { expect, test } from 'vitest';
import { runConformance } from '../../../src/conformance/kit/index.ts';
import { tokens } from '../../support/runtime.ts';
import { type Fault, faultyServer } from './faulty.ts';

// Runtimes have read the protocol in more than one way: the kit finds out, and checks them in their own words.

const checks = ['ENV-10', 'RES-0', 'TOK', 'CLS', 'BYE', 'CAN-01', 'walks'];

/** Ours, speaking otherwise: it resumes by flat fields alone, has no close, and answers under the request's own id. */
const otherwise: Fault = {
  fromClient(frame) {
    if (frame.type === 'session.resume') return { ...frame, type: 'session.unheard_of' };
    if (frame.type === 'session.close') return { ...frame, type: 'session.unheard_of' };
    const { resume: _unknown, ...payload } = frame.payload;
    return 'resume' in frame.payload ? { ...frame, payload } : frame;
  },
  fromRuntime(frame) {
    const { request_id, reply_to: _too, ...payload } = frame.payload;
    return request_id === undefined ? frame : { ...frame, payload };
  },
};

test('a runtime that resumes by flat fields, has no close and answers under the request id is checked as such', async () => {
  const url = await faultyServer(otherwise);
  const report = await runConformance(url, { token: tokens.alice, secondToken: tokens.bob, only: checks });
  expect(report.profile).toMatchObject({
    resume: 'hello with flat fields',
    understands: ['hello with flat fields'],
    close: null,
    bye: 'session.bye',
    correlation: 'id',
  });
  expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
  const skipped = report.results.filter(({ status }) => status === 'skipped').map(({ id }) => id);
  expect(skipped).toEqual(['CLS-01', 'CLS-02', 'CLS-03']);
}, 60_000);

test('a runtime whose answers name no request is taken at its order, and told that this is broken', async () => {
  let count = 0;
  const url = await faultyServer({
    fromRuntime(frame) {
      const { request_id, reply_to: _too, ...payload } = frame.payload;
      count += 1;
      return request_id === undefined ? frame : { ...frame, id: `msg_${count}`, payload };
    },
  });
  const report = await runConformance(url, { token: tokens.alice, secondToken: tokens.bob, only: checks });
  expect(report.profile.correlation).toBe('order');
  expect(report.results.filter(({ status }) => status === 'failed').map(({ id }) => id)).toEqual(['ENV-10']);
}, 60_000);
