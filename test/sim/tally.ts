/** How often each kind of thing happened. */
export type Tally = Map<string, number>;

export function count(tally: Tally, what: string, times = 1): void {
  tally.set(what, (tally.get(what) ?? 0) + times);
}

export function addTo(tally: Tally, more: Tally): void {
  for (const [what, times] of more) count(tally, what, times);
}

export function tallyText(tally: Tally): string {
  const rows = [...tally].sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.map(([what, times]) => `${String(times).padStart(8)}  ${what}`).join('\n');
}
