import type { Profile } from './profiles.ts';

/** How one requirement, or one walk, went. */
export interface Result {
  id: string;
  section: string;
  sentence: string;
  status: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped, in words for a person. */
  reason?: string;
  /** What was sent (→) and received (←) on each connection (#1, #2 …) of a failed check; secrets are not in it. */
  transcript?: string[];
  durationMs: number;
}

/** What a run of the kit found out about a runtime. */
export interface ConformanceReport {
  /** Without its query. */
  url: string;
  runtime: { name: string; version: string };
  profile: Profile;
  agents: { echo: string | null; slow: string | null };
  notes: readonly string[];
  results: readonly Result[];
  passed: number;
  failed: number;
  skipped: number;
}

export function countOf(results: readonly Result[], status: Result['status']): number {
  return results.filter((result) => result.status === status).length;
}

/** Sections in the order of their first requirement. */
export function bySection(results: readonly Result[]): [section: string, results: Result[]][] {
  const sections = new Map<string, Result[]>();
  for (const result of results) sections.set(result.section, [...(sections.get(result.section) ?? []), result]);
  return [...sections];
}
