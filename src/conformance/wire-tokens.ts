import type { ResumeAct } from './model.ts';

/** A session's tokens as its client has them, by what they are good for (§6.3). */
export class WireTokens {
  #current = '';
  /** The one before, while the client has not shown that it got the current one. */
  #previous: string | undefined;
  #superseded: string | undefined;
  readonly #fences = new Map<string, number>();

  /** A welcome brought a new token. The presented one stays good beside it; the other one that was good is dead. */
  rotate(presented: ResumeAct['token'] | undefined, fresh: string): void {
    if (presented === 'previous') {
      this.#superseded = this.#current;
    } else if (presented !== undefined) {
      this.#superseded = this.#previous ?? this.#superseded;
      this.#previous = this.#current;
    }
    this.#current = fresh;
  }

  /** The client has shown that it has its newest token: the one before it dies. */
  prove(): void {
    this.#superseded = this.#previous ?? this.#superseded;
    this.#previous = undefined;
  }

  /** The process that has issued these tokens has died; this was its newest event. */
  fence(newestSeq: number): void {
    for (const token of [this.#current, this.#previous, this.#superseded]) {
      if (token !== undefined && !this.#fences.has(token)) this.#fences.set(token, newestSeq);
    }
  }

  fenceOf(token: string): number {
    return this.#fences.get(token) ?? Number.POSITIVE_INFINITY;
  }

  named(which: ResumeAct['token']): string {
    switch (which) {
      case 'previous':
        return this.#previous ?? '';
      case 'superseded':
        return this.#superseded ?? '';
      case 'unknown':
        return 'rt_unknown';
      default:
        return this.#current;
    }
  }
}

/** The newest event that the holder of a token can have is that of the moment when the process died that had issued it. */
export function cursorOf(which: ResumeAct['cursor'], newestSeq: number, fenceSeq: number): unknown {
  const [inside, head] = [Math.min(newestSeq - 1, fenceSeq), Math.min(newestSeq, fenceSeq)];
  const cursors = { zero: 0, trimmed: 0, inside, head, ahead: newestSeq + 1, 'no count': 1.5 };
  return cursors[which];
}
