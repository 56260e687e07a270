const chart = 'machines/session.ts';
const setup = 'machines/session.setup.ts';
const effects = 'src/effects.ts';
const registry = 'src/registry.ts';
const connection = 'src/connections/connection.ts';
const heartbeat = 'src/connections/heartbeat.ts';

/** How a session begins, is lost, waits and ends (§6.1, §6.3, §6.4, §6.7). */
export const sessionMutants = [
  [
    'window counted from the welcome',
    [chart, '    attached: {\n', "    attached: {\n      after: { resumeWindowMs: 'expired' },\n"],
  ],
  [
    'window timer not cancelled on resume',
    [
      effects,
      '      session.connection?.release();\n      session.connect(undefined);\n    },\n    dropLog',
      '      session.connection?.release();\n      session.connect(undefined);\n      settings.clock.setTimeout(() => { if (world.registry().byId(session.id)) { session.log.drop(); world.registry().forget(session); session.actor.stop(); } }, resumeWindowMs);\n    },\n    dropLog',
    ],
  ],
  [
    'window of twice its length',
    [setup, 'context.windowLeftMs ?? context.resumeWindowMs,', 'context.windowLeftMs ?? context.resumeWindowMs * 2,'],
  ],
  [
    'window never ends',
    [chart, 'resumeWindowMs: [{ guard', 'handshakeTimeoutMs: [{ guard'],
    [
      setup,
      'handshakeTimeoutMs: ({ context }) => context.handshakeTimeoutMs',
      'handshakeTimeoutMs: ({ context }) => (context.principal === null ? context.handshakeTimeoutMs : Number.POSITIVE_INFINITY)',
    ],
  ],
  [
    'drop treated as bye',
    [chart, "'transport.lost': 'detached',", "'transport.lost': { target: 'closed', actions: 'cancelJobs' },"],
  ],
  [
    'drop cancels jobs',
    [chart, "'transport.lost': 'detached',", "'transport.lost': { target: 'detached', actions: 'cancelJobs' },"],
  ],
  [
    'close code 1000 taken for a goodbye',
    [
      connection,
      "    if (this.session.connection === this) this.session.actor.send({ type: 'transport.lost', code });",
      "    if (this.session.connection !== this) return;\n    if (code === 1000) this.session.actor.send({ type: 'session.bye', asker: { connectionId: this.id, requestId: '' } });\n    else this.session.actor.send({ type: 'transport.lost', code });",
    ],
  ],
  [
    'close ends the session',
    [chart, "'session.close': { target: 'detached', actions", "'session.close': { target: 'closed', actions"],
  ],
  [
    'close cancels jobs',
    [
      chart,
      "'session.close': { target: 'detached', actions: ['sayClosed', 'closeGoodbye']",
      "'session.close': { target: 'detached', actions: ['sayClosed', 'closeGoodbye', 'cancelJobs']",
    ],
  ],
  [
    'close is not answered',
    [
      chart,
      "'session.close': { target: 'detached', actions: ['sayClosed', ",
      "'session.close': { target: 'detached', actions: [",
    ],
  ],
  [
    'bye left resumable',
    [
      chart,
      "target: 'closed', actions: ['sayClosed', 'closeGoodbye', 'cancelJobs']",
      "target: 'detached', actions: ['sayClosed', 'closeGoodbye', 'cancelJobs']",
    ],
    [
      chart,
      "{ target: 'closed', actions: ['sayClosed', 'closeGoodbye'] }",
      "{ target: 'detached', actions: ['sayClosed', 'closeGoodbye'] }",
    ],
  ],
  ['onBye ignored: always cancels', [setup, "context.onBye === 'cancel'", 'true || context.onBye']],
  ['onBye ignored: never cancels', [setup, "context.onBye === 'cancel'", 'context.onBye === undefined']],
  ['onExpire ignored: never cancels', [setup, "context.onExpire === 'cancel'", 'context.onExpire === undefined']],
  ['onExpire ignored: always cancels', [setup, "context.onExpire === 'cancel'", 'context.onExpire !== undefined']],
  [
    'expired session resumable while its jobs run',
    [chart, "on: { 'session.resume': { actions: 'refuseExpired' }, 'job.cancel': { actions: 'forwardCancel' } },", ''],
  ],
  [
    'closed session resumable while its jobs run',
    [chart, "on: { 'session.resume': { actions: 'refuseUnknown' }, 'job.cancel': { actions: 'forwardCancel' } },", ''],
  ],
  ['a session ends with jobs unsettled', [setup, 'context.jobs.length === 0', 'context.jobs.length >= 0']],
  ['a session is never freed', [effects, 'world.registry().forget(sessionOf(moment)),', 'void sessionOf(moment),']],
  [
    'a closed session keeps its log',
    [chart, "['uncountTokens', 'detach', 'dropLog', ", "['uncountTokens', 'detach', "],
  ],
  [
    'an adopted connection’s own session is never freed',
    [chart, "        'connection.adopted': 'closed',\n", "        'connection.adopted': {},\n"],
  ],
  [
    'handshake timeout missing',
    [chart, "after: { handshakeTimeoutMs: { target: 'closed', actions: 'closeSilent' } },\n", ''],
  ],
  [
    'handshake timeout goes on after the welcome',
    [chart, '    attached: {\n', "    attached: {\n      after: { handshakeTimeoutMs: 'detached' },\n"],
  ],
  ['heartbeat never lost', [heartbeat, 'if (nowMs - options.lastInMs() >= 2 * intervalMs) {', 'if (nowMs < 0) {']],
  ['heartbeat lost after one interval', [heartbeat, '>= 2 * intervalMs) {', '>= intervalMs) {']],
  [
    'heartbeat loss ends the session',
    [chart, "'heartbeat.lost': { target: 'detached'", "'heartbeat.lost': { target: 'closed'"],
  ],
  [
    'heartbeat loss leaves the socket open',
    [
      chart,
      "'heartbeat.lost': { target: 'detached', actions: 'closeHeartbeatLost' }",
      "'heartbeat.lost': { target: 'detached' }",
    ],
  ],
  [
    'only pongs prove life',
    [
      connection,
      '    this.#lastInMs = this.#options.settings.clock.uptime();\n    if (typeof data',
      "    if (String(data).includes('session.pong')) this.#lastInMs = this.#options.settings.clock.uptime();\n    if (typeof data",
    ],
  ],
  ['no pings', [heartbeat, '      options.ping();\n', '']],
  [
    'heartbeat timer left behind',
    [connection, '  release(): void {\n    this.#stopHeartbeat();', '  release(): void {'],
  ],
  [
    'stall timer left behind',
    [
      connection,
      '    this.#stopStallWatch?.();\n    this.#stopStallWatch = undefined;\n    this.#roomFound();',
      '    this.#roomFound();',
    ],
  ],
  [
    'a nonsense frame detaches the session',
    [
      chart,
      "'token.proven': {",
      "'frame.malformed': { target: 'detached', actions: 'refuse' },\n        'token.proven': {",
    ],
  ],
  [
    'a second hello signs in anew',
    [chart, "'token.proven': {", "'frame.unexpected': { actions: 'open' },\n        'token.proven': {"],
    [
      effects,
      "if (moment.event.type !== 'session.hello') return;\n      const { principal } = moment.event;",
      "const principal = moment.event.type === 'session.hello' ? moment.event.principal : 'somebody-else';",
    ],
  ],
  [
    'a failed session takes its principal’s others along',
    [
      registry,
      '        this.forget(session);\n        this.#failed(session);',
      '        for (const other of this.all()) if (other.principal === session.principal) { this.forget(other); this.#failed(other); }',
    ],
  ],
  [
    'a failed session leaves its socket open',
    [registry, "        session.connection?.close(closeCodes.internal, 'internal error');\n", ''],
  ],
  ['a failed session leaves its jobs running', [registry, '        this.#failed(session);\n', '']],
];
