const chart = 'machines/job.ts';
const setup = 'machines/session.setup.ts';
const effects = 'src/jobs/job-effects.ts';
const job = 'src/jobs/job.ts';

/** Jobs: accepted once, ended once, by a cause (§7). */
export const jobMutants = [
  ['an accepted job is not run', [chart, "entry: 'startAgent',", "entry: 'ignore',"]],
  [
    'terminal lost while detached',
    [
      'src/jobs/job-frames.ts',
      '    settings.tally.jobEvents += 1;\n    const eventSeq',
      '    if (!session.connection) return;\n    settings.tally.jobEvents += 1;\n    const eventSeq',
    ],
  ],
  [
    'job ends twice: a cancelled one, and then its agent',
    [
      effects,
      "if (job.status === 'running') moment.self.send(event);",
      "if (job.status === 'running') moment.self.send(event);\n        else if (job.status === 'cancelled') job.recordResult();",
    ],
  ],
  [
    'job ends twice: a timed out one, and then its agent',
    [
      effects,
      "if (job.status === 'running') moment.self.send(event);",
      "if (job.status === 'running') moment.self.send(event);\n        else if (job.status === 'timed_out') job.recordError('error', 'INTERNAL_ERROR', 'the agent failed');",
    ],
  ],
  [
    'job.cancel lost after resume',
    [
      'src/jobs/jobs.ts',
      '      mayCancel,\n',
      '      mayCancel: mayCancel && session.tokens?.previous === undefined && connection.id === job.accepted.lease.by?.[0],\n',
    ],
    [
      'src/jobs/jobs.ts',
      '      ...granted(authority),',
      '      ...granted(authority),\n      lease: { by: [connection.id] },',
    ],
  ],
  ['any session of the principal may cancel', [setup, "event.type === 'job.cancel' && event.mayCancel", 'true']],
  [
    'any principal may cancel',
    ['src/policy.ts', 'if (!job || !this.mayObserve(principal, job)) {', 'if (!job) {'],
    ['src/policy.ts', 'if (job.principal === principal) return false;', 'if (job) return false;'],
    [setup, "event.type === 'job.cancel' && event.mayCancel", 'true'],
  ],
  [
    'jobs of an ended session can be cancelled by nobody',
    [
      'machines/session.ts',
      "{ actions: 'refuseUnknown' }, 'job.cancel': { actions: 'forwardCancel' } },",
      "{ actions: 'refuseUnknown' } },",
    ],
    [
      'machines/session.ts',
      "{ actions: 'refuseExpired' }, 'job.cancel': { actions: 'forwardCancel' } },",
      "{ actions: 'refuseExpired' } },",
    ],
  ],
  [
    'session.over is not told to the jobs of a session that ends with them',
    [
      setup,
      "for (const jobId of context.jobs) enqueue.sendTo(jobId, { type: 'session.over' });",
      'void [enqueue, context];',
    ],
  ],
  ['session.over is not heeded by a job', [chart, "        'session.over': 'cancelling',\n", '']],
  [
    'session.over gives a job that is ending its grace anew',
    [
      chart,
      "'runtime.shutdown': 'revoking.stopped',",
      "'runtime.shutdown': 'revoking.stopped',\n        'session.over': { target: 'cancelling', reenter: true },",
    ],
  ],
  ['cancel is not acknowledged', [chart, "entry: ['acknowledgeCancel', 'abortAgent'],", "entry: ['abortAgent'],"]],
  [
    'cancel is told the agent too late',
    [chart, "entry: ['acknowledgeCancel', 'abortAgent'],", "entry: ['acknowledgeCancel'],\n      exit: 'abortAgent',"],
  ],
  [
    'a cancelled job that returns has succeeded',
    [chart, "        'agent.returned': 'revoking.stopped',", "        'agent.returned': 'revoking.returned',"],
  ],
  ['events after the cancel still come', [job, ' || this.abort.signal.aborted;', ';']],
  ['no cancel grace: ends only with its agent', [chart, "      after: { cancelGraceMs: 'revoking.stopped' },\n", '']],
  [
    'max_runtime_sec is ignored',
    [chart, "        maxRuntimeMs: { target: 'revoking.overdue', actions: 'abortAgent' },\n", ''],
  ],
  [
    'a timeout does not stop the agent',
    [chart, "{ target: 'revoking.overdue', actions: 'abortAgent' }", "'revoking.overdue'"],
  ],
  [
    'an ended job is still counted',
    [
      setup,
      'context.jobs.filter((jobId) => jobId !== childOf(event))',
      'context.jobs.filter((jobId) => jobId !== childOf(event) || jobId.length > 0)',
    ],
  ],
  [
    'a job of another session ends with this one',
    [
      'src/jobs/jobs.ts',
      'if (job.session !== session) continue;',
      'if (job.session.principal !== session.principal) continue;',
    ],
  ],
  [
    'an ended job is forgotten at once',
    [
      'src/jobs/known-jobs.ts',
      '    this.#ended.set(id, ended);\n    this.#ofSession.get(sessionId)?.set(id, ended);\n',
      '    void ended;\n',
    ],
  ],
  [
    'a failed agent is told as a success',
    [chart, "'agent.failed': 'revoking.failed'", "'agent.failed': 'revoking.returned'"],
  ],
  [
    'the terminal does not wait for the revocation',
    ['src/jobs/jobs.ts', 'fate },\n      credentials: job.credentials.length,', 'fate },\n      credentials: 0,'],
    [
      'src/jobs/jobs.ts',
      'leaseExpiryMs(job.authority, this.#settings.clock),\n      credentials: job.credentials.length,',
      'leaseExpiryMs(job.authority, this.#settings.clock),\n      credentials: 0,',
    ],
  ],
  [
    'a revocation that hangs holds the terminal back for ever',
    [chart, "      after: { revocationGraceMs: { actions: ['reportUnrevoked', 'uncountCredentials'] } },\n", ''],
  ],
  [
    'that it is revoked is not heard',
    [chart, "        'credentials.revoked': { actions: 'uncountCredentials' },\n", ''],
  ],
  [
    'a cancel that comes too late is acknowledged',
    [chart, "'job.cancel': { actions: 'refuseLateCancel' }", "'job.cancel': { actions: 'acknowledgeCancel' }"],
  ],
  [
    'a job that is timed out is told as a success, once its credential is revoked',
    [chart, "target: '#job.timed_out', actions: 'recordTimeout'", "target: '#job.success', actions: 'recordResult'"],
  ],
];
