import { isSlow, principalOf } from './bearers.ts';
import { Violation } from './client.ts';
import type { Link } from './link.ts';
import type { Oracle } from './oracle.ts';

/** What an authenticator comes to, in its own time. */
export type Verdict = 'granted' | 'refused' | 'failed';

interface Thinking {
  link: Link;
  decide(verdict: Verdict): void;
}

/** Tells who presents a bearer token: mostly at once, of some later, and then perhaps not. */
export class Authenticators {
  readonly #oracle: Oracle;
  readonly #thinking: Thinking[] = [];

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  authenticate(token: string): { principal: string } | null | Promise<{ principal: string } | null> {
    const principal = principalOf(token);
    if (!isSlow(token)) return principal === '' ? null : { principal };
    const link = this.#oracle.heard;
    if (!link) throw new Violation('credentials were looked at that nobody has presented');
    return new Promise((resolve, reject) => {
      const decide = (verdict: Verdict) => {
        if (verdict === 'failed') reject(new Error('the directory of people is down'));
        else resolve(verdict === 'granted' ? { principal } : null);
      };
      this.#thinking.push({ link, decide });
    });
  }

  get busy(): number {
    return this.#thinking.length;
  }

  /** One of them has come to its verdict, whether or not anybody still waits for it. */
  decide(which: number, verdict: Verdict): void {
    const [thinking] = this.#thinking.splice(which, 1);
    if (!thinking) return;
    this.#oracle.decides(thinking.link, verdict);
    thinking.decide(verdict);
  }
}
