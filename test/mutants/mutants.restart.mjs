const effects = 'src/effects.ts';
const record = 'src/records/job-record.ts';
const registry = 'src/registry.ts';

/** What the next process makes of what it finds (§3, Crash). */
export const restartMutants = [
  [
    'a session that was attached is not written down',
    [effects, "      world.registry().keep(session, 'attached');\n", ''],
  ],
  [
    'a session that was detached is found as if it had been attached',
    [
      effects,
      'world.registry().keep(sessionOf(moment), state);',
      "world.registry().keep(sessionOf(moment), 'attached');",
    ],
  ],
  [
    'a window begins anew with each process',
    ['machines/session.setup.ts', 'context.windowLeftMs ?? context.resumeWindowMs,', 'context.resumeWindowMs,'],
  ],
  [
    'the time of earlier processes does not count',
    [
      'src/records/ledger.ts',
      'return this.#offsetMs + this.#options.clock.uptime();',
      'return this.#options.clock.uptime();',
    ],
  ],
  ['a session is not forgotten at its end', [registry, "    this.#ledger.delete('session', session.id);\n", '']],
  [
    'that a session expired is forgotten by the next process',
    [
      registry,
      "      this.#ledger.put('tombstone', key(hash), { principal, untilMs } satisfies TombstoneRecord);\n",
      '',
    ],
  ],
  [
    'the token before the newest dies with its process',
    [
      'src/records/session-record.ts',
      'if (current) session.tokens = { current, previous };',
      'if (current) session.tokens = { current, previous: previous && undefined };',
    ],
  ],
  [
    'a closed session can be resumed after a restart',
    [registry, "closed: 'session.restored.closed',", "closed: 'session.restored',"],
  ],
  [
    'an expired session can be resumed after a restart',
    [registry, "expired: 'session.restored.expired',", "expired: 'session.restored',"],
  ],
  ['a cancel that was acknowledged is forgotten', [record, "  if (cancel) return 'job.cancel';\n", '  void cancel;\n']],
  [
    'a cancel by a goodbye, or with the end of the window, is forgotten',
    ['src/jobs/job-effects.ts', " || event.type === 'session.over') {", ') {'],
  ],
  ['a job whose time is over begins again', [record, 'leftMs !== null && leftMs <= 0', 'leftMs === 0']],
  [
    'every job begins again, wanted or not',
    [record, "agent === undefined || agent.onRestart === 'fail'", 'agent === undefined'],
  ],
  ['no job begins again', [record, "agent.onRestart === 'fail' ?", "agent.onRestart !== 'restore' ?"]],
  [
    'what is promised leaves before it is kept',
    [
      'src/connections/connection.ts',
      'if (this.#outbox) this.#outbox.reply({ type, text });',
      'if (type === undefined) this.#outbox?.reply({ type, text });',
    ],
  ],
  [
    'an event leaves before it is kept',
    ['src/log.ts', 'return this.#keeper ? this.#durableSeq : this.#newestSeq;', 'return this.#newestSeq;'],
  ],
  [
    'a welcome that waits is overtaken by what the log has',
    ['src/connections/connection.ts', '    if (this.#outbox?.holdsWelcome) return;\n', ''],
  ],
  [
    'a ping overtakes a welcome that waits',
    [
      'src/connections/outbox.ts',
      'return this.holdsWelcome ? undefined : send(reply.text);',
      'return send(reply.text);',
    ],
  ],
  [
    'what comes in before a welcome has left shows that its token has arrived',
    ['src/connections/connection.ts', ' && !this.#outbox?.holdsWelcome;\n    const sent', ';\n    const sent'],
  ],
  [
    'an idempotency key dies with its process',
    ['src/jobs/idempotency.ts', "    this.#ledger.put('key', id, {", "    this.#ledger.put('key', 'lost', {"],
  ],
  [
    'an ended job is forgotten by the next process',
    ['src/records/recovery.ts', "if (status !== 'running') jobs.restoreEnded(", 'if (!status) jobs.restoreEnded('],
  ],
  [
    'a cursor is believed that no token of before the restart can have brought',
    ['src/connections/handshake.ts', 'wish.cursor > fenceSeq && wish.cursor', 'fenceSeq < 0 && wish.cursor'],
  ],
  [
    'who goes on from what is left is refused after a restart',
    ['src/connections/handshake.ts', ' && wish.cursor >= log.oldestSeq;', ';'],
  ],
  [
    'what an earlier process has written is not replayed',
    [
      'src/connections/handshake.ts',
      'if (!isBeyond && log.isCold(wish.cursor))',
      'if (!isBeyond && log.isCold(wish.cursor + 1))',
    ],
  ],
  [
    'a read that comes too late for one cursor is taken for another',
    ['src/log.ts', 'texts.length - (toSeq - this.#coldSeq));', 'texts.length);'],
  ],
];
