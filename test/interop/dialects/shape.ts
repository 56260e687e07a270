import { retryableByCode } from '../../../src/wire/errors.ts';

/** What a decoder takes: a predicate of a value, or an object of them for its members. Unknown members are ignored. */
export type Shape = ((value: unknown) => boolean) | { readonly [member: string]: Shape };

export const text: Shape = (value) => typeof value === 'string';
export const filled: Shape = (value) => typeof value === 'string' && value !== '';
export const number: Shape = (value) => typeof value === 'number';
export const whole: Shape = (value) => Number.isSafeInteger(value);
export const yesOrNo: Shape = (value) => typeof value === 'boolean';
export const record: Shape = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
export const instant: Shape = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
export const anything: Shape = () => true;
export const oneOf =
  (...values: unknown[]): Shape =>
  (value: unknown) =>
    values.includes(value);
/** Absent, or of this shape; null is neither. */
export const maybe =
  (shape: Shape): Shape =>
  (value: unknown) =>
    value === undefined || fault(value, shape) === undefined;
/** Absent, null, or of this shape. */
export const nullable =
  (shape: Shape): Shape =>
  (value: unknown) =>
    value === null || fault(value, maybe(shape)) === undefined;
export const listOf =
  (shape: Shape): Shape =>
  (value: unknown) =>
    Array.isArray(value) && value.every((item) => fault(item, shape) === undefined);

/** Where a value is not of a shape; undefined where it is. */
export function fault(value: unknown, shape: Shape, path = ''): string | undefined {
  if (typeof shape === 'function') return shape(value) ? undefined : `${path || 'it'} is ${JSON.stringify(value)}`;
  if (typeof value !== 'object' || value === null) return `${path || 'it'} is no object`;
  const members = new Map<string, unknown>(Object.entries(value));
  for (const [name, inner] of Object.entries(shape)) {
    const found = fault(members.get(name), inner, `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const bareTrace: Shape = (value) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
export const codes = oneOf(...Object.keys(retryableByCode));
export const statuses = oneOf('pending', 'running', 'success', 'error', 'cancelled', 'timed_out');
export const peer = { name: filled, version: filled };
export const agents = maybe(listOf({ name: filled, versions: listOf(filled), default: maybe(text) }));
export const lease: Shape = (value) => membersOf(value).every(Array.isArray);
export const numbers: Shape = (value) => membersOf(value).every((amount) => typeof amount === 'number');
export const texts: Shape = (value) => membersOf(value).every((amount) => typeof amount === 'string');

function membersOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [value];
}
