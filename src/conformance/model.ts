// What can happen to a session, seen from outside, as data. A driver of any level knows how to make each act happen;
// src/conformance/reference.ts knows what has to come of it.

/** How a resume is written (§6.3): the first six are one request, the last contradicts itself. */
export const spellings = [
  'session.resume',
  'session.resume with session_id',
  'hello with a resume block',
  'hello with a resume block {token}',
  'hello with flat fields',
  'hello with block and flat fields',
] as const;
export type Spelling = (typeof spellings)[number];

export interface ResumeAct {
  do: 'resume';
  /** `current` is the newest token the client was given, also where it is dead by now. */
  token: 'current' | 'previous' | 'superseded' | 'unknown' | 'two different ones';
  principal: 'own' | 'another' | 'nobody';
  cursor: 'zero' | 'inside' | 'head' | 'trimmed' | 'ahead' | 'no count';
  spelling: Spelling;
  /** The request names a session that is not the token's. */
  namesAnother: boolean;
  /** Where a connection is replaced: it hears of it at once, or is half-open and will notice late. */
  replaces: 'open' | 'half-open';
  /** A held replay comes to its end only with the act `read on`. */
  replay: 'at once' | 'held';
  when: 'any time' | 'just before the window is over';
}

/**
 * Something the world does to a session. What a driver has to see to, so that cursors find what they name: an agent emits
 * three events as it starts, and `ack` frees some of the log but leaves two events at the least.
 */
export type Act =
  // The first connection.
  | { do: 'hello' }
  | { do: 'unauthenticated hello'; has: 'a wrong token' | 'no credentials' | 'another scheme' }
  | {
      do: 'refused resume';
      has: 'an unknown token' | 'two different tokens' | 'no count' | "another principal's token";
    }
  | { do: 'early frame'; frame: 'session.ping' | 'job.submit' }
  | { do: 'malformed first frame'; frame: 'not JSON' | 'without a type' | 'of another version' | 'session.open' }
  | { do: 'be adopted' }
  | { do: 'handshake timeout'; moment: 'just before' | 'over' }
  // The session's own connection.
  | { do: 'ping' | 'ack' | 'ack beyond the newest' | 'close' | 'bye' | 'read on' }
  | { do: 'drop'; code: 1000 | 1001 | 1006 }
  | { do: 'violate'; how: 'binary frame' | 'frame too big'; code: 1003 | 1009 }
  | { do: 'malformed frame'; frame: 'not JSON' | 'of an unknown type' | 'with a wrong field' }
  | { do: 'misplaced frame'; frame: 'second hello' | 'session.resume' | "another session's" }
  | { do: 'heartbeat lost' | 'stall' | 'outlive the window' }
  // Jobs: `the job` is the oldest in that status.
  | { do: 'submit'; with: 'nothing' | 'max_runtime_sec' | 'expires_at' }
  /** From its submit to its end, so that nothing of it is left to chance where the agent is somebody else's. */
  | { do: 'work'; how: 'finishes' | 'is cancelled' }
  | { do: 'refused submit' | 'cancel' | 'cancel again' | 'cancel an unknown job' | 'emit' | 'emit much' }
  | { do: 'agent'; of: 'running' | 'cancelling'; ends: 'returns' | 'throws' }
  | { do: 'cancel grace over' | 'max runtime over' | 'job fault' | 'delegate' }
  | { do: 'lease over'; found: 'by the clock' | 'by the agent' }
  // A job with a credential, whose revocation is held back; it has a `max_runtime_sec` too.
  | { do: 'submit with a credential' | 'revocation done' | 'revocation grace over' | 'cancel the ended job' }
  // Others, time, and the runtime.
  | { do: "stranger's cancel"; principal: 'own' | 'another' }
  | ResumeAct
  | { do: 'ghost'; does: 'speaks' | 'closes' }
  | { do: 'window over' | 'shutdown' }
  | CrashAct
  | { do: 'late fact'; fact: LateFact };

/** Another process goes on at once, or later than any `max_runtime_sec`. */
export interface CrashAct {
  do: 'crash';
  down: 'a moment' | 'an hour';
}

/** Facts that arrive when they no longer mean anything. */
export type LateFact = 'transport.lost' | 'heartbeat.lost' | 'consumer.stalled' | 'replay.caughtUp' | 'token.proven';

/** What a driver has to be able to do for an act to be walked. */
export type Ability =
  /** Tell a chart a fact that no runtime would tell at that moment. */
  | 'facts'
  /** Keep a replay from ending. */
  | 'holdReplay'
  /** Stop reading until the runtime gives up on it. */
  | 'stall'
  /** Let timeouts and windows pass. */
  | 'time'
  /** Agents that emit, return and throw when told. */
  | 'puppets'
  /** Issue a credential for a job, and hold its revocation back. */
  | 'provisioner'
  | 'shutdown'
  /** Let the process die, and another go on from its store. */
  | 'crash'
  /** Make the runtime fail inside a job, as a failing store does. */
  | 'faults'
  | 'secondPrincipal'
  /** An agent of somebody else's that returns its input, and one that emits for some seconds and ends when cancelled. */
  | 'echoAgent'
  | 'slowAgent';

export interface NamedAct {
  name: string;
  act: Act;
  needs: readonly Ability[];
}

/** Every act of the model that a driver with these abilities can do. */
export function actsFor(abilities: ReadonlySet<Ability>): NamedAct[] {
  return [...handshakes(), ...requests(), ...losses(), ...jobs(), ...credentials(), ...resumes(), ...facts()].filter(
    ({ needs }) => needs.every((ability) => abilities.has(ability)),
  );
}

/** What the stages of this project can do between them: their agents are puppets. */
export const everyAbility: ReadonlySet<Ability> = new Set<Ability>([
  'facts',
  'holdReplay',
  'stall',
  'time',
  'puppets',
  'provisioner',
  'shutdown',
  'crash',
  'faults',
  'secondPrincipal',
]);

function named(act: Act, name: string = act.do, needs: readonly Ability[] = []): NamedAct {
  return { name, act, needs };
}

function handshakes(): NamedAct[] {
  const unauthenticated = ['a wrong token', 'no credentials', 'another scheme'] as const;
  const refused = ['an unknown token', 'two different tokens', 'no count'] as const;
  const early = ['session.ping', 'job.submit'] as const;
  const malformed = ['not JSON', 'without a type', 'of another version', 'session.open'] as const;
  return [
    named({ do: 'hello' }),
    ...unauthenticated.map((has) => named({ do: 'unauthenticated hello', has }, `hello with ${has}`)),
    ...refused.map((has) => named({ do: 'refused resume', has }, `first frame resumes with ${has}`)),
    named(
      { do: 'refused resume', has: "another principal's token" },
      "first frame resumes another principal's session",
      ['secondPrincipal'],
    ),
    ...early.map((frame) => named({ do: 'early frame', frame }, `first frame is ${frame}`)),
    ...malformed.map((frame) => named({ do: 'malformed first frame', frame }, `first frame is ${frame}`)),
    named({ do: 'be adopted' }, 'first frame resumes another session of the principal'),
    named({ do: 'handshake timeout', moment: 'just before' }, 'time passes to just before the handshake timeout', [
      'time',
    ]),
    named({ do: 'handshake timeout', moment: 'over' }, 'handshake timeout', ['time']),
  ];
}

function requests(): NamedAct[] {
  const malformed = ['not JSON', 'of an unknown type', 'with a wrong field'] as const;
  const misplaced = ['second hello', 'session.resume', "another session's"] as const;
  return [
    ...(['ping', 'ack beyond the newest', 'close', 'bye'] as const).map((verb) => named({ do: verb })),
    // Whether what is acknowledged is freed at once is for the runtime to say.
    named({ do: 'ack' }, 'ack', ['puppets']),
    ...malformed.map((frame) => named({ do: 'malformed frame', frame }, `frame ${frame}`)),
    ...misplaced.map((frame) => named({ do: 'misplaced frame', frame }, `misplaced frame: ${frame}`)),
    named({ do: 'read on' }, 'client reads on and the replay catches up', ['holdReplay']),
  ];
}

function losses(): NamedAct[] {
  return [
    ...([1000, 1001, 1006] as const).map((code) => named({ do: 'drop', code }, `drop with ${code}`)),
    named({ do: 'violate', how: 'binary frame', code: 1003 }, 'binary frame'),
    named({ do: 'violate', how: 'frame too big', code: 1009 }, 'frame too big'),
    named({ do: 'heartbeat lost' }, 'heartbeat lost', ['time']),
    named({ do: 'stall' }, 'slow consumer', ['time', 'stall', 'puppets']),
    named({ do: 'outlive the window' }, 'as long as a window passes while connected', ['time']),
    named({ do: 'window over' }, 'window over', ['time']),
    named({ do: 'ghost', does: 'speaks' }, 'the replaced connection speaks'),
    named({ do: 'ghost', does: 'closes' }, "the replaced connection's close comes late"),
    named({ do: 'shutdown' }, 'shutdown', ['shutdown']),
    named({ do: 'crash', down: 'a moment' }, 'the process dies, and another goes on', ['crash']),
    named({ do: 'crash', down: 'an hour' }, 'the process dies, and another goes on an hour later', ['crash']),
  ];
}

function jobs(): NamedAct[] {
  const ends = [
    { of: 'running', ends: 'returns' },
    { of: 'running', ends: 'throws' },
    { of: 'cancelling', ends: 'returns' },
    { of: 'cancelling', ends: 'throws' },
  ] as const;
  return [
    named({ do: 'submit', with: 'nothing' }, 'submit a job', ['puppets']),
    named({ do: 'submit', with: 'max_runtime_sec' }, 'submit a job with max_runtime_sec', ['puppets', 'time']),
    named({ do: 'submit', with: 'expires_at' }, 'submit a job with expires_at', ['puppets', 'time']),
    named({ do: 'refused submit' }, 'submit for an agent that is not there'),
    named({ do: 'work', how: 'finishes' }, 'submit a job that runs to its end', ['echoAgent']),
    named({ do: 'work', how: 'is cancelled' }, 'submit a job, cancel it, and await its end', ['slowAgent']),
    named({ do: 'emit' }, 'the job emits events', ['puppets']),
    named({ do: 'emit much' }, 'the job emits more than a socket holds', ['puppets', 'holdReplay']),
    ...ends.map((end) => named({ do: 'agent', ...end }, `agent of the ${end.of} job ${end.ends}`, ['puppets'])),
    named({ do: 'cancel' }, 'cancel the job', ['puppets']),
    named({ do: 'cancel again' }, 'cancel the job again', ['puppets']),
    named({ do: 'cancel an unknown job' }),
    named({ do: "stranger's cancel", principal: 'own' }, 'cancel by another session of the principal', ['puppets']),
    named({ do: "stranger's cancel", principal: 'another' }, 'cancel by another principal', [
      'puppets',
      'secondPrincipal',
    ]),
    named({ do: 'cancel grace over' }, 'cancel grace over', ['puppets', 'time']),
    named({ do: 'max runtime over' }, 'max runtime over', ['puppets', 'time']),
    named({ do: 'lease over', found: 'by the clock' }, 'lease over', ['puppets', 'time']),
    named({ do: 'lease over', found: 'by the agent' }, 'wall clock steps beyond the lease, and the agent calls', [
      'puppets',
      'time',
    ]),
    named({ do: 'delegate' }, 'the job delegates another', ['puppets']),
    named({ do: 'job fault' }, 'the job breaks inside the runtime', ['puppets', 'faults']),
  ];
}

function credentials(): NamedAct[] {
  const needs = ['puppets', 'provisioner'] as const;
  return [
    named({ do: 'submit with a credential' }, 'submit a job with a credential', needs),
    named({ do: 'revocation done' }, 'the credential is revoked', needs),
    named({ do: 'revocation grace over' }, 'revocation grace over', [...needs, 'time']),
    named({ do: 'cancel the ended job' }, 'cancel the job that waits for its revocation', needs),
  ];
}

function facts(): NamedAct[] {
  const late = ['transport.lost', 'heartbeat.lost', 'consumer.stalled', 'replay.caughtUp', 'token.proven'] as const;
  return late.map((fact) => named({ do: 'late fact', fact }, `late ${fact}`, ['facts']));
}

const plainResume: ResumeAct = {
  do: 'resume',
  token: 'current',
  principal: 'own',
  cursor: 'head',
  spelling: 'session.resume',
  namesAnother: false,
  replaces: 'open',
  replay: 'at once',
  when: 'any time',
};

/** Resumes that succeed in some state, then each reason to refuse one, alone and against those that come after it. */
function resumes(): NamedAct[] {
  const resume = (name: string, differs: Partial<ResumeAct>, needs: readonly Ability[] = []) =>
    named({ ...plainResume, ...differs }, `resume ${name}`, needs);
  const [, ...otherSpellings] = spellings;
  const foreign = { principal: 'another' } as const;
  return [
    resume('at the head', {}),
    ...otherSpellings.map((spelling) => resume(`as ${spelling}`, { spelling })),
    resume('from zero', { cursor: 'zero' }),
    resume('from inside', { cursor: 'inside' }),
    resume('from zero, held', { cursor: 'zero', replay: 'held' }, ['holdReplay', 'puppets']),
    resume('with the previous token', { token: 'previous' }),
    resume('with the previous token from zero', { token: 'previous', cursor: 'zero' }),
    resume('with the previous token from inside', { token: 'previous', cursor: 'inside' }),
    resume('while the old connection is half-open', { replaces: 'half-open' }),
    resume('just before the window is over', { when: 'just before the window is over' }, ['time']),
    resume('with a superseded token', { token: 'superseded' }),
    resume("with a superseded token and another's credentials", { token: 'superseded', ...foreign }, [
      'secondPrincipal',
    ]),
    resume('with an unknown token', { token: 'unknown' }),
    resume('with two different tokens', { token: 'two different ones', spelling: 'hello with block and flat fields' }),
    resume('with a cursor that is no count', { cursor: 'no count' }),
    resume('without credentials', { principal: 'nobody' }),
    resume("with another's credentials", foreign, ['secondPrincipal']),
    resume("with the previous token and another's credentials", { token: 'previous', ...foreign }, ['secondPrincipal']),
    resume(
      "with another's credentials, a wrong id and a cursor ahead",
      { ...foreign, namesAnother: true, cursor: 'ahead' },
      ['secondPrincipal'],
    ),
    resume('naming another session', { namesAnother: true }),
    resume('naming another session, with a cursor ahead', { namesAnother: true, cursor: 'ahead' }),
    resume('naming another session, from what is trimmed', { namesAnother: true, cursor: 'trimmed' }),
    resume('from what is trimmed', { cursor: 'trimmed' }),
    resume('from ahead of the newest', { cursor: 'ahead' }),
  ];
}
