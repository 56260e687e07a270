import { monotonicFactory } from 'ulid';

// `ulid()` draws fresh randomness for every id (36 µs); the monotonic factory increments within a millisecond (< 1 µs).
// Good for ids, which are never secrets; tokens come from `randomBytes` (src/tokens.ts).
const next = monotonicFactory();

/** A new id of ours: the kind's prefix and a ULID (§4). Ids sort by the time they were minted. */
export function mintId(prefix: 'msg' | 'sess' | 'job' | 'res' | 'req' | 'cred' | 'call'): string {
  return `${prefix}_${next()}`;
}
