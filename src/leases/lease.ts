import { ArcpError } from '../wire/errors.ts';
import type { Lease as WireLease } from '../wire/messages.ts';
import { type Amounts, readAmounts } from './budget.ts';
import { kindOf, patternsMax, readPatternOf } from './grammar.ts';
import { covers, type Pattern } from './pattern.ts';
import { firstBeyond } from './subset.ts';

/** Most namespaces in one lease. */
const namespacesMax = 32;
/** Most segments in a target: more is denied unread. */
const targetSegmentsMax = 1024;
const budgetNamespace = 'cost.budget';

/** What a job may do (§9): by namespace, the patterns of the targets. What no pattern covers is denied. */
export interface Lease {
  /** As it goes over the wire. */
  granted: WireLease;
  patterns: ReadonlyMap<string, readonly Pattern[]>;
  /** The amounts of `cost.budget`; none is no limit. */
  amounts: Amounts;
}

/** Reads a `lease_request`; `INVALID_REQUEST` says what is wrong with it. None at all is a lease that allows nothing. */
export function readLease(request: Readonly<Record<string, unknown>> = {}): Lease {
  const entries = Object.entries(request);
  if (entries.length > namespacesMax) throw invalid(`has at most ${namespacesMax} namespaces`);
  const granted: [string, readonly string[]][] = [];
  const patterns = new Map<string, readonly Pattern[]>();
  let amounts: Amounts = new Map();
  let count = 0;
  for (const [namespace, texts] of entries) {
    const kind = kindOf(namespace);
    if (!kind && namespace !== budgetNamespace) throw invalid(`${quoted(namespace)} is no namespace of a lease`);
    if (!Array.isArray(texts)) throw invalid(`${namespace} must be a list`);
    count += texts.length;
    if (count > patternsMax) throw invalid(`has at most ${patternsMax} patterns`);
    if (kind)
      patterns.set(
        namespace,
        texts.map((text) => readPatternOf(namespace, kind, text)),
      );
    else amounts = readAmounts(texts);
    granted.push([namespace, Object.freeze(texts.map(String))]);
  }
  // It is shown to the agent, and to whoever asks again: nobody may change it.
  return { granted: Object.freeze(Object.fromEntries(granted)), patterns, amounts };
}

function invalid(problem: string): ArcpError {
  return new ArcpError('INVALID_REQUEST', `lease_request: ${problem}`);
}

/** The canonical target, where the lease covers it; undefined where it does not, or where there is no such spelling. */
export function coveredTarget({ patterns }: Lease, namespace: string, target: unknown): string | undefined {
  const kind = kindOf(namespace);
  const canonical = kind && typeof target === 'string' ? kind.canonical(target) : undefined;
  if (!kind || canonical === undefined) return undefined;
  if (canonical.split(kind.separator, targetSegmentsMax + 1).length > targetSegmentsMax) return undefined;
  return patterns.get(namespace)?.some((pattern) => covers(pattern, canonical)) ? canonical : undefined;
}

/** Throws `LEASE_SUBSET_VIOLATION` where a child's patterns allow what its parent's do not (§9.4). Equal is allowed. */
export function requireSubset(child: Lease, parent: Lease): void {
  for (const [namespace, inner] of child.patterns) {
    const beyond = firstBeyond(inner, parent.patterns.get(namespace) ?? []);
    if (!beyond) continue;
    throw new ArcpError(
      'LEASE_SUBSET_VIOLATION',
      `${namespace}: ${quoted(beyond.text)} is not within the parent's lease`,
    );
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
