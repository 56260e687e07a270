import type { Connection } from '../connections/connection.ts';
import type { KnownJob, KnownJobs } from '../jobs/known-jobs.ts';
import type { AuditEntry } from '../options.ts';
import type { Policy } from '../policy.ts';
import { ArcpError } from '../wire/errors.ts';
import type { JobFilter, ListedJob } from '../wire/listing-messages.ts';
import type { ClientFrameOf } from '../wire/messages.ts';
import { openCursor, sameFilter, sealCursor } from './listing-cursor.ts';

const limitDefault = 100;
const limitMax = 500;
/** A page ends early when it comes to this many characters: leases can be long. */
const pageCharsMax = 2 ** 20;
/** Jobs that a policy may refuse on the way to one page. The page ends early there, with a cursor to go on from. */
const refusalsMax = 10_000;

export interface ListingWorld {
  known: KnownJobs;
  policy: Policy;
  audit(entry: Omit<AuditEntry, 'at'>): void;
}

/** `session.list_jobs` (§6.6): one page, the newest first, of what the asker may see. */
export function listJobs(connection: Connection, frame: ClientFrameOf<'session.list_jobs'>, world: ListingWorld): void {
  const { session } = connection;
  const { principal } = session;
  const { filter, before } = readRequest(frame, principal);
  const page = fill(frame.payload.limit ?? limitDefault, { filter, before, principal, world });
  const foreign = page.jobs.filter((job) => job.principal !== principal);
  world.audit({
    action: 'list',
    outcome: 'allowed',
    principal,
    sessionId: session.id,
    // Whose own jobs they are needs no telling.
    ...(foreign.length > 0 ? { jobIds: foreign.map(({ id }) => id) } : {}),
  });
  connection.reply('session.jobs', frame.id, {
    jobs: page.rows,
    next_cursor: page.last === undefined ? null : sealCursor({ principal, filter, before: page.last }),
  });
}

/** What is told of a job, in a listing and to a subscriber. */
export function describe({ id, accepted, budget }: KnownJob) {
  // Named one by one: credentials are in `accepted`, and are the submitter's alone (§9.8).
  const { agent, lease, lease_constraints, trace_id, parent_job_id = null } = accepted;
  return {
    job_id: id,
    agent,
    lease,
    ...(lease_constraints === undefined ? {} : { lease_constraints }),
    ...(budget === undefined ? {} : { budget }),
    parent_job_id,
    ...(trace_id === undefined ? {} : { trace_id }),
  };
}

function rowOf(job: KnownJob): ListedJob {
  const { status, history, accepted } = job;
  const { accepted_at: created_at } = accepted;
  return { ...describe(job), status, created_at, submitted_at: created_at, last_event_seq: history.newestSeq };
}

interface Wanted {
  filter: JobFilter;
  before: string | undefined;
  principal: string;
  world: ListingWorld;
}

/** `last` is where the next page goes on; undefined at the end. */
interface Page {
  jobs: KnownJob[];
  rows: ListedJob[];
  last: string | undefined;
}

function fill(limit: number, { filter, before, principal, world }: Wanted): Page {
  const { known, policy } = world;
  const page: Page = { jobs: [], rows: [], last: undefined };
  const isWanted = condition(filter);
  const rowsMax = Math.min(limit, limitMax);
  let room = pageCharsMax;
  let refusals = 0;
  const whose = policy.isWidened ? undefined : principal;
  for (const job of known.newestFirst({ principal: whose, liveOnly: areLive(filter.status), before })) {
    if (!isWanted(job)) continue;
    // One more than the page holds is looked for: that alone tells whether there is a next page.
    if (!policy.mayObserve(principal, job)) refusals += 1;
    else if (page.rows.length >= rowsMax || room <= 0) return page;
    else room -= take(page, job);
    if (page.rows.length < rowsMax) page.last = job.id;
    if (refusals >= refusalsMax) return page;
  }
  return { ...page, last: undefined };
}

/** The length of its row. */
function take(page: Page, job: KnownJob): number {
  const row = rowOf(job);
  page.jobs.push(job);
  page.rows.push(row);
  page.last = job.id;
  return JSON.stringify(row).length;
}

function areLive(statuses: JobFilter['status']): boolean {
  return isGiven(statuses) && statuses.every((status) => status === 'pending' || status === 'running');
}

/** An empty list of statuses asks for none in particular. */
function isGiven<Item>(items: readonly Item[] | null | undefined): items is readonly Item[] {
  return items !== undefined && items !== null && items.length > 0;
}

function condition({ status, agent, created_after, created_before }: JobFilter): (job: KnownJob) => boolean {
  const afterMs = instant('created_after', created_after) ?? Number.NEGATIVE_INFINITY;
  const beforeMs = instant('created_before', created_before) ?? Number.POSITIVE_INFINITY;
  const isTimed = afterMs !== Number.NEGATIVE_INFINITY || beforeMs !== Number.POSITIVE_INFINITY;
  return (job) => {
    if (isGiven(status) && !status.includes(job.status)) return false;
    if (agent && job.accepted.agent !== agent && !job.accepted.agent.startsWith(`${agent}@`)) return false;
    if (!isTimed) return true;
    const createdMs = Date.parse(job.accepted.accepted_at);
    return createdMs > afterMs && createdMs < beforeMs;
  };
}

/** ISO 8601 with its zone; anything else has no one meaning. */
function instant(name: string, text: string | null | undefined): number | undefined {
  if (text === undefined || text === null) return undefined;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new ArcpError(
      'INVALID_REQUEST',
      `filter.${name} must be an ISO 8601 time with its zone: 2026-01-31T12:00:00Z`,
    );
  }
  return ms;
}

/**
 * A cursor holds the filter it came with: a request may repeat it or leave it out, and not change it. One without a condition
 * counts as left out: Go's client sends one with every cursor.
 */
function readRequest({ payload }: ClientFrameOf<'session.list_jobs'>, principal: string) {
  const given = payload.filter ?? undefined;
  if (!payload.cursor) return { filter: given ?? {}, before: undefined };
  const { filter, before } = openCursor(payload.cursor, principal);
  if (given !== undefined && !sameFilter(given, {}) && !sameFilter(given, filter)) {
    throw new ArcpError('INVALID_REQUEST', 'the cursor is of a listing with another filter');
  }
  return { filter, before };
}
