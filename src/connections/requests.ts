import { isoTime } from '../clock.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { type ListingWorld, listJobs } from '../watching/listing.ts';
import type { Subscriptions } from '../watching/subscriptions.ts';
import { ArcpError } from '../wire/errors.ts';
import type { ClientFrame, ClientFrameOf, Feature } from '../wire/messages.ts';
import type { Connection } from './connection.ts';
import { type HandshakeWorld, handshake, refuseWhileStoreFails } from './handshake.ts';

export interface RequestWorld extends HandshakeWorld, ListingWorld {
  jobs: Jobs;
  subscriptions: Subscriptions;
}

/** Answers one decoded frame. What is refused is thrown where it is found, and becomes a frame here. */
export function answer(connection: Connection, frame: ClientFrame, world: RequestWorld): void {
  try {
    if (connection.session.state === 'handshaking') return greet(connection, frame, world);
    const answered = serve(connection, frame, world);
    if (answered)
      void answered.catch((error) => refuse(connection, frame, { error, world })).finally(connection.hold());
  } catch (error) {
    refuse(connection, frame, { error, world });
  }
}

function refuse(
  connection: Connection,
  frame: ClientFrame,
  { error, world }: { error: unknown; world: RequestWorld },
): void {
  const named = frame.type === 'job.cancel' || frame.type === 'job.subscribe' ? frame.payload.job_id : undefined;
  const jobId = named || frame.job_id;
  const refused = { requestId: frame.id, type: frame.type, jobId };
  if (error instanceof ArcpError) return connection.refuse(refused, error);
  world.settings.log.error({ err: error, frame: frame.type }, 'a request failed');
  connection.refuse(refused, new ArcpError('INTERNAL_ERROR', 'the runtime failed to answer this request'));
}

/** Before the welcome: a hello, a resume, or the end (§6.1). */
function greet(connection: Connection, frame: ClientFrame, world: RequestWorld): void {
  if (frame.type === 'session.hello' || frame.type === 'session.resume') handshake(connection, frame, world);
  else unexpected(connection, frame);
}

/**
 * After the welcome. What changes the session's or a job's life goes through its chart; the rest is answered here. Where it
 * returns a promise, the next request is read once that is kept.
 */
function serve(connection: Connection, frame: ClientFrame, world: RequestWorld): void | Promise<void> {
  const { session } = connection;
  if (frame.session_id !== undefined && frame.session_id !== session.id && !isGreeting(frame)) {
    throw new ArcpError('INVALID_REQUEST', 'the session_id of the frame is not the session of this connection');
  }
  switch (frame.type) {
    case 'session.hello':
    case 'session.resume':
      return unexpected(connection, frame);
    case 'session.close':
    case 'session.bye':
      return session.actor.send({ type: frame.type, asker: asker(connection, frame), ...reasonOf(frame) });
    case 'session.ping':
      return connection.reply('session.pong', frame.id, {
        ...(frame.payload.nonce === undefined ? {} : { ping_nonce: frame.payload.nonce }),
        received_at: isoTime(world.settings.clock.now()),
      });
    case 'session.pong':
      return; // That it came in is all it tells (src/connections/connection.ts).
    case 'session.ack':
      need(connection, 'ack');
      session.acknowledge(frame.payload.last_processed_seq);
      return world.registry.keep(session, 'attached');
    case 'job.submit':
      refuseWhileStoreFails(world.ledger);
      return world.jobs.submit(connection, frame);
    case 'job.cancel':
      return world.jobs.cancel(connection, frame);
    case 'session.list_jobs':
      need(connection, 'list_jobs');
      return listJobs(connection, frame, world);
    case 'job.subscribe':
      need(connection, 'subscribe');
      return world.subscriptions.subscribe(connection, frame);
    case 'job.unsubscribe':
      need(connection, 'subscribe');
      return world.subscriptions.unsubscribe(connection, frame);
  }
}

function unexpected(connection: Connection, frame: ClientFrame): void {
  connection.session.actor.send({ type: 'frame.unexpected', asker: asker(connection, frame), frame: frame.type });
}

function need(connection: Connection, feature: Feature): void {
  if (connection.session.features.has(feature)) return;
  throw new ArcpError('INVALID_REQUEST', `the feature ${feature} was not negotiated in this session`);
}

function asker(connection: Connection, frame: ClientFrame) {
  return { connectionId: connection.id, requestId: frame.id };
}

function isGreeting(frame: ClientFrame): boolean {
  return frame.type === 'session.hello' || frame.type === 'session.resume';
}

function reasonOf({ payload }: ClientFrameOf<'session.bye'> | ClientFrameOf<'session.close'>) {
  return payload.reason === undefined ? {} : { reason: payload.reason };
}
