import { Big } from 'big.js';
import { ArcpError } from '../wire/errors.ts';

/** Most currencies in one budget. */
const currenciesMax = 16;
/** `currency:decimal` (§9.6), with as many digits as anybody has money for. */
const amountPattern = /^([A-Za-z][A-Za-z0-9_-]{0,31}):(\d{1,18}(?:\.\d{1,18})?)$/;
/** A decrement is told once it comes to this part of what was granted, or exhausts the budget. */
const materialPart = new Big('0.01');

interface Counter {
  granted: Big;
  remaining: Big;
  /** What was last told of it, at first what was granted. */
  toldRemaining: Big;
}

/** Amounts by currency: decimals as they were written, so that no type of a library is in ours. */
export type Amounts = ReadonlyMap<string, string>;

/** Reads the amounts of `cost.budget`; `INVALID_REQUEST` says what is wrong with them (§9.6). */
export function readAmounts(texts: readonly unknown[]): Amounts {
  const amounts = new Map<string, string>();
  if (texts.length > currenciesMax) throw invalid(`has at most ${currenciesMax} currencies`);
  for (const text of texts) {
    const [, currency, decimal] = (typeof text === 'string' && amountPattern.exec(text)) || [];
    if (currency === undefined || decimal === undefined) throw invalid('has amounts like USD:5.00');
    if (amounts.has(currency)) throw invalid(`names ${currency} twice`);
    amounts.set(currency, decimal);
  }
  return amounts;
}

function invalid(problem: string): ArcpError {
  return new ArcpError('INVALID_REQUEST', `lease_request: cost.budget ${problem}`);
}

/**
 * What a job may still spend, in exact decimals (§9.6). A child's own counters are reserved from its parent's; in any other
 * currency it spends its parent's. Without counters there is no limit.
 */
export class Budget {
  readonly #counters: Map<string, Counter>;
  readonly #parent: Budget | undefined;
  /** Told whenever what is left of its own counters has changed. */
  onChange: () => void = () => {};

  constructor(amounts: Amounts, parent?: Budget) {
    this.#counters = new Map([...amounts].map(([currency, amount]) => [currency, counterOf(new Big(amount))]));
    this.#parent = parent;
  }

  /** What is left by currency, as JSON numbers; of an inherited currency, what the parent has left. */
  remaining(): Record<string, number> {
    const own = [...this.#counters].map(([currency, { remaining }]) => [currency, remaining.toNumber()]);
    return { ...this.#parent?.remaining(), ...Object.fromEntries(own) };
  }

  /** The same as exact amounts, `USD:4.5`. */
  amounts(): string[] {
    return Object.keys(this.remaining()).map((currency) => `${currency}:${this.#find(currency)?.remaining.toFixed()}`);
  }

  /** What is left of its own counters, as exact amounts, for `restored`. */
  kept(): string[] {
    return [...this.#counters].map(([currency, { remaining }]) => `${currency}:${remaining.toFixed()}`);
  }

  /** A currency that is used up, its own or an inherited one; undefined while there is something left of each. */
  exhausted(besides: ReadonlySet<string> = new Set()): string | undefined {
    for (const [currency, { remaining }] of this.#counters) {
      if (!besides.has(currency) && remaining.lte(0)) return currency;
    }
    return this.#parent?.exhausted(new Set([...besides, ...this.#counters.keys()]));
  }

  /**
   * Counts a `metric`: `cost.*` but not `cost.budget.*`, in a budgeted unit, positive. Returns what remains where the
   * decrement is material: one hundredth of what was granted since it was last told, or the end of it.
   */
  spend({ name, value, unit }: { name: string; value: number; unit?: string | undefined }): number | undefined {
    if (!name.startsWith('cost.') || name.startsWith('cost.budget.') || unit === undefined) return undefined;
    if (!Number.isFinite(value) || value <= 0) return undefined;
    const counter = this.#find(unit);
    if (!counter) return undefined;
    const wasLeft = counter.remaining.gt(0);
    // A number is taken for the decimal it is written as: 0.1 is a tenth.
    counter.remaining = counter.remaining.minus(new Big(String(value)));
    this.#ownerOf(unit).onChange();
    const isOver = wasLeft && counter.remaining.lte(0);
    const fell = counter.toldRemaining.minus(counter.remaining);
    if (!isOver && fell.lt(counter.granted.times(materialPart))) return undefined;
    counter.toldRemaining = counter.remaining;
    return counter.remaining.toNumber();
  }

  /** Sets what is left to what `kept` once gave; what is not in there is left as it is. */
  restored(amounts: readonly string[]): this {
    for (const text of amounts) {
      const [currency = '', left = ''] = text.split(':');
      const counter = this.#counters.get(currency);
      if (counter) counter.remaining = counter.toldRemaining = new Big(left);
    }
    return this;
  }

  /**
   * Takes a child's amounts off these; `LEASE_SUBSET_VIOLATION` where one is more than is left (§9.4), and then none is taken.
   * What the child has not spent comes back with `settle`.
   */
  reserve(amounts: Amounts): Budget {
    for (const [currency, amount] of amounts) {
      const left = this.#find(currency)?.remaining;
      if (left?.gte(amount)) continue;
      const problem = left === undefined ? 'is not in the budget of the parent' : `has ${left.toFixed()} left`;
      throw new ArcpError('LEASE_SUBSET_VIOLATION', `cost.budget: ${currency} ${problem}`);
    }
    for (const [currency, amount] of amounts) this.#add(currency, new Big(amount).times(-1));
    return new Budget(amounts, this);
  }

  /** The job has ended: what it has left goes back to its parent's, and what it spends now is its parent's too. */
  settle(): void {
    if (!this.#parent) return;
    for (const [currency, { remaining }] of this.#counters) this.#parent.#add(currency, remaining);
    this.#counters.clear();
  }

  #find(currency: string): Counter | undefined {
    const own = this.#counters.get(currency);
    if (own || !this.#parent) return own;
    return this.#parent.#find(currency);
  }

  #ownerOf(currency: string): Budget {
    if (this.#counters.has(currency) || !this.#parent) return this;
    return this.#parent.#ownerOf(currency);
  }

  /** Moves an amount; what was told moves with it, since nothing was spent. */
  #add(currency: string, amount: Big): void {
    const counter = this.#find(currency);
    if (!counter) return;
    counter.remaining = counter.remaining.plus(amount);
    counter.toldRemaining = counter.toldRemaining.plus(amount);
    this.#ownerOf(currency).onChange();
  }
}

function counterOf(granted: Big): Counter {
  return { granted, remaining: granted, toldRemaining: granted };
}
