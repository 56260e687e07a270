import type { AuditEntry } from '../../src/index.ts';
import type { Peer } from './peer.ts';
import { puppet, simulatedRuntime, tokens } from './runtime.ts';
import { enter } from './session.ts';

/** A runtime whose agents wait to be told, its audit at hand. */
export function world(options: Partial<Parameters<typeof simulatedRuntime>[0]> = {}) {
  const agent = puppet();
  const other = puppet('other');
  const audits: AuditEntry[] = [];
  const audit = (entry: AuditEntry) => audits.push(entry);
  const at = simulatedRuntime({ agents: [agent.agent, other.agent], resumeWindowSec: 60, audit, ...options });
  return { ...at, agent, other, audits };
}

/** Two sessions: `owner`, alice's, has a job of `puppet`; `watcher` is alice's too, or bob's. */
export async function watched(
  at: ReturnType<typeof world>,
  {
    token = tokens.alice,
    features,
    ownerFeatures,
  }: { token?: string; features?: string[]; ownerFeatures?: string[] } = {},
) {
  const owner = await enter(at, ownerFeatures === undefined ? {} : { features: ownerFeatures });
  const accepted = await owner.submit('puppet', {}, { trace_id: 'ab'.repeat(16) });
  const watcher = await enter(at, features === undefined ? { token } : { token, features });
  return { owner, watcher, accepted, jobId: String(accepted.job_id) };
}

export const list = (peer: Peer, payload: object = {}) => peer.ask('session.list_jobs', payload);
export const subscribe = (peer: Peer, jobId: string, payload: object = {}) =>
  peer.ask('job.subscribe', { job_id: jobId, ...payload });

/** The ids in a page. */
export function ids(page: { payload: { jobs: { job_id: string }[] } }): string[] {
  return page.payload.jobs.map((job) => job.job_id);
}

/** Submits so many jobs of an agent, one after the other, and returns their ids, the newest first. */
export async function many(submit: (agent: string) => Promise<{ job_id?: string }>, count: number, agent = 'puppet') {
  const all: string[] = [];
  for (let i = 0; i < count; i += 1) all.unshift(String((await submit(agent)).job_id));
  return all;
}

export const invalid = { type: 'session.error', payload: { code: 'INVALID_REQUEST', retryable: false } };
