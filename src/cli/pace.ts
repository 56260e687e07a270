/** How much, and how fast: `{count?, delay_ms?}` of a demo agent's input. */
export function pace(input: unknown, preset: { count: number; delayMs: number }): { count: number; delayMs: number } {
  const fields: { count?: unknown; delay_ms?: unknown } = typeof input === 'object' && input !== null ? input : {};
  return {
    count: natural('count', fields.count ?? preset.count),
    delayMs: natural('delay_ms', fields.delay_ms ?? preset.delayMs),
  };
}

function natural(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${name} must be a whole number of at least 0`);
}
