import type { Clock } from './clock.ts';

export interface ExpiringMapOptions<Key, Value> {
  clock: Clock;
  /** How long an entry is kept after it was set. */
  keepMs: number;
  /** Most entries kept; the oldest goes first. */
  entriesMax: number;
  /** Told of an entry whose time is over, or that had to make room. */
  gone?(key: Key, value: Value): void;
}

interface Entry<Value> {
  value: Value;
  untilMs: number;
}

/** A map whose entries all live equally long, so that the first one in is the first one out: one timer serves them all. */
export class ExpiringMap<Key, Value> {
  readonly #options: ExpiringMapOptions<Key, Value>;
  readonly #entries = new Map<Key, Entry<Value>>();
  #timer: unknown;

  constructor(options: ExpiringMapOptions<Key, Value>) {
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
    if (this.#entries.size > entriesMax) this.#forget(this.#oldest());
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

  #forget(entry: [Key, Entry<Value>] | undefined): void {
    if (!entry) return;
    this.#entries.delete(entry[0]);
    this.#options.gone?.(entry[0], entry[1].value);
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
      this.#forget(oldest);
    }
    this.#arm();
  }
}
