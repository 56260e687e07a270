import type { Refusal, SessionEvent } from '../machines/index.ts';
import type { SessionContext } from '../machines/session.setup.ts';
import type { Connection } from './connections/connection.ts';
import type { Credentials } from './credentials/credentials.ts';
import type { AgentDirectory } from './jobs/agents.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { AuditEntry, Settings } from './options.ts';
import type { Registry } from './registry.ts';
import type { Session } from './session.ts';
import { closeCodes } from './transports/transport.ts';
import { ArcpError, type ErrorCode, type ErrorDetails } from './wire/errors.ts';
import { type Feature, featureNames } from './wire/messages.ts';

/** What effects act on. The registry and the jobs are asked for when an effect runs: they and the charts need each other. */
export interface EffectsWorld {
  settings: Settings;
  /** Tells of a decision about authority; never throws. */
  audit(entry: Omit<AuditEntry, 'at'>): void;
  agents: AgentDirectory;
  registry(): Registry;
  jobs(): Jobs;
  credentials: Credentials;
}

interface SessionMoment {
  context: SessionContext;
  event: SessionEvent;
}

/** What each effect named in machines/session.ts does to the world. */
// tidy: one table, a line or a few for each effect of the chart
export function sessionEffects(world: EffectsWorld) {
  const { settings } = world;
  const { store, heartbeatMs, resumeWindowMs } = settings;
  /** The token minted in this step, told once by the welcome that follows it. */
  let tokenToTell = '';

  const sessionOf = ({ context }: SessionMoment): Session => {
    const session = world.registry().byId(context.sessionId);
    if (!session) throw new Error(`effect of a session that is gone: ${context.sessionId}`);
    return session;
  };
  const askerOf = ({ event }: SessionMoment): { connection: Connection | undefined; requestId: string } => {
    if (!('asker' in event)) return { connection: undefined, requestId: '' };
    const { connectionId, requestId } = event.asker;
    return { connection: world.registry().connections.get(connectionId), requestId };
  };
  const { audit } = world;

  /** Tells the asker's own chart, still in its handshake, that its resume was refused: it counts its tries. */
  const refuseResume = (moment: SessionMoment, refusal: Refusal) => {
    const { event, context } = moment;
    if (event.type !== 'session.resume') return;
    const { code, details } = refusal;
    settings.tally.refused({ code, reason: code === 'INVALID_REQUEST' ? 'misnamed' : details?.reason });
    audit({ action: 'resume', outcome: 'refused', principal: event.principal, sessionId: context.sessionId, code });
    askerOf(moment).connection?.session.actor.send({ type: 'handshake.refused', asker: event.asker, refusal });
  };
  const refuseOver = (moment: SessionMoment, message: string, details: ErrorDetails) =>
    refuseResume(moment, { code: 'RESUME_WINDOW_EXPIRED', message, details });
  const refuseAsker = (moment: SessionMoment, code: ErrorCode, message: string) => {
    const { connection, requestId } = askerOf(moment);
    connection?.refuse({ requestId, ...requestOf(moment.event) }, new ArcpError(code, message));
  };
  const keptSeqs = ({ log }: Session) => ({ oldest_seq: log.oldestSeq, newest_seq: log.newestSeq });
  const closing = (code: number, reason: string) => (moment: SessionMoment) =>
    sessionOf(moment).connection?.close(code, reason);
  /** What an earlier process has left is kept already (src/registry.ts). */
  const keeping = (state: 'detached' | 'closed' | 'expired') => (moment: SessionMoment) => {
    if (!moment.event.type.startsWith('session.restored')) world.registry().keep(sessionOf(moment), state);
  };
  const isOwn = ({ context, event }: SessionMoment) =>
    event.type === 'session.resume' && event.principal === context.principal;

  return {
    welcome: (moment: SessionMoment) => {
      const session = sessionOf(moment);
      const { connection, requestId } = askerOf(moment);
      connection?.reply('session.welcome', requestId, {
        session_id: session.id,
        runtime: settings.runtime,
        resume_token: tokenToTell,
        resume_window_sec: wholeSeconds(resumeWindowMs),
        ...(session.features.has('heartbeat') ? { heartbeat_interval_sec: wholeSeconds(heartbeatMs) } : {}),
        capabilities: { encodings: ['json'], features: [...session.features], agents: world.agents.list() },
      });
      tokenToTell = '';
    },
    refuseHandshake: (moment: SessionMoment) => {
      const { connection, requestId } = askerOf(moment);
      if (moment.event.type !== 'handshake.refused') return;
      const { code, message, details } = moment.event.refusal;
      connection?.refuse(requestId, new ArcpError(code, message, details));
      if (connection?.dialect.afterRefusedHello === 'close') connection.close(closeCodes.policy, 'refused');
    },
    refuseUnauthenticated: (moment: SessionMoment) =>
      refuseAsker(moment, 'UNAUTHENTICATED', 'the first frame must be session.hello or session.resume'),
    refuseForeign: (moment: SessionMoment) =>
      refuseResume(moment, { code: 'PERMISSION_DENIED', message: 'this session belongs to another principal' }),
    refuseMisnamed: (moment: SessionMoment) =>
      refuseResume(moment, { code: 'INVALID_REQUEST', message: 'the session_id is not that of the resume token' }),
    refuseTrimmed: (moment: SessionMoment) =>
      refuseOver(moment, 'events after last_event_seq are no longer kept', {
        reason: 'trimmed',
        ...keptSeqs(sessionOf(moment)),
      }),
    refuseAhead: (moment: SessionMoment) =>
      refuseOver(moment, 'last_event_seq is beyond the newest event', {
        reason: 'ahead',
        ...keptSeqs(sessionOf(moment)),
      }),
    refuseExpired: (moment: SessionMoment) =>
      refuseOver(moment, 'the resume window of this session is over', {
        reason: isOwn(moment) ? 'expired' : 'unknown',
      }),
    refuseUnknown: (moment: SessionMoment) =>
      refuseOver(moment, 'this session cannot be resumed: unknown token', {
        reason: 'unknown',
      }),
    refuseCancel: (moment: SessionMoment) => {
      const { connection } = askerOf(moment);
      if (moment.event.type !== 'job.cancel') return;
      audit({
        action: 'cancel',
        outcome: 'refused',
        principal: connection?.session.principal ?? '',
        jobId: moment.event.jobId,
        code: 'PERMISSION_DENIED',
      });
      refuseAsker(moment, 'PERMISSION_DENIED', 'only the session that submitted a job may cancel it while it lasts');
    },
    refuse: (moment: SessionMoment) => {
      const { event } = moment;
      if (speaksOtherProtocol(event)) refuseAsker(moment, 'INVALID_REQUEST', otherProtocolMessage);
      else if (event.type === 'frame.malformed') refuseAsker(moment, 'INVALID_REQUEST', event.problem);
      else if (event.type === 'frame.unexpected')
        refuseAsker(moment, 'INVALID_REQUEST', `${event.frame} is not for a session that is already open`);
      else settings.log.debug({ sessionId: moment.context.sessionId, event: event.type }, 'an event changed nothing');
    },
    sayClosed: (moment: SessionMoment) => {
      const { connection, requestId } = askerOf(moment);
      const { event } = moment;
      connection?.reply(
        'session.closed',
        requestId,
        'reason' in event && event.reason !== undefined ? { reason: event.reason } : {},
      );
    },

    closePolicy: (moment: SessionMoment) => {
      const other = speaksOtherProtocol(moment.event);
      closing(other ? closeCodes.otherProtocol : closeCodes.policy, other ? 'another protocol' : 'refused')(moment);
    },
    closeSilent: closing(closeCodes.handshakeTimeout, 'handshake timeout'),
    closeGoodbye: closing(closeCodes.goodbye, 'goodbye'),
    closeStalled: closing(closeCodes.slowConsumer, 'slow consumer'),
    closeHeartbeatLost: (moment: SessionMoment) => {
      sessionOf(moment).connection?.refuse(
        '',
        new ArcpError('HEARTBEAT_LOST', 'nothing was heard for two heartbeat intervals'),
      );
      closing(closeCodes.heartbeatLost, 'heartbeat lost')(moment);
    },
    closeShutdown: (moment: SessionMoment) => {
      const session = sessionOf(moment);
      if (session.tokens)
        session.connection?.reply('session.bye', '', { reason: 'shutdown', resumable: store.durable });
      closing(closeCodes.shutdown, 'shutdown')(moment);
    },

    open: (moment: SessionMoment) => {
      if (moment.event.type !== 'session.hello') return;
      const { principal } = moment.event;
      const session = sessionOf(moment);
      // What is numbered is written in the dialect of who said hello, for as long as the session lives (§10).
      if (session.connection) session.dialect = session.connection.dialect;
      tokenToTell = world.registry().admit(session, principal);
      audit({ action: 'hello', outcome: 'allowed', principal, sessionId: moment.context.sessionId });
    },
    supersede: closing(closeCodes.superseded, 'superseded by a newer connection'),
    rotateToken: (moment: SessionMoment) => {
      if (moment.event.type !== 'session.resume') return;
      settings.tally.resumed('resumed');
      tokenToTell = world.registry().rotate(sessionOf(moment), moment.event.token);
      const { principal } = moment.event;
      audit({ action: 'resume', outcome: 'allowed', principal, sessionId: moment.context.sessionId });
    },
    retirePreviousToken: (moment: SessionMoment) => {
      world.registry().retirePrevious(sessionOf(moment));
      world.registry().keep(sessionOf(moment), 'attached');
    },
    attach: (moment: SessionMoment) => {
      const session = sessionOf(moment);
      const { connection } = askerOf(moment);
      if (!connection) return;
      session.connection?.release();
      const candidate = connection.session;
      if (candidate !== session) {
        candidate.connect(undefined);
        connection.session = session;
        candidate.actor.send({ type: 'connection.adopted' });
      }
      if (candidate === session || connection.asked) session.features = negotiate(settings.features, connection.asked);
      session.connect(connection);
      connection.engage(session.features);
      world.registry().keep(session, 'attached');
    },
    replay: (moment: SessionMoment) => sessionOf(moment).replay(),
    detach: (moment: SessionMoment) => {
      const session = sessionOf(moment);
      session.connection?.release();
      session.connect(undefined);
    },
    dropLog: (moment: SessionMoment) => {
      sessionOf(moment).endSubscriptions();
      sessionOf(moment).log.drop();
    },
    keepDetached: keeping('detached'),
    keepClosed: keeping('closed'),
    keepExpired: keeping('expired'),
    bury: (moment: SessionMoment) => world.registry().bury(sessionOf(moment)),
    release: (moment: SessionMoment) => world.registry().forget(sessionOf(moment)),

    acceptJob: (moment: SessionMoment) => {
      if (moment.event.type !== 'job.submit') return;
      const job = world.jobs().live(moment.event.jobId);
      const { connection, requestId } = askerOf(moment);
      if (!job || !connection) return;
      const to = { requestId, jobId: job.id, traceId: job.traceId };
      connection.reply('job.accepted', to, job.acceptedFor(connection.session));
    },
    announceJob: ({ event, context }: SessionMoment) => {
      if (event.type !== 'job.delegated') return;
      const job = world.jobs().live(event.jobId);
      const connection = world.registry().byId(context.sessionId)?.connection;
      // Who is not there, or not told, reads of it in its parent's `delegate` event.
      if (!job || connection?.dialect.acceptedOfChild !== 'sent') return;
      connection.reply('job.accepted', { requestId: '', jobId: job.id, traceId: job.traceId }, job.accepted);
    },
    recordFault: ({ event }: SessionMoment) => {
      if (!('actorId' in event && 'error' in event)) return;
      const job = world.jobs().live(event.actorId);
      settings.log.error({ jobId: job?.id, err: event.error }, 'a job failed inside the runtime');
      if (job?.status === 'running') job.recordError('error', 'INTERNAL_ERROR', 'the runtime failed to run this job');
      if (job) world.jobs().settle(job);
    },
  };
}

/** What kind of request an event brought, and which job it named: a refusal has the form its client reads (§10). */
function requestOf(event: SessionEvent): { type?: string; jobId?: string } {
  if (event.type === 'job.cancel') return { type: event.type, jobId: event.jobId };
  return event.type === 'frame.malformed' && event.frame !== undefined ? { type: event.frame } : {};
}

const otherProtocolMessage =
  'session.open is of an older protocol; this runtime speaks ARCP 1.1, which begins with session.hello';

/** Older SDKs speak another protocol, in which `session.open` is the first frame (§10). */
function speaksOtherProtocol(event: SessionEvent): boolean {
  return event.type === 'frame.malformed' && event.frame === 'session.open';
}

/** The client's features that the runtime offers, in the protocol's order; none asked for, none given (§6.2). */
function negotiate(offered: ReadonlySet<Feature>, asked: readonly string[] | undefined): ReadonlySet<Feature> {
  return new Set(featureNames.filter((feature) => offered.has(feature) && asked?.includes(feature)));
}

/** Seconds on the wire are whole, rounded up, never 0 (§6.1). */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
