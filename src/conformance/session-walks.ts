import { sessionMachine } from '../../machines/index.ts';
import { type Ability, type Act, actsFor, everyAbility, type NamedAct } from './model.ts';
import { outcomeOf } from './outcome.ts';
import { type Case, type LifecyclePaths, lifecyclePaths, type Step } from './paths.ts';
import { beginning, type Outcome, type Policy, type Reference } from './reference.ts';
import { sessionInput } from './session-input.ts';
import { beginsAnew, told } from './told.ts';

/** What a driver does in a step of the session's walks, and what has to come of it. */
export interface Deed {
  act: Act;
  outcome: Outcome;
}

export type SessionStep = Step<Reference, Deed>;

export interface SessionWalkOptions {
  policy: Policy;
  /** What the driver can do. Default: everything. */
  abilities?: ReadonlySet<Ability>;
  /**
   * `crashes` walks only the ends of a process, and what follows; `endings` also what else a policy decides: a bye, the end
   * of the window, and what follows. Default: everything.
   */
  scope?: 'everything' | 'endings' | 'crashes';
  /** Every pair of transitions instead of every case in every state. */
  pairs?: boolean;
  stepsMax?: number;
}

/** The policies, and how much of each to walk, that between them take every branch of the chart. */
export const policies: readonly Required<Pick<SessionWalkOptions, 'policy' | 'scope'>>[] = [
  { policy: { onBye: 'cancel', onExpire: 'keep' }, scope: 'everything' },
  { policy: { onBye: 'cancel', onExpire: 'keep', onShutdown: 'keep' }, scope: 'crashes' },
  { policy: { onBye: 'keep', onExpire: 'cancel', onShutdown: 'keep', onRestart: 'rerun' }, scope: 'endings' },
];

/** Walks through the life of a session and of its jobs, on the chart that runs in production; the same for every driver. */
export function sessionWalks(options: SessionWalkOptions): LifecyclePaths<Reference, Deed> {
  const { policy, abilities = everyAbility, scope = 'everything', pairs = false, stepsMax = 250 } = options;
  const acts = actsFor(abilities);
  const isNeeded = pairs ? () => true : needs(scope);
  return lifecyclePaths<typeof sessionMachine, Reference, Deed>(sessionMachine, {
    input: sessionInput(policy),
    cases: ({ memory = beginning }) => casesOf(memory, acts, { policy, scope, isNeeded }),
    view: ({ context: { goodTokens, refusals, jobs, parents }, value, childContexts }) => [
      goodTokens,
      value === 'handshaking' ? refusals : 0,
      jobs,
      parents,
      Object.values(childContexts).map(({ credentials }) => credentials),
    ],
    after: false,
    cover: ({ before: { memory = beginning }, data, name }) =>
      data && isWithin[scope](memory, data.act) ? labelOf(memory, data.act, name) : undefined,
    pairs,
    stepsMax,
  });
}

function casesOf(
  at: Reference,
  acts: readonly NamedAct[],
  { policy, scope, isNeeded }: { policy: Policy; scope: Scope; isNeeded: (at: Reference, act: NamedAct) => boolean },
): Case<Reference, Deed>[] {
  const reached = new Set([JSON.stringify(at)]);
  return acts.flatMap((named) => {
    const { name, act } = named;
    const outcome = outcomeOf(at, act, policy);
    if (outcome && !isNeeded(at, named)) {
      // It is only a way: one to each place is enough, and none to where the acts of the scope are those of elsewhere.
      if (outcome.next === at || (outcome.next.ghost && !isWithin[scope](at, act))) return [];
      const place = JSON.stringify(outcome.next);
      if (reached.has(place)) return [];
      reached.add(place);
    }
    const anew = beginsAnew(at, act);
    return outcome ? [{ name, data: { act, outcome }, memory: outcome.next, told: told(at, act, policy), anew }] : [];
  });
}

/** Tells, from state to state, what is still to be walked: a few places to do it are enough, and make for short walks. */
function needs(scope: Scope): (at: Reference, act: NamedAct) => boolean {
  const places = new Map<string, number>();
  return (at, { name, act }) => {
    if (!isWithin[scope](at, act)) return false;
    const label = labelOf(at, act, name);
    const before = places.get(label) ?? 0;
    places.set(label, before + 1);
    return before < placesEnough;
  };
}

const placesEnough = 4;

type Scope = keyof typeof isWithin;

/** What a scope walks. */
const isWithin = {
  everything: () => true,
  endings: (at: Reference, act: Act) =>
    isWithin.crashes(at, act) || at.over !== 'no' || act.do === 'bye' || act.do === 'window over',
  crashes: ({ restarted }: Reference, { do: verb }: Act) => restarted || verb === 'crash' || verb === 'shutdown',
} as const;

/** One step a state, as the protocol tells them apart, and case; which jobs run counts where it may matter to the act. */
function labelOf({ state, over, tokens, refusals, jobs }: Reference, act: Act, name: string): string {
  // But for its own end, which may come while the process is down, a lease that ends is a limit like any other.
  const isItsEnd = act.do === 'lease over' || act.do === 'crash';
  const alike = (status: string) => (status === 'leased' && !isItsEnd ? 'limited' : status);
  const statuses = jobs.map(({ status }) => alike(status)).sort();
  const counts = act.do !== 'resume' || name === 'resume at the head' || act.replay === 'held';
  return JSON.stringify([state, over, tokens, refusals, counts ? statuses : jobs.length > 0, name]);
}
