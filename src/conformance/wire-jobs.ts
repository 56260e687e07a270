import type { SessionInfo } from '../runtime.ts';
import type { Act } from './model.ts';
import type { Reference, ReferenceJob } from './reference.ts';
import { durations } from './session-input.ts';
import type { Stage } from './stage.ts';

/** The jobs of a walk: their ids by their names in the reference. */
export class WireJobs {
  readonly #idByName = new Map<string, string>();

  add(at: Reference, jobId: string): void {
    this.#idByName.set(nextName(at), jobId);
  }

  /** The id of the oldest job of a kind. */
  find({ jobs }: Reference, isWanted: (job: ReferenceJob) => boolean): string {
    return this.idOf(jobs.find(isWanted));
  }

  idOf(job: { id: string } | undefined): string {
    return this.#idByName.get(job?.id ?? '') ?? 'job_unknown';
  }

  /** Those that still run, in the runtime's own word; undefined where it cannot be asked. */
  async seen(stage: Stage, info: SessionInfo | null | undefined): Promise<Reference['jobs'] | undefined> {
    if (info === undefined) return undefined;
    const jobs: Reference['jobs'][number][] = [];
    for (const [name, jobId] of this.#idByName) {
      if (!info?.jobs.includes(jobId)) continue;
      jobs.push({ id: name, status: (await stage.isStopped(jobId)) ? 'cancelling' : 'running' });
    }
    return jobs;
  }
}

/** A job that an act wants. */
export interface Wanted {
  agent: 'puppet' | 'paid';
  limit: Extract<Act, { do: 'submit' }>['with'];
}

export function wantedBy(act: Act): Wanted | undefined {
  if (act.do === 'submit') return { agent: 'puppet', limit: act.with };
  return act.do === 'submit with a credential' ? { agent: 'paid', limit: 'max_runtime_sec' } : undefined;
}

/** The wall clock steps beyond the job's lease, and its agent finds out. */
export async function outliveLease(stage: Stage, jobId: string): Promise<void> {
  await stage.stepWall(durations.leaseExpiryMs);
  await stage.authorize(jobId);
}

/** What the reference calls the next job. */
export function nextName({ jobs }: Reference): string {
  return jobs.some(({ id }) => id === 'job-1') ? 'job-2' : 'job-1';
}

/** A submit whose job may hand on its work to a puppet, with the limit of the act. */
export function submission({ agent, limit }: Wanted, nowMs: number): object {
  const { maxRuntimeMs, leaseExpiryMs } = durations;
  const plain = { agent, lease_request: { 'agent.delegate': ['puppet'] } };
  switch (limit) {
    case 'nothing':
      return plain;
    case 'max_runtime_sec':
      return { ...plain, max_runtime_sec: maxRuntimeMs / 1000 };
    case 'expires_at':
      return { ...plain, lease_constraints: { expires_at: new Date(nowMs + leaseExpiryMs).toISOString() } };
  }
}
