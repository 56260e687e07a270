import { monotonicFactory } from 'ulid';

/** Randomness is drawn for many ids at once: a draw takes 2 µs, whatever its size, and an id of a new millisecond needs 16. */
const pool = new Uint8Array(1024);
let drawn = pool.length;

function random(): number {
  if (drawn === pool.length) {
    crypto.getRandomValues(pool);
    drawn = 0;
  }
  const byte = pool[drawn] ?? 0;
  drawn += 1;
  return byte / 256;
}

// Within a millisecond the monotonic factory counts up. Good for ids, which are never secrets; tokens come from
// `randomBytes` (src/tokens.ts).
const next = monotonicFactory(random);

/** A new id of ours: the kind's prefix and a ULID (§4). Ids sort by the time they were minted. */
export function mintId(prefix: 'msg' | 'sess' | 'job' | 'res' | 'req' | 'cred' | 'call'): string {
  return `${prefix}_${next()}`;
}
