import type { PromisedJob } from './promised-job.ts';
import type { Policy } from './settings.ts';

/** What a job has of a service upstream (§9.8). */
export interface PromisedCredential {
  readonly id: string;
  /** A secret: it begins as all of them do, and nothing else does. */
  value: string;
  state: 'live' | 'revoked';
}

/** How every secret begins. */
export const secretMark = 'sk-secret-';

/** How a job will end, although its terminal waits until its credentials are worth nothing. */
export interface Decision extends Pick<PromisedJob, 'told' | 'cancelledMs' | 'limitAtMs' | 'expiresMs' | 'shutMs'> {
  atMs: number;
  /** It was stopped because its time, or that of its lease, was over. */
  isCutOff: boolean;
}

/** A job whose end is decided by now, by time or by its agent, says nothing more. Without credentials it has ended by then. */
export function decide(job: PromisedJob, nowMs: number, { graceMs }: Policy): void {
  const { credentials, decided, ended, told, toldMs, cancelledMs, limitAtMs, expiresMs, shutMs } = job;
  if (credentials.length === 0 || decided || ended) return;
  const overMs = nowMs === job.beganMs ? Number.POSITIVE_INFINITY : Math.min(limitAtMs, expiresMs);
  const isCutOff = overMs < Math.min(cancelledMs, toldMs, shutMs);
  // A lease may be over before its job begins.
  const atMs = isCutOff ? Math.max(overMs, job.beganMs) : Math.min(toldMs, shutMs, cancelledMs + graceMs);
  if (atMs > nowMs) return;
  job.decided = { atMs, isCutOff, told, cancelledMs, limitAtMs, expiresMs, shutMs };
}

/** Whether the terminal of a job may be told: what it had is revoked, or that takes too long. */
export function mayTell({ credentials, decided }: PromisedJob, nowMs: number, policy: Policy): boolean {
  if (!decided) return credentials.length === 0;
  const isRevoked = credentials.every(({ state }) => state === 'revoked');
  return isRevoked || decided.atMs + policy.revocationGraceMs <= nowMs;
}

/** What its submitter is shown of them; others are shown nothing. */
export function shownOf({ credentials, session }: PromisedJob): string | undefined {
  if (credentials.length === 0 || !session.features.has('provisioned_credentials')) return undefined;
  return JSON.stringify(credentials.map(({ id, value }) => [id, value]));
}
