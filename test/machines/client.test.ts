// The client's chart as data: `transition` gives the next state and the effects it would have done.
import { describe, expect, test } from 'vitest';
import { initialTransition, type SnapshotFrom, transition } from 'xstate';
import type { ClientEvent } from '../../machines/client.events.ts';
import type { ClientInput } from '../../machines/client.setup.ts';
import { clientMachine } from '../../machines/client.ts';

const input: ClientInput = {
  sessionId: null,
  patienceMs: 0,
  connectTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  closeTimeoutMs: 5000,
  backoffBaseMs: 100,
  backoffCapMs: 10_000,
};

const jitter = 0.5;
const opened: ClientEvent = { type: 'transport.opened' };
const welcome: ClientEvent = { type: 'session.welcome', sessionId: 'sess_1', patienceMs: 60_000 };
const caughtUp: ClientEvent = { type: 'replay.caughtUp' };
const lost = (code = 1006): ClientEvent => ({ type: 'transport.lost', code, reason: '', jitter });
const refused = (code: string, retryable = false): ClientEvent => {
  return { type: 'handshake.refused', code, message: '', retryable, jitter };
};
const bye = (resumable: boolean): ClientEvent => ({ type: 'session.bye', reason: 'shutdown', resumable, jitter });
/** What the clock will say: xstate names a delayed transition by its delay and its state. */
const after = (delay: string, state: string) => ({ type: `xstate.after.${delay}.client.${state}` });

type Snapshot = SnapshotFrom<typeof clientMachine>;

/** Walks the chart from its beginning and tells where that led, and what the last step did. */
function walk(events: readonly object[], overrides: Partial<ClientInput> = {}) {
  let [snapshot, actions] = initialTransition(clientMachine, { ...input, ...overrides });
  for (const event of events) [snapshot, actions] = step(snapshot, event);
  return { snapshot, state: snapshot.value, effects: actions.map((action) => action.type), actions };
}

function step(snapshot: Snapshot, event: object) {
  // `after` events are xstate's own and in no union of ours.
  return transition(clientMachine, snapshot, Object.assign({ type: 'session.closed' } satisfies ClientEvent, event));
}

const live = [opened, welcome];
const waiting = [...live, lost()];
const resumed = [...waiting, after('backoffMs', 'detached.waiting'), opened, welcome];

describe('opening a session', () => {
  test('a client begins by dialling, says hello once connected, and is live at the welcome', () => {
    expect(walk([])).toMatchObject({ state: { detached: 'connecting' } });
    expect(walk([]).effects).toContain('dial');
    expect(walk([opened])).toMatchObject({ state: { detached: 'handshaking' } });
    expect(walk([opened]).effects).toContain('sayHello');
    expect(walk(live)).toMatchObject({ state: { attached: 'live' } });
    expect(walk(live).effects).toEqual(expect.arrayContaining(['attach', 'resend']));
  });

  test('the first connection failing ends it at once, unless it was told to be patient', () => {
    expect(walk([lost()])).toMatchObject({ state: 'closed' });
    expect(walk([lost()], { patienceMs: 1000 })).toMatchObject({ state: { detached: 'waiting' } });
    const late = [lost(), after('patienceMs', 'detached')];
    expect(walk(late, { patienceMs: 1000 })).toMatchObject({ state: 'closed' });
  });

  test('a refused hello ends it', () => {
    for (const code of ['UNAUTHENTICATED', 'INVALID_REQUEST', 'PERMISSION_DENIED', 'INTERNAL_ERROR']) {
      expect(walk([opened, refused(code, code === 'INTERNAL_ERROR')])).toMatchObject({ state: 'closed' });
    }
  });

  test('an attempt that takes too long is abandoned, and its loss is told like any other', () => {
    expect(walk([after('connectTimeoutMs', 'detached.connecting')]).effects).toEqual(['abandon']);
    expect(walk([opened, after('handshakeTimeoutMs', 'detached.handshaking')]).effects).toEqual(['abandon']);
  });
});

describe('losing the connection', () => {
  test('a live client waits, dials again, and is seen to be resumed before it is live', () => {
    expect(walk(waiting)).toMatchObject({ state: { detached: 'waiting' } });
    expect(walk(waiting).effects).toContain('detach');
    expect(walk(resumed)).toMatchObject({ state: { attached: 'resumed' } });
    expect(walk(resumed).effects).toEqual(expect.arrayContaining(['attach', 'resend', 'prove']));
    expect(walk([...resumed, caughtUp])).toMatchObject({ state: { attached: 'live' } });
  });

  test('a socket closed with any code but those of a refusal is a loss, also 1000', () => {
    for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 4002, 4003, 4004, 4999]) {
      expect(walk([...live, lost(code)])).toMatchObject({ state: { detached: 'waiting' } });
    }
  });

  test('a missed heartbeat and a broken stream are losses too', () => {
    const quiet: ClientEvent = { type: 'heartbeat.lost', jitter };
    const broken: ClientEvent = { type: 'stream.broken', reason: 'a gap', jitter };
    for (const event of [quiet, broken]) {
      expect(walk([...live, event])).toMatchObject({ state: { detached: 'waiting' } });
      expect(walk([...resumed, event])).toMatchObject({ state: { detached: 'waiting' } });
    }
  });

  test('a client whose session another connection took over does not fight back', () => {
    expect(walk([...live, lost(4001)])).toMatchObject({ state: 'closed' });
    expect(walk([...resumed, lost(4001)])).toMatchObject({ state: 'closed' });
  });

  test('a client that was refused by close code does not come back', () => {
    for (const code of [1002, 1008]) expect(walk([...live, lost(code)])).toMatchObject({ state: 'closed' });
  });

  test('a handshake closed without a word is tried again: the runtime may have no room just now', () => {
    const resuming = [...waiting, after('backoffMs', 'detached.waiting'), opened];
    for (const code of [1008, 1011, 4004]) {
      expect(walk([...resuming, lost(code)])).toMatchObject({ state: { detached: 'waiting' } });
      expect(walk([opened, lost(code)])).toMatchObject({ state: 'closed' });
    }
  });

  test('the waits double from the base to the cap, and each is its share of that', () => {
    const failure = [after('backoffMs', 'detached.waiting'), lost()];
    let events: object[] = waiting;
    const waits: number[] = [];
    for (let loss = 1; loss <= 9; loss += 1) {
      const raised = walk(events).actions.findLast((action) => action.type === 'xstate.raise');
      waits.push(delayOf(raised?.params));
      events = [...events, ...failure];
    }
    expect(waits).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  test('the losses are forgotten when the client is live again, not before', () => {
    expect(walk(resumed).snapshot.context.losses).toBe(1);
    expect(walk([...resumed, lost()]).snapshot.context.losses).toBe(2);
    expect(walk([...resumed, caughtUp]).snapshot.context.losses).toBe(0);
  });
});

describe('a session that cannot be resumed', () => {
  const resuming = [...waiting, after('backoffMs', 'detached.waiting'), opened];

  test('a refused resume expires, and no other session is opened', () => {
    for (const code of ['RESUME_WINDOW_EXPIRED', 'PERMISSION_DENIED']) {
      expect(walk([...resuming, refused(code)])).toMatchObject({ state: 'expired' });
      expect(walk([...resuming, refused(code)]).effects).toContain('expire');
    }
    expect(walk([opened, refused('RESUME_WINDOW_EXPIRED')], { sessionId: 'sess_1' })).toMatchObject({
      state: 'expired',
    });
  });

  test('a welcome to another session is a refused resume', () => {
    const other: ClientEvent = { type: 'session.welcome', sessionId: 'sess_2', patienceMs: 60_000 };
    expect(walk([...resuming, other])).toMatchObject({ state: 'expired' });
  });

  test('a bearer token that is not good any more closes, for the session may be', () => {
    expect(walk([...resuming, refused('UNAUTHENTICATED')])).toMatchObject({ state: 'closed' });
  });

  test('a refusal worth another try gets one', () => {
    expect(walk([...resuming, refused('INTERNAL_ERROR', true)])).toMatchObject({ state: { detached: 'waiting' } });
  });

  test('the window over without a connection expires', () => {
    expect(walk([...waiting, after('patienceMs', 'detached')])).toMatchObject({ state: 'expired' });
  });

  test('a runtime that shuts down is waited for if it can resume, else the session is lost', () => {
    expect(walk([...live, bye(true)])).toMatchObject({ state: { detached: 'waiting' } });
    expect(walk([...live, bye(false)])).toMatchObject({ state: 'expired' });
  });
});

describe('saying goodbye', () => {
  const close: ClientEvent = { type: 'close.requested' };
  const goodbye: ClientEvent = { type: 'bye.requested', reason: 'done' };

  test('close and bye wait for the answer, a lost connection, or their time', () => {
    expect(walk([...live, close]).effects).toContain('sayClose');
    expect(walk([...live, goodbye]).effects).toContain('sayBye');
    for (const end of [{ type: 'session.closed' }, lost(), after('closeTimeoutMs', 'closing')]) {
      expect(walk([...live, close])).toMatchObject({ state: 'closing' });
      expect(walk([...live, close, end])).toMatchObject({ state: 'closed' });
    }
  });

  test('without a connection there is nobody to wait for', () => {
    for (const event of [close, goodbye]) {
      expect(walk([event])).toMatchObject({ state: 'closed' });
      expect(walk([opened, event])).toMatchObject({ state: 'closed' });
      expect(walk([...waiting, event])).toMatchObject({ state: 'closed' });
    }
  });
});

test('every state answers every message', () => {
  const messages: ClientEvent[] = [
    opened,
    welcome,
    caughtUp,
    lost(),
    refused('INVALID_REQUEST'),
    bye(true),
    { type: 'heartbeat.lost', jitter },
    { type: 'stream.broken', reason: '', jitter },
    { type: 'session.closed' },
    { type: 'close.requested' },
    { type: 'bye.requested' },
  ];
  const places = [[], [opened], live, waiting, resumed, [...live, { type: 'close.requested' }]];
  for (const place of places) {
    for (const message of messages) {
      const before = walk(place);
      const after = walk([...place, message]);
      const answered = after.effects.length > 0 || JSON.stringify(after.state) !== JSON.stringify(before.state);
      expect(answered, `${JSON.stringify(before.state)} on ${message.type}`).toBe(true);
    }
  }
});

test('nothing in the chart is a function but the context', () => {
  const inline: string[] = [];
  const visit = (value: unknown, path: string) => {
    if (typeof value === 'function') inline.push(path);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, `${path}.${key}`);
    }
  };
  visit(clientMachine.config, 'client');
  expect(inline).toEqual(['client.context']);
});

function delayOf(params: unknown): number {
  if (typeof params === 'object' && params !== null && 'delay' in params && typeof params.delay === 'number') {
    return params.delay;
  }
  throw new Error('no delay was raised');
}
