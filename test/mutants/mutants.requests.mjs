const handshake = 'src/connections/handshake.ts';
const idempotency = 'src/jobs/idempotency.ts';
const jobs = 'src/jobs/jobs.ts';
const results = 'src/jobs/results.ts';
const runtime = 'src/runtime.ts';
const chart = 'machines/session.ts';

/** Who asks, told late (§6.1); what is asked twice (§7); what is streamed (§8); and the end of the runtime (§6.7). */
export const requestMutants = [
  [
    'a late authenticator is heeded for a connection that is gone',
    [handshake, 'if (connection.session.connection === connection) proceed(identity);', 'proceed(identity);'],
  ],
  ['what waits for an authenticator is lost', [handshake, '      release();\n', '']],
  [
    'what waited for an authenticator proves the new token',
    [
      'src/connections/connection.ts',
      "const sent = isWelcomed ? 'after welcome' : 'before welcome';",
      "const sent = 'after welcome';",
    ],
  ],
  [
    'an authenticator that rejects lets everybody in',
    [
      handshake,
      "log.error({ err: error }, 'the authenticator failed');\n    return null;",
      "log.error({ err: error }, 'the authenticator failed');\n    return { principal: 'ann' };",
    ],
  ],
  ['an equal submit runs again', [jobs, 'if (!accepted) return false;', 'if (accepted !== null) return false;']],
  [
    'idempotency keys are everybody’s',
    [idempotency, '[principal, submit.idempotency_key]', '[submit.idempotency_key]'],
  ],
  [
    'an idempotency key answers whatever it is used for',
    [idempotency, 'kept.parameters.equals(fingerprint(submit))', 'kept.parameters'],
  ],
  [
    'the order of an input’s names makes it another',
    [idempotency, 'isObject(value) ? sorted(value) : value', 'isObject(value) ? value : value'],
  ],
  [
    'max_runtime_sec does not make a submit another',
    [
      idempotency,
      'const parameters = { agent, input, lease_request, lease_constraints, max_runtime_sec };',
      'const parameters = { agent, input, lease_request, lease_constraints };',
    ],
  ],
  [
    'idempotency keys are forgotten when a job ends',
    [jobs, '    if (this.#live.delete(job.id))', '    this.keys.clear();\n    if (this.#live.delete(job.id))'],
  ],
  ['chunks are numbered from 1', [results, '#chunkSeq = 0;', '#chunkSeq = 1;']],
  ['the last chunk promises more', [results, 'Buffer.alloc(0), false)', 'Buffer.alloc(0), true)']],
  ['result_size is a byte short', [results, 'resultSize: this.#bytes,', 'resultSize: this.#bytes - 1,']],
  [
    'chunks are sent to who has not negotiated them',
    [
      results,
      "if (!job.session.features.has('result_chunk')) this.#gathered = [];\n    else if (job.parent)",
      'if (job.parent)',
    ],
  ],
  [
    'a streamed result that was never ended is a success',
    [results, "if (!this.#ending) throw new Error('the streamed result was never ended');", ''],
  ],
  [
    'a chunk that could not be kept is forgiven',
    [results, 'throw this.#violated(error instanceof Error ? error : new Error(String(error)));', 'throw error;'],
  ],
  [
    'a shutdown does not wait for agents',
    [runtime, 'await within(ledger.durable ? settings.drainMs : settings.cancelGraceMs, settled);', 'void settled;'],
  ],
  [
    'a shutdown waits for agents without an end',
    [
      runtime,
      'await within(ledger.durable ? settings.drainMs : settings.cancelGraceMs, settled);',
      'await Promise.all(settled);',
    ],
  ],
  [
    'clients are not told of a shutdown',
    [chart, "actions: ['closeShutdown', 'abandonJobs'] }", "actions: ['abandonJobs'] }"],
  ],
  [
    'a shutdown leaves the jobs of detached sessions running',
    [chart, "    'runtime.shutdown': { actions: 'abandonJobs' },\n", "    'runtime.shutdown': {},\n"],
  ],
  [
    'connections are taken while shutting down',
    [runtime, "    if (phase === 'closing') return transport.close(closeCodes.shutdown, 'shutdown');\n", ''],
  ],
  ['a shutdown leaves sessions behind', [runtime, '    registry.clear();\n', '']],
  [
    'a client is told to come back to a runtime that keeps nothing',
    ['src/effects.ts', 'resumable: store.durable', 'resumable: !store.durable'],
  ],
];
