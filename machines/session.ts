import { sessionSetup } from './session.setup.ts';

/**
 * The life of one session (§6.3, §6.4, §6.7). `attached` has a client's connection, `detached` waits for one; in both, jobs
 * run and emit alike. Only a goodbye frame (`session.bye`, `session.close`) is evidence of intent: any other end is a drop.
 */
export const sessionMachine = sessionSetup.createMachine({
  id: 'session',
  context: ({ input }) => ({ ...input, principal: null, refusals: 0, goodTokens: 0, windowLeftMs: null, jobs: [] }),
  initial: 'handshaking',
  on: {
    'session.resume': [
      { guard: 'isForeign', actions: 'refuseForeign' },
      { guard: 'namesAnother', actions: 'refuseMisnamed' },
      { guard: 'isTrimmed', actions: 'refuseTrimmed' },
      { guard: 'isAhead', actions: 'refuseAhead' },
      { target: '.attached.resumed', actions: ['supersede', 'rotateToken', 'countToken', 'attach', 'welcome'] },
    ],
    'job.restored': { actions: ['spawnJob', 'resumeJob'] },
    'job.cancel': [{ guard: 'mayCancel', actions: 'forwardCancel' }, { actions: 'refuseCancel' }],
    'job.delegated': { actions: ['countJob', 'spawnJob', 'announceJob', 'startJob'] },
    'runtime.shutdown': { actions: 'abandonJobs' },
    'xstate.done.actor.*': { actions: ['dismissJob', 'uncountJob', 'tellChildren'] },
    'xstate.error.actor.*': { actions: ['recordFault', 'dismissJob', 'uncountJob', 'tellChildren'] },
    '*': { actions: 'refuse' },
  },
  states: {
    handshaking: {
      after: { handshakeTimeoutMs: { target: 'closed', actions: 'closeSilent' } },
      on: {
        'session.hello': { target: 'attached', actions: ['authenticate', 'open', 'attach', 'welcome'] },
        'handshake.refused': [
          { guard: 'isLastTry', target: 'closed', actions: ['refuseHandshake', 'closePolicy'] },
          { actions: ['refuseHandshake', 'countRefusal'] },
        ],
        'frame.malformed': { target: 'closed', actions: ['refuse', 'closePolicy'] },
        'session.restored': { target: 'detached', actions: 'recall' },
        'session.restored.closed': { target: 'closed', actions: 'recall' },
        'session.restored.expired': { target: 'expired', actions: 'recall' },
        'connection.adopted': 'closed',
        'transport.lost': 'closed',
        'runtime.shutdown': { target: 'closed', actions: 'closeShutdown' },
        '*': { target: 'closed', actions: ['refuseUnauthenticated', 'closePolicy'] },
      },
    },
    attached: {
      initial: 'live',
      on: {
        'transport.lost': 'detached',
        'heartbeat.lost': { target: 'detached', actions: 'closeHeartbeatLost' },
        'consumer.stalled': { target: 'detached', actions: 'closeStalled' },
        'session.close': { target: 'detached', actions: ['sayClosed', 'closeGoodbye'] },
        'session.bye': [
          { guard: 'byeCancels', target: 'closed', actions: ['sayClosed', 'closeGoodbye', 'cancelJobs'] },
          { target: 'closed', actions: ['sayClosed', 'closeGoodbye'] },
        ],
        'runtime.shutdown': { target: 'detached', actions: ['closeShutdown', 'abandonJobs'] },
        'token.proven': { actions: ['retirePreviousToken', 'uncountToken'] },
        'job.submit': { actions: ['countJob', 'spawnJob', 'acceptJob', 'startJob'] },
      },
      states: {
        live: {},
        resumed: { entry: 'replay', on: { 'replay.caughtUp': 'live' } },
      },
    },
    detached: {
      entry: ['detach', 'keepDetached'],
      after: {
        resumeWindowMs: [{ guard: 'expiryCancels', target: 'expired', actions: 'cancelJobs' }, { target: 'expired' }],
      },
    },
    closed: {
      entry: ['uncountTokens', 'detach', 'dropLog', 'keepClosed'],
      always: { guard: 'jobsSettled', target: 'ended', actions: 'release' },
      on: { 'session.resume': { actions: 'refuseUnknown' }, 'job.cancel': { actions: 'forwardCancel' } },
    },
    expired: {
      entry: ['uncountTokens', 'dropLog', 'keepExpired'],
      always: { guard: 'jobsSettled', target: 'ended', actions: ['bury', 'release'] },
      on: { 'session.resume': { actions: 'refuseExpired' }, 'job.cancel': { actions: 'forwardCancel' } },
    },
    ended: { type: 'final' },
  },
});
