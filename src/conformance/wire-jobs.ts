import type { SessionInfo } from '../runtime.ts';
import type { Reference, ReferenceJob } from './reference.ts';
import type { Stage } from './stage.ts';

/** The jobs of a walk: their ids by their names in the reference. */
export class WireJobs {
  readonly #idByName = new Map<string, string>();

  add({ jobs }: Reference, jobId: string): void {
    this.#idByName.set(jobs.some(({ id }) => id === 'job-1') ? 'job-2' : 'job-1', jobId);
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
