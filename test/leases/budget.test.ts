// §8 of the protocol: budgets in exact decimals.
import { describe, expect, test } from 'vitest';
import { Budget, readAmounts } from '../../src/leases/budget.ts';
import { ArcpError } from '../../src/wire/errors.ts';
import { seeded } from '../support/socket.ts';

const budget = (...amounts: string[]) => new Budget(readAmounts(amounts));
const cost = (value: number, unit = 'USD', name = 'cost.tokens') => ({ name, value, unit });

describe('§8 counting', () => {
  // proves P8.10
  test('§8 ten times 0.1 of 1.00 leaves exactly 0, and not before', () => {
    const one = budget('USD:1.00');
    for (let time = 1; time <= 10; time += 1) {
      expect(one.exhausted()).toBeUndefined();
      one.spend(cost(0.1));
    }
    expect(one.remaining()).toEqual({ USD: 0 });
    expect(one.exhausted()).toBe('USD');
  });

  test('§8 tenths, hundredths and thousandths come out even, in whatever order', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.info(`seed ${seed}`);
    const draw = seeded(seed);
    const one = budget('USD:1000');
    let thousandths = 1_000_000;
    while (thousandths > 0) {
      const part = Math.min(thousandths, 1 + draw(999));
      one.spend(cost(part / 1000));
      thousandths -= part;
      if (thousandths > 0) expect(one.exhausted()).toBeUndefined();
    }
    expect(one.remaining()).toEqual({ USD: 0 });
  });

  test('§8 what is too small for a float is still counted', () => {
    const one = budget('USD:900719925474099.3');
    one.spend(cost(1e-12));
    one.spend(cost(900719925474099.2));
    expect(one.exhausted()).toBeUndefined();
    one.spend(cost(0.1));
    expect(one.exhausted()).toBe('USD');
  });

  const uncounted: [string, { name: string; value: number; unit?: string }][] = [
    ['another name', cost(1, 'USD', 'latency')],
    ['a name that only begins alike', cost(1, 'USD', 'costs.tokens')],
    ['its own remaining', cost(1, 'USD', 'cost.budget.remaining')],
    ['a unit that is not budgeted', cost(1, 'EUR')],
    ['a unit in another case', cost(1, 'usd')],
    ['no unit', { name: 'cost.tokens', value: 1 }],
    ['a negative value', cost(-1)],
    ['nothing', cost(0)],
    ['NaN', cost(Number.NaN)],
    ['infinity', cost(Number.POSITIVE_INFINITY)],
  ];
  for (const [what, metric] of uncounted) {
    test(`§8 ${what} is not counted`, () => {
      const one = budget('USD:1');
      expect(one.spend(metric)).toBeUndefined();
      expect(one.remaining()).toEqual({ USD: 1 });
    });
  }

  test('§8 currencies are counted apart, and one that is used up is enough', () => {
    const both = budget('USD:5', 'EUR:1');
    both.spend(cost(1, 'EUR'));
    expect(both.remaining()).toEqual({ USD: 5, EUR: 0 });
    expect(both.exhausted()).toBe('EUR');
  });

  test('§8 a budget of nothing is exhausted from the start; without one there is no limit', () => {
    expect(budget('USD:0').exhausted()).toBe('USD');
    expect(budget().exhausted()).toBeUndefined();
    expect(budget().spend(cost(1e300))).toBeUndefined();
  });
});

describe('§8 what remains is told after material decrements', () => {
  // proves P8.13
  test('§8 a hundredth of what was granted at a time, and the end of it', () => {
    const one = budget('USD:10');
    expect(one.spend(cost(0.06))).toBeUndefined();
    expect(one.spend(cost(0.04))).toBe(9.9);
    expect(one.spend(cost(0.05))).toBeUndefined();
    expect(one.spend(cost(9.84))).toBe(0.01);
    expect(one.spend(cost(0.01))).toBe(0);
    expect(one.spend(cost(0.01))).toBeUndefined();
    expect(one.spend(cost(0.11))).toBe(-0.12);
  });
});

describe('§8 children', () => {
  test('§8 a child’s amount is reserved from what is left, and the unspent rest comes back', () => {
    const parent = budget('USD:5.00');
    parent.spend(cost(3));
    const child = parent.reserve(readAmounts(['USD:2.00']));
    expect(parent.exhausted()).toBe('USD');
    child.spend(cost(0.5));
    expect(parent.remaining()).toEqual({ USD: 0 });
    child.settle();
    expect(parent.remaining()).toEqual({ USD: 1.5 });
  });

  test('§8 more than is left is LEASE_SUBSET_VIOLATION, and takes nothing of any currency', () => {
    const parent = budget('USD:5.00', 'EUR:1');
    parent.spend(cost(3));
    for (const amounts of [['USD:2.01'], ['EUR:1', 'USD:3'], ['EUR:1', 'GBP:1']]) {
      const asked = () => parent.reserve(readAmounts(amounts));
      expect(asked).toThrow(ArcpError);
      expect(asked).toThrow(/cost.budget/);
    }
    expect(parent.remaining()).toEqual({ USD: 2, EUR: 1 });
  });

  test('§8 what a child spends beyond its own is its parent’s to pay', () => {
    const parent = budget('USD:5');
    const child = parent.reserve(readAmounts(['USD:1']));
    child.spend(cost(1.5));
    expect(child.exhausted()).toBe('USD');
    child.settle();
    expect(parent.remaining()).toEqual({ USD: 3.5 });
  });

  test('§8 in a currency it asked nothing of, a child spends its parent’s, and stops where that ends', () => {
    const parent = budget('USD:1', 'EUR:1');
    const child = parent.reserve(readAmounts(['USD:1']));
    expect(child.remaining()).toEqual({ USD: 1, EUR: 1 });
    expect(child.exhausted()).toBeUndefined();
    child.spend(cost(1, 'EUR'));
    expect(parent.remaining()).toEqual({ USD: 0, EUR: 0 });
    expect(child.exhausted()).toBe('EUR');
  });

  test('§8 a grandchild that outlives its parent gives back to whoever is left, and nothing is lost or made', () => {
    const parent = budget('USD:8');
    const child = parent.reserve(readAmounts(['USD:4']));
    const grandchild = child.reserve(readAmounts(['USD:2']));
    child.settle();
    expect(parent.remaining()).toEqual({ USD: 6 });
    grandchild.spend(cost(0.5));
    child.spend(cost(1));
    grandchild.settle();
    grandchild.settle();
    expect(parent.remaining()).toEqual({ USD: 6.5 });
  });
});
