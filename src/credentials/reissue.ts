import type { AgentDirectory } from '../jobs/agents.ts';
import { leaseExpiryMs, regained } from '../leases/grant.ts';
import type { Settings } from '../options.ts';
import { budgetIn, partsOf } from '../records/job-parts.ts';
import { fateOf } from '../records/job-record.ts';
import type { JobRecord } from '../records/records.ts';
import type { Credential } from '../wire/messages.ts';
import type { Credentials } from './credentials.ts';

/** Calls of the provisioner at a time, while nobody is served yet. */
const concurrencyMax = 16;

export interface ReissueWorld {
  settings: Settings;
  agents: AgentDirectory;
  credentials: Credentials;
}

/** What was found of the jobs: their records, and the texts beside them (src/records/job-parts.ts). */
export interface FoundJobs {
  jobs: ReadonlyMap<string, JobRecord>;
  parts: ReadonlyMap<string, string>;
}

/**
 * New credentials for the jobs that go on after the end of a process: those of the earlier one are revoked (§9.8). A job that
 * is in the map without any could not be given them, and cannot go on.
 */
export async function reissue(
  { jobs, parts }: FoundJobs,
  { settings, agents, credentials }: ReissueWorld,
): Promise<ReadonlyMap<string, readonly Credential[] | undefined>> {
  const issued = new Map<string, readonly Credential[] | undefined>();
  if (!settings.provisioner) return issued;
  const due = [...jobs].filter(([, record]) => goesOn(record, { settings, agents }));
  const next = async (): Promise<void> => {
    for (let job = due.shift(); job; job = due.shift()) {
      const [id, record] = job;
      const { principal, accepted, traceId } = record;
      const budget = budgetIn(partsOf(id, parts));
      const authority = regained(accepted, { budget, clock: settings.clock });
      issued.set(id, await credentials.issue({ id, principal, accepted, traceId, authority }).catch(() => undefined));
    }
  };
  await Promise.all(Array.from({ length: concurrencyMax }, next));
  return issued;
}

function goesOn(record: JobRecord, { settings, agents }: Omit<ReissueWorld, 'credentials'>): boolean {
  const { deadlineMs, status, accepted } = record;
  if (status !== 'running') return false;
  const { clock } = settings;
  const leftMs = deadlineMs === undefined ? null : deadlineMs - clock.now();
  const left = { leftMs, leaseLeftMs: leaseExpiryMs(regained(accepted, { budget: [], clock }), clock) };
  return fateOf(record, agents.find(record.agent), left) === 'job.start';
}
