import type { Credentials } from '../credentials/credentials.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Settings } from '../options.ts';
import type { Ledger } from '../records/ledger.ts';
import type { Registry } from '../registry.ts';
import type { SessionInfo } from '../runtime.ts';
import type { Session } from '../session.ts';
import type { StoreTrouble } from '../stores/store.ts';
import type { Tally } from './tally.ts';

/** A runtime in numbers: how much there is now, and how much there has been since it began. */
export interface RuntimeStats {
  /** Now, by state; ended ones are gone. */
  sessions: Record<Exclude<SessionInfo['state'], 'ended'>, number>;
  /** Connections open now. */
  sockets: number;
  /** Resumes so far, by what became of them. */
  resumes: Tally['resumes'];
  replayedEvents: number;
  /** Frames of jobs numbered so far. */
  jobEvents: number;
  /** Events that connected clients have yet to acknowledge, or, without `ack`, to be sent: of all together, and of the last. */
  lagEvents: { total: number; max: number };
  /** Kept now for clients that have not acknowledged them. */
  buffered: { events: number; bytes: number };
  jobs: { running: number; accepted: number; ended: Tally['endedJobs'] };
  /** Credentials that may be live upstream, and those of them whose job has ended. */
  credentials: { outstanding: number; unrevoked: number };
  /** Changes that are not committed yet; why none can be, if so. */
  store: { uncommitted: number; trouble: StoreTrouble['reason'] | null };
}

export interface StatsWorld {
  settings: Settings;
  registry: Registry;
  jobs: Jobs;
  ledger: Ledger;
  credentials: Credentials;
}

/** Counts what there is. Costs a look at each session: meant for a scrape, not for every event. */
export function statsOf({ settings, registry, jobs, ledger, credentials }: StatsWorld): RuntimeStats {
  const { tally, store } = settings;
  const sessions = { handshaking: 0, live: 0, resumed: 0, detached: 0, closed: 0, expired: 0 };
  const lagEvents = { total: 0, max: 0 };
  const buffered = { events: 0, bytes: 0 };
  for (const session of registry.all()) {
    const { state, log } = session;
    if (state !== 'ended') sessions[state] += 1;
    buffered.events += log.newestSeq - log.oldestSeq + 1;
    buffered.bytes += log.bytes;
    const lag = lagOf(session);
    lagEvents.total += lag;
    lagEvents.max = Math.max(lagEvents.max, lag);
  }
  return {
    sessions,
    sockets: registry.connections.size,
    resumes: { ...tally.resumes },
    replayedEvents: tally.replayedEvents,
    jobEvents: tally.jobEvents,
    lagEvents,
    buffered,
    jobs: { running: jobs.all().length, accepted: tally.acceptedJobs, ended: { ...tally.endedJobs } },
    credentials: credentials.revocations.count(),
    store: { uncommitted: store.written - store.committed, trouble: ledger.trouble?.reason ?? null },
  };
}

function lagOf({ connection, features, log, ackedSeq }: Session): number {
  if (!connection) return 0;
  return log.newestSeq - (features.has('ack') ? ackedSeq : Math.min(connection.cursor, log.newestSeq));
}
