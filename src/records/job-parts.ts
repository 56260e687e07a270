import type { Agent } from '../jobs/agents.ts';
import type { Job } from '../jobs/job.ts';
import type { KeptJob } from '../jobs/job-options.ts';
import type { StoredRecord } from '../stores/store.ts';
import type { Ledger } from './ledger.ts';

/** What is written more often than a job's own record: in records beside it, whose ids begin with its own. */
export interface JobParts {
  /** The snapshot of a machine agent's job. */
  machine?: string;
  /** What is left of its budget: exact amounts, a JSON list. */
  budget?: string;
}

const partNames = ['machine', 'budget'] as const;

function partId(jobId: string, part: keyof JobParts): string {
  return `${jobId} ${part}`;
}

/** Where an agent is a machine and the store lasts, its snapshot is kept with the frames of the turn it changed in. */
export function keptMachine(
  agent: Agent | undefined,
  { ledger, from }: { ledger: Ledger; from?: string | undefined },
): KeptJob | undefined {
  if (agent?.onRestart !== 'restore' || !ledger.durable) return undefined;
  return {
    ...(from === undefined ? {} : { from }),
    changed: (job) => ledger.putLate('job', partId(job.id, 'machine'), () => job.machine?.snapshot()),
  };
}

/** Every change of what is left of a budget is kept, to the last digit, with the frames of its turn. */
export function keepBudget(job: Job, ledger: Ledger): void {
  const { budget } = job.authority;
  const left = () => (job.status === 'running' ? JSON.stringify(budget.kept()) : undefined);
  budget.onChange = () => ledger.putLate('job', partId(job.id, 'budget'), left);
}

/** The exact amounts; none where nothing has changed since the job was accepted. */
export function budgetIn({ budget = '[]' }: JobParts): readonly string[] {
  return JSON.parse(budget) as string[];
}

export function eraseParts(jobId: string, ledger: Ledger): void {
  for (const part of partNames) ledger.delete('job', partId(jobId, part));
}

export function isPart({ kind, id }: StoredRecord): boolean {
  return kind === 'job' && id.includes(' ');
}

/** The parts of a job among all that were found, by their ids. */
export function partsOf(jobId: string, found: ReadonlyMap<string, string>): JobParts {
  const parts: JobParts = {};
  for (const part of partNames) {
    const body = found.get(partId(jobId, part));
    if (body !== undefined) parts[part] = body;
  }
  return parts;
}
