import type { AnyTransitionDefinition } from 'xstate';
import { type ChartCoverage, transitionId } from '../conformance/coverage.ts';

export interface DrawingOptions {
  /** How often each transition was taken: a chart's part of a coverage report. Without it nothing is coloured. */
  coverage?: Pick<ChartCoverage, 'counts'>;
  /** Whether the drawing says how often, or only whether; it does by default. */
  showsCounts?: boolean;
}

/** `unknown`: nothing was measured. */
export type Wear = 'taken' | 'never' | 'unknown';

/** What a drawing can tell of a transition beyond the chart: whether it was ever taken. */
export class Painting {
  readonly isMeasured: boolean;
  readonly #counts: Readonly<Record<string, number>>;
  readonly #showsCounts: boolean;

  constructor({ coverage, showsCounts = true }: DrawingOptions = {}) {
    this.isMeasured = coverage !== undefined;
    this.#counts = coverage?.counts ?? {};
    this.#showsCounts = showsCounts;
  }

  /** Undefined where nothing was measured. */
  count(transition: AnyTransitionDefinition): number | undefined {
    return this.isMeasured ? (this.#counts[transitionId(transition)] ?? 0) : undefined;
  }

  /** Of several transitions in one line or one arrow: one that was never taken shows. */
  wear(transitions: readonly AnyTransitionDefinition[]): Wear {
    if (!this.isMeasured) return 'unknown';
    return transitions.some((transition) => this.count(transition) === 0) ? 'never' : 'taken';
  }

  /** ` ×12`, or nothing. */
  times(transition: AnyTransitionDefinition): string {
    const count = this.count(transition);
    return this.#showsCounts && count !== undefined ? ` ×${count}` : '';
  }
}
