import type { InspectionEvent } from 'xstate';
import type { ClientEvent } from '../../../machines/index.ts';
import { clientMachine } from '../../../machines/index.ts';
import { type Case, lifecyclePaths, type Step } from '../../../src/conformance/index.ts';
import { stateOf } from '../small-charts.ts';
import { ClientDriver } from './driver.ts';
import { type ClientAct, type ClientReference, type ClientSetup, clientActs, timingOf } from './model.ts';
import { type ClientOutcome, clientBeginning, clientOutcome } from './outcome.ts';
import type { ClientPlace } from './place.ts';

export interface ClientDeed {
  act: ClientAct;
  outcome: ClientOutcome;
}

export type ClientStep = Step<ClientReference, ClientDeed>;

/** Where time stands still, one client meets the timers of its attempts, and another the end of its patience. */
export const standing: readonly ClientSetup[] = [
  ...combined({ due: ['connect', 'handshake', 'backoff', 'heartbeat', 'close'], time: 'stands', scope: 'everything' }),
  ...combined({ due: ['patience'], time: 'stands', scope: 'what time brings' }),
];

const plain = { hasTicket: false, isPatient: false, time: 'passes' } as const;

/** Where it passes, one timer at a time is short, so that nothing depends on how fast the machine is. */
export const passing: readonly ClientSetup[] = [
  ...combined({ due: ['backoff'], time: 'passes', scope: 'everything' }),
  ...combined({ due: ['backoff', 'connect'], time: 'passes', scope: 'what time brings' }),
  ...combined({ due: ['backoff', 'handshake'], time: 'passes', scope: 'what time brings' }),
  ...combined({ due: ['patience'], time: 'passes', scope: 'what time brings' }),
  { ...plain, due: ['backoff', 'heartbeat'], scope: 'what time brings' },
  { ...plain, due: ['backoff', 'close'], scope: 'what time brings' },
  { ...plain, due: [], scope: 'leaving' },
];

/** With and without a ticket, patient and not: that makes a difference until the first welcome, and not after it. */
function combined(common: Pick<ClientSetup, 'due' | 'time' | 'scope'>): ClientSetup[] {
  const { scope } = common;
  const later = scope === 'everything' ? 'the first connection' : scope;
  return [
    { ...common, hasTicket: false, isPatient: false },
    { ...common, hasTicket: false, isPatient: true, scope: later },
    { ...common, hasTicket: true, isPatient: false, scope: later },
    { ...common, hasTicket: true, isPatient: true, scope: later },
  ];
}

/** Walks through the life of a client so set up, on the chart that runs in production. */
export function clientWalks(setup: ClientSetup): ClientStep[][] {
  const beginning = clientBeginning(setup);
  const { connect, handshake, close, backoff, patience } = timingOf(setup);
  const input = {
    sessionId: setup.hasTicket ? 'sess_1' : null,
    patienceMs: setup.isPatient ? patience : 0,
    connectTimeoutMs: connect,
    handshakeTimeoutMs: handshake,
    closeTimeoutMs: close,
    backoffBaseMs: backoff,
    backoffCapMs: backoff,
  };
  const { walks } = lifecyclePaths<typeof clientMachine, ClientReference, ClientDeed>(clientMachine, {
    input,
    cases: ({ memory: at = beginning }) =>
      clientActs.flatMap(({ name, act }): Case<ClientReference, ClientDeed>[] => {
        const outcome = clientOutcome(at, act, setup);
        return outcome ? [{ name, data: { act, outcome }, memory: outcome.next, told: told(at, act) }] : [];
      }),
    view: ({ context: { sessionId, patienceMs } }) => [sessionId, patienceMs > 0],
    after: false,
    cover: ({ before: { memory: at = beginning }, data, name }) =>
      data && isInScope(at, data.act, setup) ? labelOf(at, data, name) : undefined,
    stepsMax: 60,
  });
  for (const { name, after, before } of walks.flat()) {
    const wanted = after.memory?.state;
    if (stateOf(after) !== wanted) {
      throw new Error(
        `${name} in ${before.memory?.state}: the chart says ${stateOf(after)}, and the promise ${wanted}`,
      );
    }
  }
  return walks.map((walk) => [...walk]);
}

function isInScope(at: ClientReference, act: ClientAct, { scope }: ClientSetup): boolean {
  switch (scope) {
    case 'everything':
      return true;
    case 'the first connection':
      return !at.isOpened;
    case 'what time brings':
      return act.do === 'time';
    case 'leaving':
      return act.do === 'leave' && at.state === 'waiting';
  }
}

/** One step a state and case; what waits or has come counts where the act may make a difference to it. */
function labelOf(at: ClientReference, { outcome }: ClientDeed, name: string): string {
  const { state, hasSession, isPatient, hasAsked, isWarned, hasEvents } = at;
  const isEnd = outcome.ends !== undefined;
  const isWelcome = outcome.next.state === 'resumed' && state === 'handshaking';
  return JSON.stringify([
    state,
    hasSession,
    isPatient,
    isEnd && [hasAsked, isWarned],
    isWelcome && [hasAsked, hasEvents],
    name,
  ]);
}

const jitter = 1;

/** What the chart hears of an act. */
function told({ state }: ClientReference, act: ClientAct): Case['told'] {
  const heard = (...events: ({ type: `xstate.after.${string}` } | ClientEvent)[]) => events.map((event) => ({ event }));
  const lost = (code: number): ClientEvent => ({ type: 'transport.lost', code, reason: '', jitter });
  switch (act.do) {
    case 'made':
      return heard({ type: 'transport.opened' });
    case 'refused connection':
      return heard(lost(1006));
    case 'end':
      return heard(lost(act.code));
    case 'welcome': {
      const sessionId = act.to === 'its session' ? 'sess_1' : 'sess_2';
      return heard({ type: 'session.welcome', sessionId, patienceMs: 60_000 });
    }
    case 'refuse': {
      const { code } = act;
      return heard({ type: 'handshake.refused', code, message: code, retryable: code === 'INTERNAL_ERROR', jitter });
    }
    case 'garble':
      return heard({ type: 'stream.broken', reason: act.how, jitter });
    case 'say bye':
      return heard({ type: 'session.bye', reason: 'shutdown', resumable: act.resumable, jitter });
    case 'answer the goodbye':
      return heard({ type: 'session.closed' });
    case 'catch up':
      return heard({ type: 'replay.caughtUp' });
    case 'leave':
      return heard({ type: `${act.by}.requested` });
    case 'misplace':
      if (act.frame === 'session.closed') return heard({ type: 'session.closed' });
      return act.frame === 'session.bye' ? heard({ type: 'session.bye', reason: '', resumable: false, jitter }) : [];
    case 'warn':
      return heard({ type: 'handshake.refused', code: 'PERMISSION_DENIED', message: '', retryable: false, jitter });
    case 'time': {
      if (act.over === 'heartbeat') return heard({ type: 'heartbeat.lost', jitter });
      const places = { connect: 'detached.connecting', handshake: 'detached.handshaking', backoff: 'detached.waiting' };
      const place = act.over === 'patience' ? 'detached' : act.over === 'close' ? 'closing' : places[act.over];
      const delay = act.over === 'backoff' || act.over === 'patience' ? `${act.over}Ms` : `${act.over}TimeoutMs`;
      const over = { type: `xstate.after.${delay}.client.${place}` } as const;
      return state !== 'waiting' && (act.over === 'connect' || act.over === 'handshake')
        ? heard(over, lost(1006))
        : heard(over);
    }
    default:
      return [];
  }
}

/** Takes a real client along a walk; throws at the first step that goes otherwise, telling the steps that led there. */
export async function takeClient(
  walk: readonly ClientStep[],
  { setup, place, inspect }: { setup: ClientSetup; place: ClientPlace; inspect: (event: InspectionEvent) => void },
): Promise<void> {
  const driver = new ClientDriver(place, setup, inspect);
  try {
    await driver.begin();
    for (const [index, { before, data }] of walk.entries()) {
      if (!data) continue;
      const at = before.memory ?? clientBeginning(setup);
      const faults = await driver.perform(at, data.act, data.outcome);
      if (faults.length === 0) continue;
      const story = walk.slice(0, index + 1).map((step) => `  [${step.before.memory?.state ?? at.state}] ${step.name}`);
      throw new Error(
        [JSON.stringify(setup), ...story.slice(-12), ...faults.map((fault) => `      ${fault}`)].join('\n'),
      );
    }
  } finally {
    await driver.end();
  }
}
