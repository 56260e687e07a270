// Proof that the net holds at level (a): the session chart broken in one way at a time, and walked. Each break is one that
// some runtime has shipped, or could.

import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { sessionMachine } from '../../machines/index.ts';
import { sessionSetup } from '../../machines/session.setup.ts';
import { ChartDriver, drive, policies, sessionWalks, WalkError } from '../../src/conformance/index.ts';

const no = () => false;
const yes = () => true;

/** The production chart with its transitions changed: they are names only, so a copy is JSON. */
function rewired(change: (chart: ReturnType<typeof transitions>) => void): AnyStateMachine {
  const chart = transitions();
  change(chart);
  return sessionSetup.createMachine({ ...sessionMachine.config, ...chart });
}

function transitions() {
  const { on, states } = sessionMachine.config;
  return JSON.parse(JSON.stringify({ on, states }));
}

function without(actions: string[], name: string): string[] {
  return actions.filter((action) => action !== name);
}

/** Removes an effect wherever the chart names it. */
function lacking(effect: string): AnyStateMachine {
  const { on, states } = sessionMachine.config;
  const strip = (_: string, value: unknown) => {
    if (value === effect) return undefined;
    return Array.isArray(value) ? value.filter((one) => one !== effect) : value;
  };
  return sessionSetup.createMachine({ ...sessionMachine.config, ...JSON.parse(JSON.stringify({ on, states }, strip)) });
}

const guarded = (guards: NonNullable<Parameters<typeof sessionMachine.provide>[0]['guards']>) =>
  sessionMachine.provide({ guards });

const mutants: Record<string, () => AnyStateMachine> = {
  'no principal check': () => guarded({ isForeign: no }),
  'a session id that is not the token’s is ignored': () => guarded({ namesAnother: no }),
  'a trimmed cursor is taken': () => guarded({ isTrimmed: no }),
  'a cursor ahead of the newest is taken': () => guarded({ isAhead: no }),
  'a client that has missed nothing is refused': () => guarded({ isAhead: yes }),
  'no rotation': () => lacking('rotateToken'),
  'the new token is the only good one at once': () => lacking('countToken'),
  'the old token stays good for ever': () => lacking('uncountToken'),
  'the previous token is never retired by proof': () =>
    rewired(({ states }) => delete states.attached.on['token.proven']),
  'the old connection is not closed on takeover': () => lacking('supersede'),
  'the old connection is closed after the new one took its place': () =>
    rewired(({ on }) => on['session.resume'].at(-1).actions.push(on['session.resume'].at(-1).actions.shift())),
  'no welcome after a resume': () =>
    rewired(({ on }) => {
      on['session.resume'].at(-1).actions = without(on['session.resume'].at(-1).actions, 'welcome');
    }),
  'a drop is treated as a goodbye': () =>
    rewired(({ states }) => {
      states.attached.on['transport.lost'] = 'closed';
    }),
  'a drop cancels jobs': () =>
    rewired(({ states }) => {
      states.attached.on['transport.lost'] = { target: 'detached', actions: 'cancelJobs' };
    }),
  'bye leaves the session resumable': () =>
    rewired(({ states }) => {
      for (const branch of states.attached.on['session.bye']) branch.target = 'detached';
    }),
  'close ends the session': () =>
    rewired(({ states }) => {
      states.attached.on['session.close'].target = 'closed';
    }),
  'close is not answered': () => lacking('sayClosed'),
  'bye never cancels jobs': () => guarded({ byeCancels: no }),
  'bye always cancels jobs': () => guarded({ byeCancels: yes }),
  'expiry never cancels jobs': () => guarded({ expiryCancels: no }),
  'expiry always cancels jobs': () => guarded({ expiryCancels: yes }),
  'the window never ends': () => rewired(({ states }) => delete states.detached.after),
  'the window counts from the welcome': () =>
    rewired(({ states }) => {
      states.attached.after = { resumeWindowMs: 'expired' };
    }),
  'an expired session can be resumed': () => rewired(({ states }) => delete states.expired.on),
  'a closed session can be resumed': () => rewired(({ states }) => delete states.closed.on),
  'a closed session ends with jobs unsettled': () =>
    rewired(({ states }) => {
      states.closed.always = { target: 'ended', actions: 'release' };
    }),
  'an ended session is never let go': () => lacking('release'),
  'refused resumes may go on for ever': () => guarded({ isLastTry: no }),
  'a third refused resume is forgiven': () =>
    guarded({
      isLastTry: ({ event }) => event.type === 'handshake.refused' && event.refusal.code === 'UNAUTHENTICATED',
    }),
  'who failed to say who he is may try again': () => guarded({ isLastTry: ({ context }) => context.refusals >= 2 }),
  'the first refusal closes': () => guarded({ isLastTry: yes }),
  'a silent socket is kept': () => rewired(({ states }) => delete states.handshaking.after),
  'anything may be the first frame': () => rewired(({ states }) => delete states.handshaking.on['*']),
  'a malformed first frame is forgiven': () =>
    rewired(({ states }) => {
      delete states.handshaking.on['frame.malformed'].target;
    }),
  'a lost heartbeat changes nothing': () => rewired(({ states }) => delete states.attached.on['heartbeat.lost']),
  'a slow consumer is kept': () => rewired(({ states }) => delete states.attached.on['consumer.stalled']),
  'a malformed frame detaches': () =>
    rewired(({ states }) => {
      states.attached.on['frame.malformed'] = { target: 'detached', actions: 'refuse' };
    }),
  'a malformed frame is met with silence': () => lacking('refuse'),
  'a second hello signs in again': () =>
    rewired(({ states }) => {
      states.attached.on['frame.unexpected'] = { actions: 'authenticate' };
    }),
  'any session may cancel': () => guarded({ mayCancel: yes }),
  'cancel authority is lost': () => guarded({ mayCancel: no }),
  'the jobs of a closed session cannot be cancelled': () =>
    rewired(({ states }) => {
      states.closed.on['job.cancel'] = { actions: 'refuseCancel' };
    }),
  'shutdown leaves jobs running': () => lacking('abandonJobs'),
  'a job that ended is still counted': () => lacking('uncountJob'),
  'a job that ended stays listed as a child': () => lacking('dismissJob'),
  'a job that broke is not recorded': () => lacking('recordFault'),
  'a late caught-up resurrects a detached session': () =>
    rewired(({ states }) => {
      states.detached.on = { 'replay.caughtUp': 'attached' };
    }),
};

/** The message of the first walk that goes otherwise, and how many steps it took to see it. */
async function firstFault(machine: AnyStateMachine): Promise<{ steps: number; message: string } | undefined> {
  let steps = 0;
  for (const { policy, walks } of production) {
    for (const walk of walks) {
      try {
        await drive(new ChartDriver({ policy, machine }), walk);
      } catch (error) {
        if (!(error instanceof WalkError)) throw error;
        return { steps: steps + error.steps.length, message: error.message };
      }
      steps += walk.length;
    }
  }
  return undefined;
}

const production = policies.map(({ policy, scope }) => ({ policy, walks: sessionWalks({ policy, scope }).walks }));

describe('the walks notice when', () => {
  for (const [name, mutate] of Object.entries(mutants)) {
    test(name, async () => {
      const fault = await firstFault(mutate());
      expect(fault?.message).toBeDefined();
      if (process.env.MUTANTS_SHOWN) console.log(`${name}: after ${fault?.steps} steps\n${fault?.message}`);
    });
  }
});

test('the chart as it is passes', async () => {
  expect(await firstFault(sessionMachine)).toBeUndefined();
});
