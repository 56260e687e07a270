import { Ending } from './ending.ts';
import { closeCodes, type Transport } from './transport.ts';

/** One end of an in-memory pair. What it has beyond a transport lets a test be a bad network. */
export interface MemoryTransport extends Transport {
  /** Sends a binary frame, which the protocol does not have (§4). */
  sendBytes(bytes: Uint8Array): void;
  /** Takes no frames until `resume`, like a reader that hangs: the peer's unsent bytes grow. */
  stall(): void;
  resume(): void;
}

/**
 * Two transports joined in memory. Every frame arrives in a microtask of its own, in order. `close(1006)` on either end
 * is a cable pulled: both ends are told 1006 and whatever was under way is lost. Any other code arrives behind the
 * frames sent before it.
 */
export function memoryPair(): [MemoryTransport, MemoryTransport] {
  const left = new MemoryEnd();
  const right = new MemoryEnd();
  left.join(right);
  right.join(left);
  return [left, right];
}

type Delivery = { data: string | Uint8Array; bytes: number } | { code: number; reason: string };

class MemoryEnd implements MemoryTransport {
  readonly #ending = new Ending();
  #state: 'open' | 'closed' = 'open';
  #peer: MemoryEnd = this;
  #inbox: Delivery[] = [];
  /** Of the inbox, what was delivered: cheaper than shifting a long one. */
  #delivered = 0;
  #reading: 'idle' | 'scheduled' | 'stalled' = 'idle';
  #unsentBytes = 0;
  #receive: ((data: string | Uint8Array) => void) | undefined;
  #drained: (() => void) | undefined;

  join(peer: MemoryEnd): void {
    this.#peer = peer;
  }

  send(text: string): void {
    this.#post(text, Buffer.byteLength(text));
  }

  sendAll(texts: readonly string[]): void {
    for (const text of texts) this.send(text);
  }

  sendBytes(bytes: Uint8Array): void {
    this.#post(bytes, bytes.byteLength);
  }

  close(code: number, reason = ''): void {
    if (this.#state === 'closed') return;
    this.#shut(code, reason);
    const peer = this.#peer;
    if (peer.#state !== 'open') return;
    if (code === closeCodes.broken) peer.#shut(code, reason);
    else peer.#put({ code, reason });
  }

  onMessage(receive: (data: string | Uint8Array) => void): void {
    this.#receive = receive;
    this.#read();
  }

  onClose(closed: (code: number, reason: string) => void): void {
    this.#ending.listen(closed);
  }

  unsentBytes(): number {
    return this.#state === 'open' && this.#peer.#state === 'open' ? this.#unsentBytes : 0;
  }

  onDrain(drained: () => void): void {
    this.#drained = drained;
  }

  stall(): void {
    this.#reading = 'stalled';
  }

  resume(): void {
    this.#reading = 'idle';
    this.#read();
  }

  #post(data: string | Uint8Array, bytes: number): void {
    const peer = this.#peer;
    if (this.#state === 'closed' || peer.#state !== 'open') return;
    this.#unsentBytes += bytes;
    peer.#put({ data, bytes });
  }

  #put(delivery: Delivery): void {
    this.#inbox.push(delivery);
    this.#read();
  }

  #read(): void {
    if (this.#reading !== 'idle' || !this.#receive || this.#delivered === this.#inbox.length) return;
    this.#reading = 'scheduled';
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    // Stalled, or stalled and resumed, since this was scheduled: another delivery will come.
    if (this.#reading !== 'scheduled') return;
    this.#reading = 'idle';
    const delivery = this.#inbox[this.#delivered];
    if (!delivery) return;
    this.#delivered += 1;
    if (this.#delivered === this.#inbox.length) this.#empty();
    if ('code' in delivery) {
      this.#state = 'closed';
      this.#ending.tell(delivery.code, delivery.reason);
    } else {
      // Scheduled first: a receiver that throws must not hold up the next frame.
      this.#read();
      this.#peer.#taken(delivery.bytes);
      this.#receive?.(delivery.data);
    }
  }

  #taken(bytes: number): void {
    this.#unsentBytes -= bytes;
    if (this.#state === 'open') this.#drained?.();
  }

  #shut(code: number, reason: string): void {
    this.#state = 'closed';
    this.#empty();
    queueMicrotask(() => this.#ending.tell(code, reason));
  }

  #empty(): void {
    this.#inbox = [];
    this.#delivered = 0;
  }
}
