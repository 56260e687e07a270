import type { Clock } from './clock.ts';

export interface ExpiringMapOptions<Key> {
  clock: Clock;
  /** How long an entry is kept after it was set. */
  keepMs: number;
  /** Most entries kept; the oldest goes first. */
  entriesMax: number;
  /** Told of a key whose time is over, or that had to make room. */
  gone?(key: Key): void;
}

interface Entry<Value> {
  value: Value;
  untilMs: number;
}

/** A map whose entries all live equally long, so that the first one in is the first one out: one timer serves them all. */
export class ExpiringMap<Key, Value> {
  readonly #options: ExpiringMapOptions<Key>;
  readonly #entries = new Map<Key, Entry<Value>>();
  #timer: unknown;

  constructor(options: ExpiringMapOptions<Key>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.untilMs > this.#options.clock.uptime() ? entry.value : undefined;
  }

  /** `keepMs` differs where an earlier process has set the entry: such ones come first, in the order of their ends. */
  set(key: Key, value: Value, keepMs = this.#options.keepMs): void {
    const { clock, entriesMax } = this.#options;
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: clock.uptime() + keepMs });
    if (this.#entries.size > entriesMax) this.#forget(this.#oldest()?.[0] ?? key);
    this.#arm();
  }

  clear(): void {
    this.#entries.clear();
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #oldest(): [Key, Entry<Value>] | undefined {
    return this.#entries.entries().next().value;
  }

  #arm(): void {
    const oldest = this.#oldest();
    if (this.#timer !== undefined || !oldest) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimeout(() => this.#purge(), oldest[1].untilMs - clock.uptime());
  }

  #purge(): void {
    this.#timer = undefined;
    const nowMs = this.#options.clock.uptime();
    for (let oldest = this.#oldest(); oldest && oldest[1].untilMs <= nowMs; oldest = this.#oldest()) {
      this.#forget(oldest[0]);
    }
    this.#arm();
  }

  #forget(key: Key): void {
    this.#entries.delete(key);
    this.#options.gone?.(key);
  }
}
