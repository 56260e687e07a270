// The simulation's bearer tokens are `PRINCIPAL/1`, and `PRINCIPAL/later` for whoever is not known at once.

/** Whose token it is; empty for nobody's. */
export function principalOf(token: string): string {
  return token.split('/')[0] ?? '';
}

export function isSlow(token: string): boolean {
  return token.endsWith('/later');
}
