import type { Asker, Refusal } from '../../machines/index.ts';
import type { Credentials } from '../auth.ts';
import type { Settings } from '../options.ts';
import type { Ledger } from '../records/ledger.ts';
import type { Registry } from '../registry.ts';
import type { Session } from '../session.ts';
import { dialectOf } from '../wire/dialects.ts';
import { ArcpError } from '../wire/errors.ts';
import type { Connection } from './connection.ts';
import { type HandshakeFrame, type ResumeRequest, readResumeRequest } from './resume-request.ts';

export interface HandshakeWorld {
  settings: Settings;
  registry: Registry;
  ledger: Ledger;
}

/**
 * A hello or a resume on a connection that is nobody's yet (§6.1, §6.3): first who it is, then what it wants. What it gets
 * is decided by the chart of its own new session, or of the session that its token opens.
 */
export function handshake(connection: Connection, frame: HandshakeFrame, world: HandshakeWorld): void {
  const { settings } = world;
  const asker: Asker = { connectionId: connection.id, requestId: frame.id };
  if (connection.facts.dialect === undefined) connection.dialect = dialectOf(frame);
  const credentials = readCredentials(connection, frame);
  if (credentials instanceof ArcpError) return refuse(connection, asker, credentials);
  const identified = identify(settings, credentials);
  if (!(identified instanceof Promise)) return proceed(identified);
  const release = connection.hold();
  identified
    .then((identity) => {
      // The socket may have gone, or timed out, while the authenticator thought.
      if (connection.session.connection === connection) proceed(identity);
      release();
    })
    .catch((error) => settings.log.error({ err: error }, 'a handshake failed'));

  function proceed(identity: unknown): void {
    if (!isIdentity(identity))
      return refuse(connection, asker, new ArcpError('UNAUTHENTICATED', 'the credentials were not accepted'));
    attempt(connection, { asker, settings }, () => {
      connection.asked = frame.payload.capabilities?.features;
      const wish = readResumeRequest(frame, connection.dialect.beforeFirst);
      // A welcome brings a token, which is a promise.
      refuseWhileStoreFails(world.ledger);
      if (wish) resume(connection, { asker, principal: identity.principal, wish, world });
      else hello(connection, { asker, principal: identity.principal, world });
    });
  }
}

/** What is refused is thrown where it is found: the chart of the asking socket hears of it. */
function attempt(
  connection: Connection,
  { asker, settings }: { asker: Asker; settings: Settings },
  greet: () => void,
): void {
  try {
    greet();
  } catch (error) {
    if (!(error instanceof ArcpError)) throw error;
    // Of a hello, nothing else is invalid by now.
    if (error.code === 'INVALID_REQUEST') settings.tally.resumed('invalid');
    refuse(connection, asker, error);
  }
}

interface Identified {
  asker: Asker;
  principal: string;
  world: HandshakeWorld;
}

function hello(connection: Connection, { asker, principal, world }: Identified): void {
  const { registry, settings } = world;
  if (!registry.hasRoomFor(principal)) {
    const max = settings.maxSessionsPerPrincipal;
    throw new ArcpError('PERMISSION_DENIED', `${max} sessions of this principal are open: end one with session.bye`, {
      limit: 'sessions_per_principal',
      max,
    });
  }
  // A refused resume on the same socket may have left its cursor.
  connection.cursor = 0;
  connection.session.actor.send({ type: 'session.hello', asker, principal });
}

function resume(connection: Connection, request: Identified & { wish: ResumeRequest }): void {
  const { asker, principal, wish, world } = request;
  const found = world.registry.byToken(wish.token);
  if (!found) {
    const reason = world.registry.remembersExpired(wish.token, principal) ? 'expired' : 'unknown';
    world.settings.tally.resumed(reason);
    throw new ArcpError('RESUME_WINDOW_EXPIRED', `this session cannot be resumed: ${reason} token`, { reason });
  }
  const { session, age, fenceSeq } = found;
  const { log } = session;
  // A token from before a restart cannot have brought more than was left then: history was lost since. Who goes on from what
  // is left, having been refused as `trimmed`, claims none of it.
  const isBeyond = wish.cursor > fenceSeq && wish.cursor >= log.oldestSeq;
  if (!isBeyond && log.isCold(wish.cursor)) return warm(connection, request, session);
  connection.cursor = wish.cursor;
  session.actor.send({
    type: 'session.resume',
    asker,
    principal,
    token: age,
    coverage: isBeyond ? 'ahead' : log.coverage(wish.cursor),
    namesAnother: wish.sessionId !== undefined && wish.sessionId !== session.id,
  });
}

/** What the client has missed is on disk since the last start: it is fetched, and the resume is looked at anew. */
function warm(connection: Connection, request: Identified & { wish: ResumeRequest }, { id, log }: Session): void {
  const { asker, wish, world } = request;
  const release = connection.hold();
  const proceed = (go: () => void) => {
    // The socket may have gone, or timed out, meanwhile.
    if (connection.session.connection === connection) attempt(connection, { asker, settings: world.settings }, go);
    release();
  };
  log.warm(wish.cursor).then(
    () => proceed(() => resume(connection, request)),
    (error) => {
      world.settings.log.error({ sessionId: id, err: error }, 'events of a session cannot be read');
      proceed(() => {
        throw new ArcpError('INTERNAL_ERROR', 'the store of this runtime cannot read now: try again later');
      });
    },
  );
}

/** What would have to be kept cannot be: better said now than found out after a crash. */
export function refuseWhileStoreFails({ trouble }: Ledger): void {
  if (!trouble) return;
  const details = { reason: 'store', store: trouble.reason };
  throw new ArcpError('INTERNAL_ERROR', 'the store of this runtime cannot write now: try again later', details);
}

function refuse(connection: Connection, asker: Asker, error: ArcpError): void {
  connection.session.actor.send({ type: 'handshake.refused', asker, refusal: refusalOf(error) });
}

function refusalOf(error: ArcpError): Refusal {
  const { code, message, details } = error;
  switch (code) {
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
    case 'INVALID_REQUEST':
    case 'RESUME_WINDOW_EXPIRED':
    case 'INTERNAL_ERROR':
      return details === undefined ? { code, message } : { code, message, details };
    default:
      throw error;
  }
}

/** The frame's `auth`, else the HTTP header; both present and unequal prove nothing (§6.1). */
function readCredentials(connection: Connection, frame: HandshakeFrame): Credentials | ArcpError {
  const { headers = {}, remoteAddress } = connection.facts;
  const { auth } = frame.payload;
  const header = headers.authorization;
  const [, headerToken] = (typeof header === 'string' && /^Bearer +(\S+)$/i.exec(header)) || [];
  if (auth?.token !== undefined && headerToken !== undefined && auth.token !== headerToken) {
    return new ArcpError('UNAUTHENTICATED', 'the Authorization header and the frame carry different tokens');
  }
  const token = auth?.token ?? headerToken;
  if (auth === undefined && token === undefined) {
    return new ArcpError('UNAUTHENTICATED', 'no credentials: send auth {scheme, token}, or an Authorization header');
  }
  return { scheme: auth?.scheme ?? 'bearer', token, headers, remoteAddress };
}

/** An authenticator that throws proves nothing; what it threw is for the log alone. */
function identify({ authenticate, log }: Settings, credentials: Credentials) {
  const failed = (error: unknown) => {
    log.error({ err: error }, 'the authenticator failed');
    return null;
  };
  try {
    const identity: unknown = authenticate(credentials);
    // Whatever can be awaited is: a promise need not be of this realm's own kind.
    return isThenable(identity) ? Promise.resolve(identity).catch(failed) : identity;
  } catch (error) {
    return failed(error);
  }
}

/** What an embedder's authenticator answers decides who somebody is: it is looked at, not believed. */
function isIdentity(identity: unknown): identity is { principal: string } {
  if (typeof identity !== 'object' || identity === null || !('principal' in identity)) return false;
  return typeof identity.principal === 'string' && identity.principal !== '';
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
