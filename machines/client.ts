import { clientSetup } from './client.setup.ts';

/**
 * The life of one session as its client lives it (§6.1, §6.3, §6.7): the other end of machines/session.ts. However often
 * the connection is lost, the client comes back to the same session or says that it could not: it never opens another.
 */
export const clientMachine = clientSetup.createMachine({
  id: 'client',
  context: ({ input }) => ({ ...input, losses: 0, jitter: 0 }),
  initial: 'detached',
  on: { '*': { actions: 'ignore' } },
  states: {
    detached: {
      initial: 'connecting',
      after: { patienceMs: [{ guard: 'hasSession', target: 'expired' }, { target: 'closed' }] },
      on: { 'close.requested': 'closed', 'bye.requested': 'closed' },
      states: {
        connecting: {
          entry: 'dial',
          after: { connectTimeoutMs: { actions: 'abandon' } },
          on: {
            'transport.opened': 'handshaking',
            'transport.lost': [{ guard: 'isPatient', target: 'waiting' }, { target: '#client.closed' }],
          },
        },
        handshaking: {
          entry: 'sayHello',
          after: { handshakeTimeoutMs: { actions: 'abandon' } },
          on: {
            'session.welcome': [
              { guard: 'isSameSession', target: '#client.attached.resumed', actions: 'adopt' },
              { guard: 'hasSession', target: '#client.expired' },
              { target: '#client.attached', actions: 'adopt' },
            ],
            'handshake.refused': [
              { guard: 'isResumeRefused', target: '#client.expired' },
              { guard: 'isWorthAnotherTry', target: 'waiting' },
              { target: '#client.closed' },
            ],
            'transport.lost': [
              { guard: 'isSuperseded', target: '#client.closed' },
              { guard: 'isPatient', target: 'waiting' },
              { target: '#client.closed' },
            ],
            'stream.broken': [{ guard: 'isPatient', target: 'waiting' }, { target: '#client.closed' }],
          },
        },
        waiting: { entry: ['countLoss', 'detach'], after: { backoffMs: 'connecting' } },
      },
    },
    attached: {
      entry: ['attach', 'resend'],
      initial: 'live',
      on: {
        'transport.lost': [
          { guard: 'isSuperseded', target: 'closed' },
          { guard: 'isRefused', target: 'closed' },
          { target: 'detached.waiting' },
        ],
        'heartbeat.lost': 'detached.waiting',
        'stream.broken': 'detached.waiting',
        'session.bye': [{ guard: 'isResumable', target: 'detached.waiting' }, { target: 'expired' }],
        'close.requested': { target: 'closing', actions: 'sayClose' },
        'bye.requested': { target: 'closing', actions: 'sayBye' },
      },
      states: {
        live: { entry: 'forgetLosses' },
        resumed: { entry: 'prove', on: { 'replay.caughtUp': 'live' } },
      },
    },
    closing: { after: { closeTimeoutMs: 'closed' }, on: { 'session.closed': 'closed', 'transport.lost': 'closed' } },
    expired: { type: 'final', entry: 'expire' },
    closed: { type: 'final', entry: 'end' },
  },
});
