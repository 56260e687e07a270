const subscription = 'src/watching/subscription.ts';
const subscriptions = 'src/watching/subscriptions.ts';
const history = 'src/watching/history.ts';
const listing = 'src/watching/listing.ts';

/** Who watches a job of another session, also over a restart (§7.6); what is listed (§6.6). */
export const watchingMutants = [
  [
    'everybody may watch, and list, everything',
    [
      'src/policy.ts',
      "return job.principal === principal || this.#allows(principal, 'observe', job);",
      'return job !== principal;',
    ],
  ],
  [
    'an event is passed on twice',
    [
      subscription,
      'session.tellLag(this);\n',
      'session.tellLag(this);\n    if (entry.place % 5 === 0) session.log.append(frameHead(entry.type, this.#envelope), frameTail(payload));\n',
    ],
  ],
  [
    'who watches gets what it has not negotiated',
    [subscription, "  if (type !== 'job.event') return true;\n", '  if (type) return true;\n'],
  ],
  [
    'a streamed result is not put together for who takes no chunks',
    [
      subscription,
      "session.features.has('result_chunk') ? entry.payload : inlined(entry, history)",
      'history && entry.payload',
    ],
  ],
  [
    'who watches is forgotten while its socket is full',
    [subscription, 'if (connection) void (isKept', 'if (!connection) void (isKept'],
  ],
  [
    'who watches does not go on when it comes back',
    [
      'src/session.ts',
      'of this.subscriptions.values()) subscription.resume();',
      'of this.subscriptions.values()) void subscription;',
    ],
  ],
  [
    'who watches is passed on to before it is welcomed again',
    [
      'src/session.ts',
      "if (!this.features.has('subscribe')) this.endSubscriptions();",
      'for (const subscription of this.subscriptions.values()) subscription.resume();',
    ],
  ],
  [
    'an end to watching is not heeded',
    [subscriptions, '    this.#stop(session.subscriptions.get(namedJob(frame)));', '    namedJob(frame, session);'],
  ],
  [
    'a second subscription leaves the first where it is',
    [subscriptions, '    this.#stop(session.subscriptions.get(job.id));', '    void job;'],
  ],
  [
    'history begins one event too late',
    [
      subscriptions,
      'replayed ? history.after(fromSeq) : history.end',
      'replayed ? history.after(fromSeq + 1) : history.end',
    ],
  ],
  [
    'what is left out of the submitting session’s stream is lost for those who watch',
    [history, '    this.#keep(Math.min(place, this.newestSeq + 1 - smallStep), frame);', '    void [frame, place];'],
  ],
  [
    'watching ends with the process',
    ['src/records/recovery.ts', 'subscriptions.restore(session, job, record);', "ledger.delete('subscription', id);"],
  ],
  [
    'watching begins anew with the process',
    [subscriptions, 'place: Math.min(fromSeq, job.history.foundSeq)', 'place: Math.min(fromSeq, 0)'],
  ],
  [
    'watching that waits for the disk cannot be ended',
    [
      subscription,
      "if (this.#state !== 'unread' && this.#state !== 'reading') return;",
      "if (this.#state === 'idle') return;",
    ],
  ],
  [
    'what the submitting session alone was told is passed on by the next process',
    ['src/watching/stored-history.ts', ' && !isNote(frame)', ''],
  ],
  [
    'the history of a job has the numbers of what others said as it was found',
    [
      'src/jobs/jobs.ts',
      '{ id, record, newestSeq: foundSeq }',
      '{ id, record, newestSeq: Math.max(foundSeq, session.log.newestSeq) }',
    ],
  ],
  [
    'an ended job is not listed',
    [listing, '    if (!isWanted(job)) continue;\n', "    if (!isWanted(job) || job.status !== 'running') continue;\n"],
  ],
  ['a listing does not say that there is more', [listing, 'page.last === undefined ? null', 'page.last ? null']],
];
