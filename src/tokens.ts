import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A resume token as it is kept: its SHA-256, never the token (§6.3). */
export type TokenHash = Buffer;

/** A new resume token: 256 bits of the system's randomness, independent of every id. Shown once, in a welcome. */
export function mintResumeToken(): string {
  return `rt_${randomBytes(32).toString('base64url')}`;
}

/** What is kept and compared in place of a secret. */
export function hashToken(token: string): TokenHash {
  return createHash('sha256').update(token).digest();
}

/** Compares in constant time, so that an answer's delay tells nothing of a token. */
export function sameToken(a: TokenHash, b: TokenHash): boolean {
  return timingSafeEqual(a, b);
}
