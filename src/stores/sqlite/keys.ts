/**
 * A name as it is a key in a table: as it is, but for what SQLite, or a driver, does not give back as it got it (NUL ends a text
 * for one of them; half a surrogate pair has no UTF-8). A client names idempotency keys, so that there is anything.
 */
export function keyOf(name: string): string {
  return JSON.stringify(name).slice(1, -1);
}

export function nameOf(key: string): string {
  return key.includes('\\') ? String(JSON.parse(`"${key}"`)) : key;
}
