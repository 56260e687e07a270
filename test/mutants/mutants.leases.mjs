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
  [
    'a tool is run that the lease does not cover',
    [
      'src/leases/authority.ts',
      'if (canonical !== undefined) return canonical;',
      'if (canonical !== null) return String(target);',
    ],
  ],
  [
    'a budget that is used up is not heeded',
    ['src/leases/authority.ts', 'if (currency !== undefined)', "if (currency === '')"],
  ],
  [
    'a child may have what its parent has not',
    ['src/leases/grant.ts', '  requireSubset(lease, parent.lease);\n', '  void requireSubset;\n'],
  ],
  [
    'what a child may spend is not taken off its parent’s',
    [
      'src/leases/budget.ts',
      'this.#add(currency, new Big(amount).times(-1));',
      'this.#add(currency, new Big(amount).times(0));',
    ],
  ],
  [
    'what a child has not spent is lost',
    ['src/jobs/delegation.ts', '      child.authority.budget.settle();\n      if (end', '      if (end'],
  ],
  [
    'what a child has not spent is lost with its process',
    ['src/jobs/jobs.ts', 'job.onSettled = () => authority.budget.settle();', 'job.onSettled = () => {};'],
  ],
  [
    'a budget is whole again in the next process',
    ['src/jobs/jobs.ts', 'budget: budgetIn(parts)', 'budget: budgetIn({})'],
  ],
  [
    'a lease does not end by the time of earlier processes',
    [
      'src/leases/expiry.ts',
      'return { at, wallMs, uptimeMs: clock.uptime() + wallMs - clock.now() };',
      'return { at, wallMs: Number.POSITIVE_INFINITY, uptimeMs: wallMs };',
    ],
  ],
];
