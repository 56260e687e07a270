const chart = 'machines/job.ts';
const session = 'machines/session.ts';

/** Leases that end, and work that is handed on (§9, §10). */
export const leaseMutants = [
  [
    'a lease does not end by itself',
    [chart, "        leaseExpiryMs: { target: 'revoking.expired', actions: 'abortAgent' },\n", ''],
  ],
  [
    'a lease that a call finds over does not end its job',
    [chart, "        'lease.expired': { target: 'revoking.expired', actions: 'abortAgent' },\n", ''],
  ],
  [
    'a job begins again after its lease has ended',
    ['src/records/job-record.ts', "  if (leaseLeftMs !== null && leaseLeftMs <= 0) return 'lease.expired';\n", ''],
  ],
  [
    'the end of a lease is told as a cancel',
    [
      chart,
      "leaseExpiryMs: { target: 'revoking.expired', actions: 'abortAgent' }",
      "leaseExpiryMs: { target: 'revoking.stopped', actions: 'abortAgent' }",
    ],
  ],
  ['a delegated job is not run', [session, "'spawnJob', 'announceJob', 'startJob'", "'spawnJob', 'announceJob'"]],
  ['a delegated job is not counted', [session, "['countJob', 'spawnJob', 'announceJob'", "['spawnJob', 'announceJob'"]],
  [
    'children outlive their parent',
    [session, "{ actions: ['dismissJob', 'uncountJob', 'tellChildren'] }", "{ actions: ['dismissJob', 'uncountJob'] }"],
  ],
  [
    'children outlive a parent that the runtime failed',
    [
      session,
      "['recordFault', 'dismissJob', 'uncountJob', 'tellChildren']",
      "['recordFault', 'dismissJob', 'uncountJob']",
    ],
  ],
  ['a child does not hear of its parent’s end', [chart, "        'parent.ended': 'cancelling',\n", '']],
  [
    'every job ends with the first',
    [
      'machines/session.setup.ts',
      'context.parents?.[jobId] === childOf(event) && !hasEnded',
      '!hasEnded && context.jobs.length > 0',
    ],
  ],
  [
    'a child goes on in the next process',
    ['src/records/job-record.ts', "  if (accepted.parent_job_id !== undefined) return 'job.interrupted';\n", ''],
  ],
];
