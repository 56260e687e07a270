import type { SessionInfo } from '../../src/index.ts';
import type { StoreView } from './disk.ts';
import type { Known } from './foresight.ts';
import { isOverdue } from './promised-job.ts';
import type { PromisedSession } from './promised-session.ts';
import { keyKeptMs, type Policy } from './settings.ts';
import { faultsOfWatches } from './watching.ts';
import { owesWelcome, type Wire } from './wire.ts';

/** What is wrong with a session, held against what was promised of it. */
export function* faultsOfSession(
  session: PromisedSession,
  info: SessionInfo | undefined,
  known: Known,
): Iterable<string> {
  const { policy } = known;
  const nowMs = known.nowMs();
  const { id, state, running, kept, wire } = session;
  if (state === 'failed' || ((state === 'closed' || state === 'expired') && running.length === 0)) {
    if (info) yield `${id} is over, and ${info.state} still`;
    return;
  }
  if (!info) return yield `${id} is ${state}, and gone`;
  const isReplaying =
    info.state === 'resumed' && wire !== undefined && (wire.pushed < kept.newest || owesWelcome(wire));
  const isThere = state === 'attached' ? info.state === 'live' || isReplaying : info.state === state;
  if (!isThere) yield `${id} should be ${state}, and is ${info.state}`;
  const runs = running.map((job) => job.id).join();
  if (runs !== info.jobs.join()) yield `${id} runs [${info.jobs.join()}], and should run [${runs}]`;
  if (info.newestSeq !== kept.newest) yield `${id} has ${info.newestSeq} events, and kept ${kept.newest}`;
  const isKept = state === 'attached' || state === 'detached';
  const bytes = isKept ? session.keptBytes : 0;
  if (info.bufferedBytes !== bytes) yield `${id} keeps ${info.bufferedBytes} bytes, and should keep ${bytes}`;
  for (const job of running) {
    if (isOverdue(job, nowMs, policy)) yield `job ${job.id} should have ended`;
    if (job.said.length > 0) yield `job ${job.id} said ${job.said.join()}, which was not kept`;
    if (job.result?.isDue) yield `job ${job.id} streamed what was not kept`;
  }
  yield* faultsOfWatches(session, known);
  if (session.lag === 'due') yield `${id} was not told that it is behind`;
}

/** Whether the newest event put the client too far behind, and it has yet to be told (§6.5). */
export function isLagging({ state, features, lag, kept, acked }: PromisedSession, { backPressure }: Policy): boolean {
  return state === 'attached' && features.has('ack') && lag === 'untold' && kept.newest > acked + backPressure;
}

/** What is wrong with the runtime's end of a link. */
export function* faultsOfWire(
  wire: Wire,
  known: { nowMs(): number; policy: Policy; store: StoreView },
): Iterable<string> {
  const { policy, store } = known;
  const nowMs = known.nowMs();
  const { phase, session, pushed, lastInMs, lastOutMs, lastPingMs, openedMs, link } = wire;
  const { heartbeatMs, handshakeMs, stallMs, maxUnsentBytes } = policy;
  if (phase === 'handshake' && nowMs - openedMs >= handshakeMs) yield 'a silent socket is still open';
  if (phase !== 'open' || !session) return;
  if (session.features.has('heartbeat')) {
    if (nowMs - lastInMs >= 2 * heartbeatMs) yield `${session.id} has lost its heartbeat, and lives`;
    const quietSinceMs = Math.max(Math.min(lastInMs, lastOutMs), lastPingMs);
    if (nowMs - quietSinceMs >= heartbeatMs && !owesWelcome(wire)) yield `${session.id} was not pinged`;
  }
  const isWaiting = pushed < store.newestOf(session.id) && !owesWelcome(wire);
  const unsentBytes = link.server.unsentBytes();
  const isFull = unsentBytes >= Math.min(maxUnsentBytes, 512 * 1024);
  // Of a broken cable no drain is told, only its end.
  if (isWaiting && !isFull && link.server.state === 'open')
    yield `${session.id} has room, and ${pushed} of ${session.kept.newest} were written`;
  wire.fullSinceMs = isWaiting && isFull ? (wire.fullSinceMs ?? nowMs) : undefined;
  const stuckMs = nowMs - Math.max(wire.fullSinceMs ?? nowMs, wire.lastDrainMs);
  if (stuckMs >= 2 * stallMs) yield `${session.id} took nothing for ${stuckMs} ms, and is not detached`;
}

/** The most timers a runtime may have running for all it has to wait for, calls of its provisioner included. */
export function timersMax(known: Known, calls: number): number {
  const { policy, wires, sessions, keys, store } = known;
  const nowMs = known.nowMs();
  // A store that lasts keeps time.
  let count = (store.lasts ? 1 : 0) + calls;
  for (const { phase, session } of wires.values()) {
    if (phase === 'handshake') count += 1;
    // A stall watch, and a heartbeat.
    if (phase === 'open') count += session?.features.has('heartbeat') ? 2 : 1;
  }
  const remembered = { tombstone: 0, ended: 0 };
  for (const session of sessions.values()) {
    if (session.state === 'detached') count += 1;
    if (session.buriedMs + policy.windowMs > nowMs && session.state === 'expired') remembered.tombstone = 1;
    for (const { ended, endedMs, cancelledMs, limitAtMs, expiresMs, decided } of session.jobs) {
      const limits = [limitAtMs, expiresMs].filter(Number.isFinite).length;
      if (ended === undefined) count += decided || cancelledMs <= nowMs ? 1 : limits;
      if (ended !== undefined && endedMs + policy.retentionMs > nowMs) remembered.ended = 1;
    }
  }
  const isKeyKept = [...keys.values()].some(({ atMs }) => atMs + keyKeptMs > nowMs);
  return count + remembered.tombstone + remembered.ended + (isKeyKept ? 1 : 0);
}
