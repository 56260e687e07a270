const connection = 'src/connections/connection.ts';
const log = 'src/log.ts';
const session = 'src/session.ts';

/** The numbered stream: gapless, once, freed when acknowledged, paced (§6.3, §6.5). */
export const deliveryMutants = [
  [
    'gap in replay: begins one too late',
    [
      'src/connections/handshake.ts',
      'connection.cursor = wish.cursor;',
      'connection.cursor = wish.cursor && Math.min(wish.cursor + 1, session.log.newestSeq);',
    ],
  ],
  [
    'replay from the beginning, whatever the cursor',
    [
      'src/connections/handshake.ts',
      'connection.cursor = wish.cursor;',
      'connection.cursor = Math.min(wish.cursor, session.log.oldestSeq - 1);',
    ],
  ],
  [
    'no replay',
    ['src/connections/handshake.ts', 'connection.cursor = wish.cursor;', 'connection.cursor = session.log.newestSeq;'],
  ],
  [
    'duplicate at the seam of replay and live',
    [
      connection,
      "      session.actor.send({ type: 'replay.caughtUp' });",
      "      session.actor.send({ type: 'replay.caughtUp' });\n      if (this.cursor > 0) this.cursor -= 1;",
    ],
  ],
  [
    'gap at the seam of replay and live',
    [
      connection,
      'while (this.cursor < log.durableSeq) {',
      'while (this.cursor < Math.min(log.durableSeq, this.#replayUntil)) {',
    ],
    [
      connection,
      '      this.#replayUntil = Number.POSITIVE_INFINITY;\n',
      '      this.#replayUntil = Number.POSITIVE_INFINITY;\n      this.cursor = log.newestSeq;\n',
    ],
  ],
  [
    'what is emitted while detached is lost',
    [
      log,
      '    this.#frames.push(text);',
      '    if (!this.reader && tail.includes(\'"kind"\')) return eventSeq;\n    this.#frames.push(text);',
    ],
  ],
  [
    'what is emitted while detached is not numbered',
    ['src/jobs/job.ts', 'if (this.isEnding) return;', 'if (this.isEnding || !this.session.connection) return;'],
  ],
  [
    'seq reused after resume',
    [
      'src/effects.ts',
      '      session.connect(connection);',
      '      if (candidate !== session && connection.cursor < session.log.newestSeq) session.log.rewind();\n      session.connect(connection);',
    ],
    [
      log,
      '  /** Frees everything and keeps nothing more',
      '  rewind(): void {\n    this.#frames.pop();\n    this.#newestSeq -= 1;\n  }\n\n  /** Frees everything and keeps nothing more',
    ],
  ],
  [
    'seq begins anew with each connection',
    [
      session,
      '    this.log.reader = connection;',
      '    this.log.reader = connection;\n    if (connection) this.log.restart();',
    ],
    [
      log,
      '  /** Frees everything and keeps nothing more',
      '  restart(): void {\n    this.#newestSeq = 0;\n    this.#frames = [];\n    this.#head = 0;\n  }\n\n  /** Frees everything and keeps nothing more',
    ],
  ],
  [
    'a replay is written anew: other ids',
    [
      log,
      "const text = this.#frames[index] ?? '';",
      "const text = (this.#frames[index] ?? '').replace(/msg_(.)/, () => 'msg_' + (again++ % 10));",
    ],
    [log, '/** How much a session', 'let again = 0;\n/** How much a session'],
  ],
  [
    'ack trims too much',
    [
      log,
      'while (this.#trimmedSeq < throughSeq)',
      'while (this.#trimmedSeq < throughSeq + 1 && this.#trimmedSeq < this.#newestSeq)',
    ],
  ],
  ['ack never trims', [session, '    this.log.trim(Math.min(seq, this.connection?.cursor ?? 0));\n', '']],
  [
    'ack beyond the newest is believed',
    [session, ' || seq > this.log.newestSeq) return;', ') return;'],
    [
      log,
      'if (throughSeq > this.#newestSeq || throughSeq <= this.#trimmedSeq) return;',
      'if (throughSeq <= this.#trimmedSeq) return;',
    ],
    [session, 'Math.min(seq, this.connection?.cursor ?? 0)', 'Math.min(seq, this.log.newestSeq)'],
  ],
  [
    'unacked freed as soon as it was written',
    [
      connection,
      '      this.cursor += batch.length;',
      '      this.cursor += batch.length;\n      log.trim(this.cursor);',
    ],
  ],
  [
    'unacked freed on detach',
    [
      'src/effects.ts',
      '      session.connect(undefined);\n    },\n    dropLog',
      '      session.log.trim(session.connection?.cursor ?? 0);\n      session.connect(undefined);\n    },\n    dropLog',
    ],
  ],
  ['buffer limit ignored', [log, 'this.#newestSeq - this.#trimmedSeq > this.#limits.bufferEvents ||', 'count < 0 ||']],
  [
    'a gap where the buffer overflowed',
    [
      connection,
      "      if (batch.length === 0) return session.actor.send({ type: 'consumer.stalled' });",
      '      if (batch.length === 0) {\n        this.cursor = log.oldestSeq - 1;\n        continue;\n      }',
    ],
  ],
  [
    'slow consumer never detached',
    [
      'src/connections/stall.ts',
      'if (options.unsentBytes() === 0) options.ended();',
      'if (options.unsentBytes() >= 0) options.ended();',
    ],
  ],
  ['a slow consumer that moves is detached', ['src/connections/stall.ts', 'options.drains() === drainsBefore && ', '']],
  [
    'a slow consumer loses its session',
    ['machines/session.ts', "'consumer.stalled': { target: 'detached'", "'consumer.stalled': { target: 'closed'"],
  ],
  [
    'delivery is not paced',
    [connection, 'if (roomBytes <= 0) return this.#pause();', ''],
    [connection, 'Math.min(roomBytes, batchBytesMax)', 'batchBytesMax'],
  ],
  [
    'a drained socket is forgotten',
    [connection, "    this.#pumping = 'idle';\n    this.#pump();", "    this.#pumping = 'idle';"],
  ],
  [
    'back pressure is never told',
    ['src/jobs/job.ts', 'if (eventSeq >= this.session.lagsFromSeq) this.session.tellLag(this.frames);', ''],
  ],
  [
    'back pressure is told with every event',
    [
      session,
      '    this.lagsFromSeq = Number.POSITIVE_INFINITY;\n    job.note',
      '    const { lagsFromSeq } = this;\n    this.lagsFromSeq = Number.POSITIVE_INFINITY;\n    queueMicrotask(() => { this.lagsFromSeq = lagsFromSeq; });\n    job.note',
    ],
  ],
  [
    'feature filter costs a number',
    [
      'src/jobs/job-context.ts',
      "this.#job.emit('progress', body, this.#job.session.features.has('progress') ? 'everyone' : 'subscribers');",
      "if (this.#job.session.features.has('progress')) this.#job.emit('progress', body);\n    else this.#job.session.log.append('{\"event_seq\":', '}');",
    ],
  ],
  [
    'features that were not negotiated are sent',
    [
      'src/jobs/job-context.ts',
      "this.#job.emit('progress', body, this.#job.session.features.has('progress') ? 'everyone' : 'subscribers');",
      "this.#job.emit('progress', body);",
    ],
  ],
  [
    'frames of one session go to another',
    [
      'src/jobs/job.ts',
      '`);\n    this.settings.tally.jobEvents += 1;\n    const { log } = this.session;',
      '`);\n    this.settings.tally.jobEvents += 1;\n    const log = Job.newest?.log ?? this.session.log;',
    ],
    [
      'src/jobs/job.ts',
      '  readonly id: string;\n  readonly session: Session;\n  readonly agent: Agent;\n  readonly input: unknown;\n  readonly traceId: string | undefined;\n  readonly accepted: AcceptedPayload;\n  readonly authority',
      '  static newest: Session | undefined;\n  readonly id: string;\n  readonly session: Session;\n  readonly agent: Agent;\n  readonly input: unknown;\n  readonly traceId: string | undefined;\n  readonly accepted: AcceptedPayload;\n  readonly abort',
    ],
    [
      'src/jobs/job.ts',
      '    this.session = options.session;',
      '    this.session = options.session;\n    Job.newest = options.session;',
    ],
  ],
  [
    'what one event takes the room of is freed before its reader had it',
    [
      'src/log.ts',
      '    while (this.#overflows()) {\n      this.reader?.hurry();\n',
      '    this.reader?.hurry();\n    while (this.#overflows()) {\n',
    ],
  ],
];
