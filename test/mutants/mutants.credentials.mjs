const job = 'src/jobs/job.ts';

/** What jobs have of services upstream (§9.8): for whom it is, and until when. */
export const credentialMutants = [
  [
    'what a job has is shown to whoever repeats its submit',
    [job, 'session === this.session && session.features', 'session.features'],
  ],
  [
    'what an agent says is not searched for secrets',
    [job, "kind === 'result_chunk' ? said : this.secrets.hide(said)", 'said'],
  ],
  [
    'a rotated secret is kept in the log',
    [
      'src/jobs/job-frames.ts',
      'history.passed(session.log.append(head, tail(body)));',
      'history.passed(session.log.append(head, tail({ ...body, ...disclosed })));',
    ],
  ],
  [
    'a job begins for who is gone by then',
    [
      'src/credentials/issuing.ts',
      'if (connection.session.connection !== connection) void this.#credentials.revoke(job);',
      'if (!connection) void this.#credentials.revoke(job);',
    ],
  ],
  [
    'of two equal submits both are issued for',
    [
      'src/credentials/issuing.ts',
      'return keyed && this.#pendingByKey.get(keyed.key);',
      "return keyed && this.#pendingByKey.get('');",
    ],
  ],
  [
    'a revocation that failed is not tried again',
    [
      'src/credentials/revocations.ts',
      "        log.warn(fields, 'a credential could not be revoked; it is tried again');\n",
      "        log.warn(fields, 'a credential could not be revoked; it is tried again');\n        break;\n",
    ],
  ],
  [
    'what an earlier process has left is not revoked',
    [
      'src/credentials/revocations.ts',
      '      this.#outstanding.set(id, { jobId, revoked: undefined });\n      void this.revoke(id, jobId);\n',
      '      this.#outstanding.set(id, { jobId, revoked: undefined });\n',
    ],
  ],
  [
    'a job goes on although it could be issued nothing',
    ['src/jobs/jobs.ts', 'const fate = issued ? fateOf(', 'const fate = issued !== null ? fateOf('],
  ],
  [
    'a job of a session that failed waits for its revocation',
    [
      'src/jobs/jobs.ts',
      "for (const type of ['runtime.shutdown', 'credentials.revoked'] as const)",
      "for (const type of ['runtime.shutdown'] as const)",
    ],
  ],
];
