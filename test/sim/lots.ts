import { seeded } from '../support/socket.ts';

/** What a seed decides, in the order it is asked. */
export class Lots {
  readonly below: (limit: number) => number;

  constructor(seed: number) {
    this.below = seeded(seed);
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }
}
