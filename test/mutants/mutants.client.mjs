const chart = 'machines/client.ts';
const setup = 'machines/client.setup.ts';
const session = 'src/client/session.ts';
const link = 'src/client/link.ts';
const endings = 'src/client/endings.ts';

/** The client (src/client): it comes back to its session, or says that it could not (§6.1, §6.3, §6.7). */
export const clientMutants = [
  [
    'a client opens another session where its own cannot be resumed',
    [chart, "{ guard: 'hasSession', target: '#client.expired' },\n              { target", '{ target'],
  ],
  [
    'a client forgets the session it was in',
    [session, 'const ticket = this.#sessionId === undefined ? undefined : this.ticket;', 'const ticket = undefined;'],
  ],
  [
    'a client comes back with the token before',
    [session, '    this.#resumeToken = welcome.resume_token;\n', '    this.#resumeToken ??= welcome.resume_token;\n'],
  ],
  ['a client does not show that it has its new token', [chart, "resumed: { entry: 'prove', on", 'resumed: { on']],
  ['what was not answered is not asked again', [chart, "entry: ['attach', 'resend'],", "entry: ['attach'],"]],
  [
    'a client takes back a session that was taken over',
    [setup, "event.type === 'transport.lost' && event.code === superseded", 'false'],
  ],
  [
    'a client that was refused for good asks again',
    [setup, "event.type === 'transport.lost' && refusals.includes(event.code)", 'false'],
  ],
  [
    'a gap in the stream is passed over',
    ['src/client/inbox.ts', "if (seq !== this.#lastEventSeq + 1) return 'gap';", ''],
  ],
  [
    'an event that comes again is given again',
    [
      'src/client/inbox.ts',
      "if (seq === undefined || seq <= this.#lastEventSeq) return 'duplicate';",
      "if (seq === undefined || seq < this.#lastEventSeq) return 'duplicate';\n    if (seq === this.#lastEventSeq) this.#lastEventSeq -= 1;",
    ],
  ],
  [
    'nonsense from the runtime is passed over',
    [session, 'garbled: (problem) => this.#broken(problem),', 'garbled: () => {},'],
  ],
  ['a silent runtime is waited for without an end', [chart, "        'heartbeat.lost': 'detached.waiting',\n", '']],
  [
    'a shutdown that can be come back from ends the client',
    [setup, "event.type === 'session.bye' && event.resumable", "event.type === 'session.bye' && !event.resumable"],
  ],
  [
    'a client whose patience is over goes on',
    [chart, "after: { patienceMs: [{ guard: 'hasSession', target: 'expired' }, { target: 'closed' }] },", ''],
  ],
  ['an attempt without an end is not given up', [chart, "after: { connectTimeoutMs: { actions: 'abandon' } },", '']],
  ['a welcome is waited for without an end', [chart, "after: { handshakeTimeoutMs: { actions: 'abandon' } },", '']],
  [
    'the answer to a goodbye is waited for without an end',
    [chart, "closing: { after: { closeTimeoutMs: 'closed' }, on", 'closing: { on'],
  ],
  [
    'a goodbye is not waited to be answered',
    [
      chart,
      "'close.requested': { target: 'closing', actions: 'sayClose' }",
      "'close.requested': { target: 'closed', actions: 'sayClose' }",
    ],
  ],
  [
    'a bye is said as a close',
    [
      session,
      "sayBye: ({ event }) => this.#sayFarewell('session.bye', event)",
      "sayBye: ({ event }) => this.#sayFarewell('session.close', event)",
    ],
  ],
  ['a lost connection is left open', [session, '    this.#link.drop(code, reason);\n', '']],
  [
    'a client is not told of its end: what waits goes on waiting',
    [session, '    this.#requests.fail(error);\n    this.inbox.fail(error);\n', ''],
  ],
  [
    'a client that was closed says that nobody could be reached',
    [endings, 'return hadWelcome ? closed() : unreachable(place, failure);', 'return unreachable(place, failure);'],
  ],
  [
    'a second welcome on one connection is believed',
    [
      session,
      '    if (this.#attachment) return;\n',
      '    if (this.#attachment) {\n      this.#resumeToken = welcome.resume_token;\n      return;\n    }\n',
    ],
  ],
  [
    'a refused dial is the end of a patient client',
    [
      chart,
      "'transport.lost': [{ guard: 'isPatient', target: 'waiting' }, { target: '#client.closed' }],\n          },\n        },\n        handshaking",
      "'transport.lost': '#client.closed',\n          },\n        },\n        handshaking",
    ],
  ],
  ['an attempt is not ended with its client', [link, '    attempt?.abort();\n', '']],
];
