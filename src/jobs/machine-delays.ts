import type { AnyActor, AnyActorRef } from 'xstate';
import type { Clock } from '../clock.ts';

/** A delayed event (`after`, `raise` or `sendTo` with a delay) that waits. */
export interface KeptDelay {
  /** Who sends it and who gets it: ids of children, from the root on. */
  source: readonly string[];
  target: readonly string[];
  id: string;
  event: { type: string };
  delayMs: number;
  /** Wall time. */
  dueMs: number;
}

/**
 * The delayed events of an actor and all below it. XState remembers of each only its delay, and forgets them all when it
 * restores a snapshot (upstream issue 5331): here each has its deadline, and is scheduled again by the id by which leaving a
 * state cancels it, with what remains of it.
 */
export class MachineDelays {
  readonly #clock: Clock;
  #actor: AnyActor | undefined;
  /** In uptime, by what XState has scheduled. */
  readonly #dueMs = new WeakMap<object, number>();
  // Until the start, what is scheduled is only noted: XState's own start arms it.
  #arm: Clock['setTimeout'] = () => undefined;
  /** The clock that the actor is to be made with. */
  readonly clock = {
    setTimeout: (callback: () => void, delayMs: number): unknown => {
      this.#note();
      return this.#arm(callback, delayMs);
    },
    clearTimeout: (timer: unknown): void => this.#clock.clearTimeout(timer),
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called right before the actor starts, with the delays that waited where it was kept. */
  begin(actor: AnyActor, kept: readonly KeptDelay[]): void {
    this.#actor = actor;
    if (kept.length > 0) this.#reschedule(actor, kept);
    this.#arm = this.#clock.setTimeout;
  }

  /** Every delayed event that waits, the first due first. */
  keep(): KeptDelay[] {
    const waiting = this.#scheduled();
    if (!this.#actor || waiting.length === 0) return [];
    const paths = new Map([...family(this.#actor)].map(({ path, ref }) => [ref, path]));
    const uptimeMs = this.#clock.uptime();
    const wallMs = this.#clock.now();
    return waiting
      .flatMap((one) => {
        const { id, event, delay: delayMs } = one;
        const source = paths.get(one.source);
        const target = paths.get(one.target);
        const remainingMs = (this.#dueMs.get(one) ?? uptimeMs + delayMs) - uptimeMs;
        // An endless delay is never due, and whoever is outside cannot be found again.
        if (!source || !target || !Number.isFinite(remainingMs)) return [];
        return [{ source, target, id, event, delayMs, dueMs: wallMs + remainingMs }];
      })
      .sort((a, b) => a.dueMs - b.dueMs);
  }

  #reschedule(actor: AnyActor, kept: readonly KeptDelay[]): void {
    const refs = new Map([...family(actor)].map(({ path, ref }) => [JSON.stringify(path), ref]));
    for (const { id, event, delayMs, dueMs, ...way } of kept) {
      const source = refs.get(JSON.stringify(way.source));
      const target = refs.get(JSON.stringify(way.target));
      if (!source || !target) continue;
      // A wall clock that was set back makes nothing wait longer than it was meant to.
      const remainingMs = Math.min(delayMs, Math.max(0, dueMs - this.#clock.now()));
      actor.system.scheduler.schedule(source, target, event, remainingMs, id);
    }
  }

  /** Whatever was scheduled since the last time was scheduled now. */
  #note(): void {
    const uptimeMs = this.#clock.uptime();
    for (const one of this.#scheduled()) if (!this.#dueMs.has(one)) this.#dueMs.set(one, uptimeMs + one.delay);
  }

  #scheduled() {
    return this.#actor ? Object.values(this.#actor.system.getSnapshot()._scheduledEvents) : [];
  }
}

/** An actor and everything below it, by the ids on the way. */
function* family(
  ref: AnyActorRef,
  path: readonly string[] = [],
): Generator<{ path: readonly string[]; ref: AnyActorRef }> {
  yield { path, ref };
  const { children = {} } = ref.getSnapshot();
  for (const [id, child] of Object.entries<AnyActorRef | undefined>(children)) {
    if (child) yield* family(child, [...path, id]);
  }
}
