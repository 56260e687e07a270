import type { ConnectOptions } from '../../../src/client.ts';
import { simulatedClock } from '../../../src/clock.ts';
import { memoryPair } from '../../../src/transports/memory.ts';
import type { Transport } from '../../../src/transports/transport.ts';
import { Stage } from '../../client/scripted.ts';

/** A connection that a client is making. */
export interface Attempt {
  /** It is made; the driver plays the runtime on it. */
  accept(): Promise<Stage>;
  /** Nobody is there. */
  refuse(): void;
  /** Resolves when the client has given the attempt up. */
  abandoned: Promise<void>;
}

/** Where a client's walks are taken: what carries its frames, and what time is to it. */
export interface ClientPlace {
  url: string;
  options: Pick<ConnectOptions, 'clock' | 'dial'>;
  /** The next connection that the client makes. */
  attempt(): Promise<Attempt>;
  /** Lets a timer of so many milliseconds end, where that is in the place's power. */
  pass(ms: number): Promise<void>;
  /** What the stage has sent has been heard by the client. */
  reached(stage: Stage | undefined): Promise<void>;
  /** The walk is over: a client that still tries to connect is told that its session is another's, and stays away. */
  close(): void;
}

/** What comes one after the other, and whoever waits for it. */
export class Arrivals<Item> {
  readonly #items: Item[] = [];
  #arrived = () => {};

  add(item: Item): void {
    this.#items.push(item);
    this.#arrived();
  }

  async next(): Promise<Item> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  get left(): readonly Item[] {
    return this.#items;
  }
}

/** Level (b): in memory, in simulated time. */
export function memoryPlace(): ClientPlace {
  const clock = simulatedClock();
  const attempts = new Arrivals<Attempt>();
  const dial = (_: string, { signal }: { signal: AbortSignal }) =>
    new Promise<Transport>((resolve, reject) => {
      attempts.add({
        async accept() {
          const [ours, theirs] = memoryPair();
          resolve(ours);
          return new Stage(theirs);
        },
        refuse: () => reject(new Error('connection refused')),
        abandoned: new Promise((given) => signal.addEventListener('abort', () => given())),
      });
    });
  return {
    url: 'ws://stage.test/arcp',
    options: { clock, dial },
    attempt: () => attempts.next(),
    async pass(ms) {
      clock.advance(ms);
      await turns();
    },
    reached: turns,
    close: () => {},
  };
}

/** What follows at once, in microtasks and promises, has happened. */
async function turns(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
