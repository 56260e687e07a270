import type { ClientState, StateChange } from './options.ts';

/** Tells the application every change of state, once. */
export class Notices {
  readonly #listeners = new Set<(change: StateChange) => void>();
  #state: ClientState | undefined;
  #why: Pick<StateChange, 'reason' | 'error'> = {};

  listen(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Why the state that comes next will be what it is. */
  explain(why: Pick<StateChange, 'reason' | 'error'>): void {
    this.#why = why;
  }

  tell(state: ClientState): void {
    if (state === this.#state) return;
    this.#state = state;
    const change: StateChange = { state, ...this.#why };
    this.#why = {};
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        // A listener's fault is its owner's to see, and no reason to lose a session.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
