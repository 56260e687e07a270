/** A token bucket: `perSecond` on the long run, bursts of twice that (§2). Time is an argument, in milliseconds. */
export function tokenBucket(perSecond: number): { take(nowMs: number): boolean } {
  const capacity = perSecond * 2;
  let tokens = capacity;
  let filledMs: number | undefined;
  return {
    take(nowMs) {
      tokens = Math.min(capacity, tokens + ((nowMs - (filledMs ?? nowMs)) / 1000) * perSecond);
      filledMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
