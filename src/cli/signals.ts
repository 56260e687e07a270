/** Under npm one Ctrl-C arrives twice, from the terminal and from npm: signals this close are one. */
const sameSignalMs = 250;

/** Calls `first` at the first SIGINT (and SIGTERM, where wanted), `again` at the next. Returns the way to stop. */
export function onSignals(
  signals: readonly ('SIGINT' | 'SIGTERM')[],
  { first, again }: { first(signal: string): void; again(): void },
): () => void {
  let firstMs: number | undefined;
  const heard = (signal: string) => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      first(signal);
    } else if (nowMs - firstMs >= sameSignalMs) {
      again();
    }
  };
  for (const signal of signals) process.on(signal, heard);
  return () => {
    for (const signal of signals) process.off(signal, heard);
  };
}
