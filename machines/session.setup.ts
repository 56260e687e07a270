import { assertEvent, assign, enqueueActions, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { SessionEvent } from './events.ts';
import { jobMachine } from './job.ts';

/** What a session's chart is told when it begins. Durations in milliseconds. */
export interface SessionInput {
  sessionId: string;
  handshakeTimeoutMs: number;
  resumeWindowMs: number;
  /** How long a cancelled job's agent may take to settle before its terminal is written for it. */
  cancelGraceMs: number;
  /** How long a job's terminal waits for the revocation of its credentials (§9.8). */
  revocationGraceMs: number;
  onBye: 'cancel' | 'keep';
  onExpire: 'cancel' | 'keep';
  /** What becomes of running jobs when the runtime shuts down: a store that lasts keeps them for its next start. */
  onShutdown: 'abandon' | 'keep';
  /** Refused hellos or resumes a socket may make; the last one closes it. */
  refusalsMax: number;
}

/** What a session's chart remembers. No secret, no clock, no socket: those are possessions (src/session.ts). */
export interface SessionContext extends SessionInput {
  /** Null until authenticated. */
  principal: string | null;
  refusals: number;
  /** Tokens that open this session: 0 before the welcome, 2 while a rotated one is not yet proven received (§6.3). */
  goodTokens: 0 | 1 | 2;
  /** What is left of the resume window, where an earlier process began it; null for a whole one. */
  windowLeftMs: number | null;
  /** Ids of the jobs whose terminal is not yet in the log. */
  jobs: readonly string[];
  /** By the id of a delegated job among them, its parent's (§10); absent where none ever was. */
  parents?: Readonly<Record<string, string>>;
}

// Effects are named here and done by src/effects.ts: on its own, the chart touches nothing.
const effect = () => {};

/** Types, guards, delays and the names of every effect of the session chart (machines/session.ts). */
export const sessionSetup = setup({
  types: {
    context: {} as SessionContext,
    input: {} as SessionInput,
    events: {} as SessionEvent,
  },
  actors: { job: jobMachine },
  delays: {
    handshakeTimeoutMs: ({ context }) => context.handshakeTimeoutMs,
    resumeWindowMs: ({ context }) => context.windowLeftMs ?? context.resumeWindowMs,
  },
  guards: {
    // Who fails to say who he is has no second try.
    isLastTry: ({ context, event }) =>
      context.refusals + 1 >= context.refusalsMax ||
      (event.type === 'handshake.refused' && event.refusal.code === 'UNAUTHENTICATED'),
    isForeign: ({ context, event }) => event.type === 'session.resume' && event.principal !== context.principal,
    namesAnother: ({ event }) => event.type === 'session.resume' && event.namesAnother,
    isTrimmed: ({ event }) => event.type === 'session.resume' && event.coverage === 'trimmed',
    isAhead: ({ event }) => event.type === 'session.resume' && event.coverage === 'ahead',
    mayCancel: ({ event }) => event.type === 'job.cancel' && event.mayCancel,
    byeCancels: ({ context }) => context.onBye === 'cancel',
    expiryCancels: ({ context }) => context.onExpire === 'cancel',
    jobsSettled: ({ context }) => context.jobs.length === 0,
  },
  actions: {
    // To the asker.
    welcome: effect,
    refuseHandshake: effect,
    refuseUnauthenticated: effect,
    refuseForeign: effect,
    refuseMisnamed: effect,
    refuseTrimmed: effect,
    refuseAhead: effect,
    refuseExpired: effect,
    refuseUnknown: effect,
    refuseCancel: effect,
    refuse: effect,
    sayClosed: effect,
    // To the connection.
    closePolicy: effect,
    closeSilent: effect,
    closeGoodbye: effect,
    closeHeartbeatLost: effect,
    closeStalled: effect,
    closeShutdown: effect,
    supersede: effect,
    attach: effect,
    replay: effect,
    detach: effect,
    // To the session's possessions.
    open: effect,
    rotateToken: effect,
    retirePreviousToken: effect,
    dropLog: effect,
    bury: effect,
    release: effect,
    // To the store.
    keepDetached: effect,
    keepClosed: effect,
    keepExpired: effect,
    // To jobs.
    acceptJob: effect,
    announceJob: effect,
    recordFault: effect,
    resumeJob: sendTo(
      ({ event }) => childOf(event),
      ({ event }) => {
        assertEvent(event, 'job.restored');
        return { type: event.fate };
      },
    ),
    startJob: sendTo(({ event }) => childOf(event), { type: 'job.start' }),
    forwardCancel: sendTo(
      ({ event }) => childOf(event),
      ({ event }) => {
        assertEvent(event, 'job.cancel');
        const { asker, reason } = event;
        return reason === undefined ? { type: 'job.cancel', asker } : { type: 'job.cancel', asker, reason };
      },
    ),
    cancelJobs: enqueueActions(({ enqueue, context }) => {
      for (const jobId of context.jobs) enqueue.sendTo(jobId, { type: 'session.over' });
    }),
    abandonJobs: enqueueActions(({ enqueue, context }) => {
      const abandoned = context.onShutdown === 'abandon' ? context.jobs : [];
      for (const jobId of abandoned) enqueue.sendTo(jobId, { type: 'runtime.shutdown' });
    }),
    tellChildren: enqueueActions(({ enqueue, context, event, self }) => {
      const { children } = self.getSnapshot();
      for (const jobId of context.jobs) {
        // A child that has ended in the same moment is told no more.
        const hasEnded = children[jobId]?.getSnapshot().status === 'done';
        if (context.parents?.[jobId] === childOf(event) && !hasEnded) enqueue.sendTo(jobId, { type: 'parent.ended' });
      }
    }),
    spawnJob: spawnChild('job', {
      id: ({ event }) => childOf(event),
      input: ({ context, event }) => {
        assertEvent(event, ['job.submit', 'job.delegated', 'job.restored']);
        const { jobId, maxRuntimeMs, leaseExpiryMs } = event;
        const { cancelGraceMs, revocationGraceMs } = context;
        const credentials = event.type === 'job.delegated' ? 0 : event.credentials;
        return { jobId, maxRuntimeMs, leaseExpiryMs, credentials, cancelGraceMs, revocationGraceMs };
      },
    }),
    dismissJob: stopChild(({ event }) => childOf(event)),
    // To the context.
    authenticate: assign({
      principal: ({ event }) => (event.type === 'session.hello' ? event.principal : null),
      goodTokens: 1,
    }),
    countRefusal: assign({ refusals: ({ context }) => context.refusals + 1 }),
    // Whoever comes back has the whole window before him again.
    countToken: assign({ goodTokens: 2, windowLeftMs: null }),
    uncountToken: assign({ goodTokens: 1 }),
    uncountTokens: assign({ goodTokens: 0 }),
    recall: assign(({ event }) => {
      assertEvent(event, ['session.restored', 'session.restored.closed', 'session.restored.expired']);
      const { principal, goodTokens, windowLeftMs, jobs } = event;
      return { principal, goodTokens, windowLeftMs, jobs };
    }),
    countJob: assign({
      jobs: ({ context, event }) => [...context.jobs, childOf(event)],
      parents: ({ context: { parents = {} }, event }) =>
        event.type === 'job.delegated' ? { ...parents, [event.jobId]: event.parentId } : parents,
    }),
    uncountJob: assign({
      jobs: ({ context, event }) => context.jobs.filter((jobId) => jobId !== childOf(event)),
      parents: ({ context: { parents = {} }, event }) =>
        Object.fromEntries(Object.entries(parents).filter(([jobId]) => jobId !== childOf(event))),
    }),
  },
});

/** The id of the job an event is about. */
function childOf(event: SessionEvent): string {
  if ('jobId' in event) return event.jobId;
  return 'actorId' in event ? event.actorId : '';
}
