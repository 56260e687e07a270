import { type Actor, type AnyActorRef, type AnyStateMachine, createActor, type InspectionEvent } from 'xstate';
import { type FinalStatus, type Refusal, sessionMachine } from '../../machines/index.ts';
import { type SimulatedClock, simulatedClock } from '../clock.ts';
import { chartView } from './chart-moment.ts';
import type { Observed, SessionDriver } from './driver.ts';
import type { Act, ResumeAct } from './model.ts';
import { outcomeOf } from './outcome.ts';
import { type Answer, isAttached, type Policy, type Reference } from './reference.ts';
import { durations, lapses, sessionInput } from './session-input.ts';
import { beginsAnew, handshakeRefusal, told } from './told.ts';

/** The effects that answer whoever acted, and with what. */
const answers: Readonly<Record<string, Answer>> = {
  welcome: { type: 'session.welcome' },
  sayClosed: { type: 'session.closed' },
  acceptJob: { type: 'job.accepted' },
  refuseUnauthenticated: { type: 'session.error', code: 'UNAUTHENTICATED' },
  refuseCancel: { type: 'session.error', code: 'PERMISSION_DENIED' },
  closeHeartbeatLost: { type: 'session.error', code: 'HEARTBEAT_LOST' },
};

/** The effects that refuse a resume: the chart of the asker's own connection is told (§6.3). */
const refusals: Readonly<Record<string, { code: Refusal['code']; reason?: string }>> = {
  refuseForeign: { code: 'PERMISSION_DENIED' },
  refuseMisnamed: { code: 'INVALID_REQUEST' },
  refuseTrimmed: { code: 'RESUME_WINDOW_EXPIRED', reason: 'trimmed' },
  refuseAhead: { code: 'RESUME_WINDOW_EXPIRED', reason: 'ahead' },
  refuseExpired: { code: 'RESUME_WINDOW_EXPIRED', reason: 'expired' },
  refuseUnknown: { code: 'RESUME_WINDOW_EXPIRED', reason: 'unknown' },
};

const closes: Readonly<Record<string, number>> = {
  closePolicy: 1008,
  closeSilent: 4004,
  closeGoodbye: 1000,
  closeHeartbeatLost: 4002,
  closeStalled: 4003,
  closeShutdown: 1001,
};

const terminals: Readonly<Record<string, FinalStatus>> = {
  recordResult: 'success',
  recordError: 'error',
  recordExpiry: 'error',
  recordFault: 'error',
  recordInterrupted: 'error',
  recordCancelled: 'cancelled',
  recordTimeout: 'timed_out',
};

/** States of a job in which its agent has been told to stop. */
const stopped: ReadonlySet<string> = new Set([
  '"cancelling"',
  '{"revoking":"stopped"}',
  '{"revoking":"overdue"}',
  '{"revoking":"expired"}',
]);

/** Acts whose answer is the runtime's own: the chart is not asked. */
const besideChart: ReadonlySet<Act['do']> = new Set([
  'ping',
  'ack',
  'ack beyond the newest',
  'be adopted',
  'refused submit',
  'cancel an unknown job',
]);

/** Acts that ask for a job's end; nobody is told where it has another cause. */
const cancels: ReadonlySet<Act['do']> = new Set([
  'cancel',
  'cancel again',
  'cancel the ended job',
  "stranger's cancel",
]);

export interface ChartDriverOptions {
  policy: Policy;
  inspect?: (event: InspectionEvent) => void;
  /** Default: the session chart that runs in production. */
  machine?: AnyStateMachine;
}

/**
 * Level (a): the production chart alone, live, on a simulated clock; its effects do nothing but are seen. A connection that
 * resumes is a chart of its own, still in its handshake, as in the runtime.
 */
export class ChartDriver implements SessionDriver {
  readonly #options: ChartDriverOptions;
  readonly #clock: SimulatedClock = simulatedClock();
  #session: Actor<AnyStateMachine>;
  #effects: string[] = [];
  readonly #everyEffect = new Set<string>();
  #detachedMs = 0;

  constructor(options: ChartDriverOptions) {
    this.#options = options;
    this.#session = this.#beginSession();
  }

  perform(at: Reference, act: Act): Observed {
    this.#effects = [];
    const answer = act.do === 'resume' ? this.#resume(at, act) : this.#act(at, act);
    const snapshot = this.#session.getSnapshot();
    const { value, context, children } = chartView(snapshot);
    if (at.state !== 'detached' && value === 'detached') this.#detachedMs = this.#clock.uptime();
    return {
      state: stateOf(value),
      tokens: context.goodTokens,
      jobs: Object.entries(children).map(([id, status]) => ({
        id,
        status: stopped.has(JSON.stringify(status)) ? 'cancelling' : 'running',
      })),
      ...answer,
      supersedes: act.do === 'resume' && this.#effects.includes('supersede') && isAttached(at),
      terminals: this.#effects.flatMap((effect) => terminals[effect] ?? []),
      faults: this.#faults(at, context.jobs, Object.keys(children)),
    };
  }

  end(): void {
    this.#session.stop();
  }

  #beginSession(): Actor<AnyStateMachine> {
    return this.#begin((effect) => {
      this.#effects.push(effect);
      this.#everyEffect.add(effect);
    });
  }

  #begin(effect: (name: string) => void): Actor<AnyStateMachine> {
    const { policy, inspect, machine = sessionMachine } = this.#options;
    const actor = createActor(machine, {
      input: sessionInput(policy),
      clock: this.#clock,
      inspect: (event) => {
        inspect?.(event);
        if (event.type === '@xstate.action') effect(event.action.type);
      },
    });
    const failed = (error: unknown) => effect(`failed: ${String(error)}`);
    actor.subscribe({ error: failed });
    return actor.start();
  }

  /** What happens to the session, in time or as events. */
  #act(at: Reference, act: Act): Pick<Observed, 'answer' | 'closes'> {
    const waitMs = this.#waitMs(act);
    if (beginsAnew(at, act)) {
      this.#session.stop();
      this.#session = this.#beginSession();
      this.#detachedMs = this.#clock.uptime();
    }
    for (const { event, to } of told(at, act, this.#options.policy)) {
      if (event.type.startsWith('xstate.after.')) continue;
      this.#actor(to)?.send(event);
    }
    if (waitMs !== undefined) this.#clock.advance(waitMs);
    return { ...this.#answer(at, act), closes: this.#closes(act) };
  }

  /** The session, or one of its jobs. */
  #actor(jobId?: string): AnyActorRef | undefined {
    const { children } = this.#session.getSnapshot();
    return jobId === undefined ? this.#session : children[jobId];
  }

  #waitMs(act: Act): number | undefined {
    const { handshakeTimeoutMs, resumeWindowMs } = durations;
    switch (act.do) {
      case 'handshake timeout':
        return handshakeTimeoutMs - this.#clock.uptime() - (act.moment === 'over' ? 0 : 1);
      case 'window over':
        return this.#detachedMs + resumeWindowMs - this.#clock.uptime();
      case 'lease over':
        return act.found === 'by the clock' ? durations.leaseExpiryMs : undefined;
      default:
        return lapses.get(act.do);
    }
  }

  #answer(at: Reference, act: Act): Pick<Observed, 'answer'> {
    if (besideChart.has(act.do)) return {};
    if (act.do === 'misplaced frame' && act.frame === "another session's") return {};
    if (act.do === "stranger's cancel" && act.principal === 'another') return {};
    const said = this.#effects.flatMap((effect): Answer[] => {
      if (effect === 'refuse')
        return act.do === 'late fact' ? [] : [{ type: 'session.error', code: 'INVALID_REQUEST' }];
      if (effect === 'refuseHandshake') return refusalOf(act);
      if (effect === 'acknowledgeCancel') return cancels.has(act.do) ? [{ type: 'job.cancelled' }] : [];
      if (effect === 'refuseLateCancel') return act.do.includes('cancel') ? [lateCancel] : [];
      if (effect === 'closeShutdown') return at.tokens > 0 ? [{ type: 'session.bye' }] : [];
      const answer = answers[effect];
      return answer ? [answer] : [];
    });
    return { answer: said[0] ?? null };
  }

  #closes(act: Act): number | null {
    if (act.do === 'violate') return act.code;
    const [code] = this.#effects.flatMap((effect) => closes[effect] ?? []);
    return act.do === 'malformed first frame' && act.frame === 'session.open' && code === 1008 ? 1002 : (code ?? null);
  }

  /** A newer connection asks: the session's chart decides, unless no token of its leads there. */
  #resume(at: Reference, act: ResumeAct): Pick<Observed, 'answer' | 'closes'> {
    if (act.when !== 'any time')
      this.#clock.advance(this.#detachedMs + durations.resumeWindowMs - 1 - this.#clock.uptime());
    const newerEffects: string[] = [];
    const newer = this.#begin((effect) => newerEffects.push(effect));
    const asked = told(at, act, this.#options.policy);
    for (const { event } of asked) this.#actor()?.send(event);
    const [refused] = this.#effects.flatMap((effect) => refusals[effect] ?? []);
    const isWelcome = this.#effects.includes('welcome');
    // Without a token that leads to the session, the runtime refuses by itself (src/connections/handshake.ts).
    const refusal = refused ?? (asked.length === 0 ? ownRefusal(at, act, this.#options.policy) : undefined);
    if (isWelcome) newer.send({ type: 'connection.adopted' });
    if (refusal) {
      const asker = { connectionId: 'newer', requestId: 'request' };
      newer.send({ type: 'handshake.refused', asker, refusal: { code: refusal.code, message: refusal.code } });
    }
    const closed = newerEffects.includes('closePolicy') ? 1008 : null;
    if (newer.getSnapshot().status === 'active') newer.send({ type: 'transport.lost', code: 1006 });
    if (isWelcome) return { answer: { type: 'session.welcome' }, closes: closed };
    return { answer: refusal ? { type: 'session.error', ...refusal } : null, closes: closed };
  }

  #faults(at: Reference, counted: readonly string[], children: readonly string[]): string[] {
    const effects = this.#effects;
    const isBefore = (first: string, then: string) =>
      !effects.includes(then) || (effects.includes(first) && effects.indexOf(first) < effects.indexOf(then));
    const { status } = this.#session.getSnapshot();
    const everySettled = [...this.#everyEffect];
    return [
      ...effects.filter((effect) => effect.startsWith('failed: ')),
      ...(isBefore('attach', 'welcome') ? [] : ['welcomed before it was attached']),
      ...(at.state === 'handshaking' || isBefore('rotateToken', 'welcome')
        ? []
        : ['welcomed with a token that was not rotated']),
      ...(!isAttached(at) || isBefore('supersede', 'attach') ? [] : ['attached before the old connection was closed']),
      ...(isBefore('sayClosed', 'closeGoodbye') ? [] : ['closed before the goodbye was answered']),
      ...(counted.join() === children.join() ? [] : [`counts the jobs ${counted.join()} and runs ${children.join()}`]),
      ...(status === 'active' || everySettled.includes('release') ? [] : ['ended without letting go of anything']),
    ];
  }
}

function stateOf(value: unknown): Reference['state'] {
  const names = ['handshaking', 'live', 'resumed', 'detached', 'closed', 'expired', 'ended'] as const;
  const text = JSON.stringify(value);
  return names.find((name) => text === `"${name}"` || text === `{"attached":"${name}"}`) ?? 'ended';
}

const lateCancel: Answer = { type: 'session.error', code: 'JOB_NOT_FOUND', reason: 'ended' };

function refusalOf(act: Act): Answer[] {
  const isRefused = act.do === 'unauthenticated hello' || act.do === 'refused resume';
  return isRefused ? [{ type: 'session.error', code: handshakeRefusal(act) }] : [];
}

function ownRefusal(
  at: Reference,
  act: ResumeAct,
  policy: Policy,
): { code: Refusal['code']; reason?: string } | undefined {
  const answer = outcomeOf(at, act, policy)?.answer;
  switch (answer?.code) {
    case 'UNAUTHENTICATED':
    case 'INVALID_REQUEST':
    case 'RESUME_WINDOW_EXPIRED':
      return answer.reason === undefined ? { code: answer.code } : { code: answer.code, reason: answer.reason };
    default:
      return undefined;
  }
}
