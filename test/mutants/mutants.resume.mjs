const chart = 'machines/session.ts';
const setup = 'machines/session.setup.ts';
const registry = 'src/registry.ts';
const log = 'src/log.ts';

/** Who may resume, with which token, from where (§6.3). */
export const resumeMutants = [
  ['no principal check', [setup, 'event.principal !== context.principal', 'false']],
  ['the session id of a resume is ignored', [setup, "event.type === 'session.resume' && event.namesAnother", 'false']],
  [
    'no rotation: the welcome brings the old token again',
    [
      registry,
      `    const token = mintResumeToken();
    session.tokens = { current: fresh(token), previous: kept };`,
      `    const token = this.lastToken;
    session.tokens = { current: fresh(token), previous: kept };`,
    ],
    [registry, '  #admitted = 0;', "  #admitted = 0;\n  lastToken = '';"],
    [
      registry,
      `    const token = mintResumeToken();
    session.tokens = { current: fresh(token), previous: undefined };`,
      `    const token = mintResumeToken();
    this.lastToken = token;
    session.tokens = { current: fresh(token), previous: undefined };`,
    ],
  ],
  ['old token still good after proof', [chart, "['retirePreviousToken', 'uncountToken']", "['uncountToken']"]],
  [
    'old token good for ever',
    [registry, 'if (dead) this.#byToken.delete(key(dead.hash));', ''],
    [
      registry,
      "return { session, age: 'previous', fenceSeq: previous.fenceSeq };\n    return undefined;",
      "return { session, age: 'previous', fenceSeq: previous.fenceSeq };\n    return { session, age: 'previous', fenceSeq: Number.POSITIVE_INFINITY };",
    ],
    [registry, 'this.#byToken.delete(key(tokens.previous.hash));', ''],
  ],
  [
    'previous token dies at once: a lost welcome locks the client out',
    [
      registry,
      'session.tokens = { current: fresh(token), previous: kept };',
      'if (kept) this.#byToken.delete(key(kept.hash));\n    session.tokens = { current: fresh(token), previous: undefined };',
    ],
  ],
  [
    'after a lost welcome, the presented token dies and the lost one lives',
    [registry, ': [tokens.previous, tokens.current];', ': [tokens.current, tokens.previous];'],
  ],
  [
    'token superseded by a failed try',
    [
      'src/connections/handshake.ts',
      '  connection.cursor = wish.cursor;\n',
      '  connection.cursor = wish.cursor;\n  if (session.log.coverage(wish.cursor) !== "covered") world.registry.rotate(session, age);\n',
    ],
  ],
  [
    'a refused resume consumes the entry',
    [
      'src/effects.ts',
      "    audit({ action: 'resume', outcome: 'refused'",
      "    world.registry().forget(sessionOf(moment));\n    audit({ action: 'resume', outcome: 'refused'",
    ],
  ],
  [
    'frames pipelined before the welcome prove the token',
    [
      'src/effects.ts',
      "        candidate.actor.send({ type: 'connection.adopted' });",
      "        candidate.actor.send({ type: 'connection.adopted' });\n        world.registry().retirePrevious(session);",
    ],
  ],
  ['caught-up client refused', [log, 'if (cursor > this.#newestSeq)', 'if (cursor >= this.#newestSeq && cursor > 0)']],
  ['a cursor ahead of the newest is taken', [setup, "event.coverage === 'ahead'", 'false']],
  ['a cursor before what is kept is taken', [setup, "event.coverage === 'trimmed'", 'false']],
  [
    'a cursor just before what is kept is refused',
    [
      log,
      "return cursor < this.#trimmedSeq ? 'trimmed'",
      "return cursor < this.oldestSeq && cursor < this.#newestSeq ? 'trimmed'",
    ],
  ],
  ['third refusal does not close', [setup, 'context.refusals + 1 >= context.refusalsMax ||', 'false ||']],
  ['second refusal closes', [registry, 'const refusalsMax = 3;', 'const refusalsMax = 2;']],
  [
    'who fails to authenticate may try again',
    [setup, " ||\n      (event.type === 'handshake.refused' && event.refusal.code === 'UNAUTHENTICATED')", ''],
  ],
  ['expired cannot be told from unknown', [registry, 'this.#tombstones.set(key(hash), principal);', 'void session;']],
  [
    'expired is told to anybody',
    [
      registry,
      'return this.#tombstones.get(key(hashToken(token))) === principal;',
      'return this.#tombstones.get(key(hashToken(token))) !== undefined && principal !== "";',
    ],
  ],
  [
    'old socket keeps the stream',
    [
      chart,
      "actions: ['supersede', 'rotateToken', 'countToken', 'attach', 'welcome']",
      "actions: ['supersede', 'rotateToken', 'countToken', 'welcome']",
    ],
  ],
  [
    'no supersede: the replaced socket stays open',
    [chart, "actions: ['supersede', 'rotateToken',", "actions: ['rotateToken',"],
  ],
  [
    'late close kills the resumed session',
    [
      'src/connections/connection.ts',
      "    if (this.session.connection === this) this.session.actor.send({ type: 'transport.lost', code });",
      "    this.session.actor.send({ type: 'transport.lost', code });",
    ],
  ],
  [
    'a replaced socket is still heard',
    [
      'src/connections/connection.ts',
      '  #receive(data: string | Uint8Array): void {\n    if (this.session.connection !== this) return;',
      '  #receive(data: string | Uint8Array): void {',
    ],
  ],
  [
    'features are forgotten over a resume',
    [
      'src/effects.ts',
      'if (candidate === session || connection.asked)',
      'if (candidate === session || connection.asked || true)',
    ],
  ],
];
