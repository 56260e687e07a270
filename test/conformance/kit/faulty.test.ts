import { expect, test } from 'vitest';
import { type ConformanceReport, runConformance, summaryText } from '../../../src/conformance/kit/index.ts';
import { tokens } from '../../support/runtime.ts';
import { type Fault, faults, faultyServer } from './faulty.ts';

// The kit against servers that are broken on purpose: it names what is broken, in words a stranger understands.

function check(url: string, only: readonly string[]): Promise<ConformanceReport> {
  return runConformance(url, { token: tokens.alice, secondToken: tokens.bob, only, patienceMs: 2000 });
}

const broken: readonly { fault: keyof typeof faults; id: string; says: RegExp }[] = [
  {
    fault: 'does not look at whose resume token it is',
    id: 'TOK-01',
    says: /a resume with another principal's resume token has to be refused with PERMISSION_DENIED; it was answered with session\.welcome/,
  },
  {
    fault: 'lets every old token in',
    id: 'TOK-04',
    says: /a resume token whose successor has been used has to be refused with RESUME_WINDOW_EXPIRED; it was answered with session\.welcome/,
  },
  {
    fault: 'refuses a client that has missed nothing',
    id: 'RES-02',
    says: /a resume at \d+ with a good token was answered with session\.error RESUME_WINDOW_EXPIRED/,
  },
  {
    fault: 'loses an event in the replay',
    id: 'RES-03',
    says: /after a resume at 3: event_seq 5 is missing; the numbers were 4, 6/,
  },
  { fault: 'replays with a new time', id: 'RES-05', says: /event_seq 1 was first/ },
  {
    fault: 'sends the last event twice after a resume',
    id: 'RES-03',
    says: /event_seq 4 came twice or out of order/,
  },
  {
    fault: 'cancels the jobs of a connection that drops',
    id: 'DRP-03',
    says: /the job did not live on: job\.error CANCELLED/,
  },
  { fault: 'takes close code 1000 for a goodbye', id: 'DRP-01', says: /RESUME_WINDOW_EXPIRED/ },
  {
    fault: 'leaves a session resumable after its bye',
    id: 'BYE-02',
    says: /a resume after a bye, which ended the session for good, has to be refused/,
  },
  { fault: 'numbers its pongs', id: 'SEQ-01', says: /a session\.pong carries event_seq 1/ },
  { fault: 'has an error code of its own', id: 'ERR-01', says: /NO_SUCH_JOB", which the protocol does not know/ },
];

test.each(broken)('a server that $fault breaks $id, and is told so', async ({ fault, id, says }) => {
  const url = await faultyServer(faults[fault]);
  const report = await check(url, [id]);
  const [result] = report.results;
  expect(result?.reason).toMatch(says);
  const text = summaryText(report);
  expect(text).toContain(`✗ ${id}`);
  expect(text, 'the frames are shown').toMatch(/#1 → \{"arcp":"1\.1"/);
  expect(text, 'and no secret with them').not.toMatch(/tok-alice|tok-bob|rt_[A-Za-z0-9_-]{8}/);
});

test('a server between client and runtime that changes nothing is not blamed', async () => {
  const nothing: Fault = {};
  const url = await faultyServer(nothing);
  const report = await check(url, ['TOK', 'RES-0', 'DRP', 'BYE', 'SEQ', 'ERR', 'walks']);
  expect(report.results.filter(({ status }) => status === 'failed')).toEqual([]);
}, 90_000);

test('the generated walks alone find a server that does not look at whose resume token it is', async () => {
  const url = await faultyServer(faults['does not look at whose resume token it is']);
  const { results } = await check(url, ['walks']);
  const failed = results.filter(({ status }) => status === 'failed');
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.map(({ reason }) => reason).join('\n')).toMatch(
    /answer: expected .*(PERMISSION_DENIED|UNAUTHENTICATED).*, saw .*session\.welcome/,
  );
});
