import type { Clock } from '../clock.ts';
import { ArcpError } from '../wire/errors.ts';

const instantPattern = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?Z$/;

/**
 * When a lease ends (§9.5): at a time of the wall clock, and, counted from the acceptance, at a time of the clock that
 * never goes back. The earlier one counts, so that no step of the wall clock extends authority.
 */
export interface Expiry {
  /** `expires_at`, as it was asked for. */
  at: string;
  wallMs: number;
  uptimeMs: number;
}

/** Reads `lease_constraints`; `INVALID_REQUEST` where it is no future time in UTC. Undefined: the lease does not end. */
export function readExpiry(constraints: object & { expires_at?: unknown }, clock: Clock): Expiry | undefined {
  const { expires_at: at, ...others } = constraints;
  // A limit that is not kept must not look kept; Java's client says this one under two names (§10).
  const [unknown] = Object.entries(others).find(([name, value]) => name !== 'expiresAt' || value !== at) ?? [];
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown.slice(0, 64))} is not known here`);
  if (at === undefined) return undefined;
  const [, seconds] = (typeof at === 'string' && instantPattern.exec(at)) || [];
  const wallMs = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  // A day that is not in the calendar is read as another one by some.
  if (typeof at !== 'string' || Number.isNaN(wallMs) || !new Date(wallMs).toISOString().startsWith(seconds ?? '-')) {
    throw invalid('expires_at must be a time in UTC, like 2030-01-01T00:00:00Z');
  }
  const leftMs = wallMs - clock.now();
  if (leftMs <= 0) throw invalid('expires_at must be in the future');
  return { at, wallMs, uptimeMs: clock.uptime() + leftMs };
}

function invalid(problem: string): ArcpError {
  return new ArcpError('INVALID_REQUEST', `lease_constraints: ${problem}`);
}

/** An expiry that another process has read: what is left of it, on the wall clock. */
export function keptExpiry(at: string, clock: Clock): Expiry {
  const wallMs = Date.parse(at);
  return { at, wallMs, uptimeMs: clock.uptime() + wallMs - clock.now() };
}

/** How long a lease is still good for; none left is not above 0. */
export function remainingMs(expiry: Expiry, clock: Clock): number {
  return Math.min(expiry.uptimeMs - clock.uptime(), expiry.wallMs - clock.now());
}

/** A child's expiry (§9.4): its parent's where it has none; `LEASE_SUBSET_VIOLATION` where it is later than that. */
export function inheritedExpiry(own: Expiry | undefined, parent: Expiry | undefined): Expiry | undefined {
  if (!own || !parent) return own ?? parent;
  if (own.wallMs > parent.wallMs) {
    throw new ArcpError('LEASE_SUBSET_VIOLATION', `expires_at is later than that of the parent, ${parent.at}`);
  }
  return { ...own, uptimeMs: Math.min(own.uptimeMs, parent.uptimeMs) };
}
