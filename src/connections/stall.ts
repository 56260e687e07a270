import type { Clock } from '../clock.ts';

/** What a stall watch looks at, and tells. */
export interface StallOptions {
  clock: Clock;
  timeoutMs: number;
  /** How often the socket has taken bytes. */
  drains(): number;
  unsentBytes(): number;
  /** Whether more waits for this socket, in it and in the log, than may wait. */
  owesTooMuch(): boolean;
  stalled(): void;
  /** The socket holds nothing any more: there is nothing left to watch. */
  ended(): void;
}

/**
 * Watches a socket that holds bytes (§6.5): one that is owed too much and took nothing for a whole timeout is stalled, one
 * that takes a little now and then is not. Returns the way to stop.
 */
export function watchStall(options: StallOptions): () => void {
  const { clock, timeoutMs } = options;
  let timer: unknown;
  function arm(): void {
    const drainsBefore = options.drains();
    timer = clock.setTimeout(() => {
      if (options.unsentBytes() === 0) options.ended();
      else if (options.drains() === drainsBefore && options.owesTooMuch()) options.stalled();
      else arm();
    }, timeoutMs);
  }
  arm();
  return () => clock.clearTimeout(timer);
}
