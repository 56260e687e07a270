import { InvalidArgumentError } from 'commander';

/** A duration in seconds, fractions allowed. Commander adds the option's name to what is thrown. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text) || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number of seconds above 0.');
  }
  return value;
}

/** A limit: a whole number above 0. */
export function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('It must be a whole number above 0.');
  }
  return value;
}

/** A TCP port; 0 is any free one. */
export function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('It must be a port, 0 to 65535.');
  return value;
}
