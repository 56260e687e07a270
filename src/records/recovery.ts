import { type ReissueWorld, reissue } from '../credentials/reissue.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { KnownJobs } from '../jobs/known-jobs.ts';
import type { Registry } from '../registry.ts';
import type { RecordKind, Recovered, StoredRecord } from '../stores/store.ts';
import type { SubscriptionRecord } from '../watching/subscription.ts';
import type { Subscriptions } from '../watching/subscriptions.ts';
import { eraseParts, isPart, partsOf } from './job-parts.ts';
import type { Ledger } from './ledger.ts';
import type { JobRecord, KeyRecord, SessionRecord, TombstoneRecord } from './records.ts';

export interface RecoveryWorld extends ReissueWorld {
  registry: Registry;
  jobs: Jobs;
  known: KnownJobs;
  subscriptions: Subscriptions;
  ledger: Ledger;
}

/**
 * Brings back what an earlier process has left (§3, Crash): sessions, detached, with what remains of their windows; what is
 * remembered of ended jobs, of keys and of expired sessions; last the jobs that were running, each as its agent wants.
 * Logs stay on disk until a resume asks for them.
 */
export async function recover(found: Recovered, world: RecoveryWorld): Promise<void> {
  const { registry, jobs, ledger } = world;
  world.credentials.revocations.recover(found);
  const jobRecords = read<JobRecord>(found, 'job');
  const parts = new Map(found.records.filter(isPart).map(({ id, body }) => [id, body]));
  // From here on nothing waits: what is brought back has timers.
  const issued = await reissue({ jobs: jobRecords, parts }, world);
  const tombstones = read<TombstoneRecord>(found, 'tombstone');
  for (const [hash, record] of oldestFirst(tombstones)) registry.restoreTombstone(hash, record);
  for (const [id, record] of oldestFirst(read<KeyRecord>(found, 'key'))) jobs.keys.restore(id, record);
  const foundSeq = (sessionId: string) => found.logs.get(sessionId)?.newestSeq ?? 0;
  for (const [id, record] of oldestFirst(jobRecords)) {
    const { status, session, lastSeq = 0 } = record;
    // What a session that was over did not keep is not there any more.
    if (status !== 'running') jobs.restoreEnded(id, { ...record, lastSeq: Math.min(lastSeq, foundSeq(session)) });
  }
  const running = new Map<string, [string, JobRecord][]>();
  for (const [id, record] of jobRecords) {
    if (record.status !== 'running') continue;
    const others = running.get(record.session);
    if (others) others.push([id, record]);
    else running.set(record.session, [[id, record]]);
  }
  const sessions = read<SessionRecord>(found, 'session');
  for (const [id, record] of sessions) {
    const own = running.get(id) ?? [];
    const session = registry.restore(id, { record, log: found.logs.get(id), jobs: own.map(([jobId]) => jobId) });
    // In the order of their ids, which is that of their submits: a parent before its children.
    for (const [jobId, job] of own.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const credentials = issued.has(jobId) ? issued.get(jobId) : [];
      const kept = { parts: partsOf(jobId, parts), foundSeq: foundSeq(id) };
      jobs.restore(jobId, { record: job, session, ...kept, issued: credentials });
    }
    running.delete(id);
  }
  world.known.restored();
  for (const [id, record] of read<SubscriptionRecord>(found, 'subscription')) watchOn(id, record, world);
  // What belongs to nothing any more goes.
  for (const [jobId] of [...running.values()].flat()) {
    ledger.delete('job', jobId);
    eraseParts(jobId, ledger);
  }
  for (const name of found.logs.keys()) if (!sessions.has(name)) ledger.drop(name);
}

/** A subscription goes on where it was, as far as both ends of it are still there. */
function watchOn(id: string, record: SubscriptionRecord, world: RecoveryWorld): void {
  const { registry, known, subscriptions, ledger } = world;
  const session = registry.byId(record.session);
  const job = known.find(record.job);
  if (session && job && session.state === 'detached') subscriptions.restore(session, job, record);
  else ledger.delete('subscription', id);
}

function read<Kind>({ records }: Recovered, kind: RecordKind): Map<string, Kind> {
  const own = records.filter((record) => record.kind === kind && !isPart(record));
  return new Map(own.map((record) => [record.id, parse<Kind>(record)]));
}

function parse<Kind>({ kind, id, body }: StoredRecord): Kind {
  try {
    return JSON.parse(body) as Kind;
  } catch (error) {
    throw new Error(`the store holds a ${kind} that cannot be read: ${id}`, { cause: error });
  }
}

/** Maps whose entries live equally long take them in the order of their ends (src/expiring-map.ts). */
function oldestFirst<Kind extends { untilMs?: number }>(records: Map<string, Kind>): [string, Kind][] {
  return [...records].sort(([, a], [, b]) => (a.untilMs ?? 0) - (b.untilMs ?? 0));
}
