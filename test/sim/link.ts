import type { Transport } from '../../src/transports/transport.ts';

type Item = { text: string; bytes: number } | { code: number; reason: string };

/** One end of a simulated link: a transport whose frames move only when the simulation says so. */
class End implements Transport {
  receive: (data: string | Uint8Array) => void = () => {};
  closed: (code: number, reason: string) => void = () => {};
  drained: () => void = () => {};
  /** What this end has sent and the other has not had. */
  readonly outbox: Item[] = [];
  state: 'open' | 'closing' | 'ended' = 'open';

  send(text: string): void {
    if (this.state === 'open') this.outbox.push({ text, bytes: Buffer.byteLength(text) });
  }

  close(code: number, reason = ''): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.outbox.push({ code, reason });
  }

  onMessage(receive: (data: string | Uint8Array) => void): void {
    this.receive = receive;
  }

  onClose(closed: (code: number, reason: string) => void): void {
    this.closed = closed;
  }

  unsentBytes(): number {
    return this.outbox.reduce((bytes, item) => bytes + ('text' in item ? item.bytes : 0), 0);
  }

  onDrain(drained: () => void): void {
    this.drained = drained;
  }

  end(code: number, reason: string): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.outbox.length = 0;
    this.closed(code, reason);
  }
}

/**
 * A link between a client and the runtime on which everything that can happen to a cable happens when told: frames are
 * delivered one by one, stalled, swallowed (half-open), cut in the middle of a byte stream, and each end learns of the end
 * when the simulation lets it.
 */
export class Link {
  readonly client = new End();
  readonly server = new End();
  /** Ends that will learn of the link's end, later. */
  readonly #unaware = new Map<End, { code: number; reason: string }>();
  condition: 'well' | 'stalled' | 'half-open' = 'well';

  get over(): boolean {
    return this.client.state === 'ended' && this.server.state === 'ended';
  }

  /** Moves one frame, or one close, of one direction. Returns whether there was any. */
  deliver(from: 'client' | 'server'): boolean {
    const [sender, receiver] = from === 'client' ? [this.client, this.server] : [this.server, this.client];
    if (this.condition === 'stalled' && from === 'server') return false;
    const item = sender.outbox.shift();
    if (!item) return false;
    if (this.condition === 'half-open') return true;
    this.#hand(item, receiver);
    if ('text' in item && sender.state === 'open') sender.drained();
    else if ('code' in item) this.#unaware.set(sender, item);
    return true;
  }

  /** The cable breaks: of each direction the first so many bytes still arrive, a frame cut in two does not. */
  cut(bytesUp: number, bytesDown: number): void {
    this.#flush(this.client, this.server, bytesUp);
    this.#flush(this.server, this.client, bytesDown);
    for (const end of [this.client, this.server]) {
      if (end.state !== 'ended') this.#unaware.set(end, { code: 1006, reason: '' });
      end.state = end.state === 'ended' ? 'ended' : 'closing';
      end.outbox.length = 0;
    }
  }

  /** An end learns what has become of the link. */
  learn(who: 'client' | 'server'): boolean {
    const end = this[who];
    const fate = this.#unaware.get(end);
    if (!fate) return false;
    this.#unaware.delete(end);
    end.end(fate.code, fate.reason);
    return true;
  }

  #flush(sender: End, receiver: End, bytes: number): void {
    if (this.condition !== 'well') return;
    let left = bytes;
    for (let item = sender.outbox[0]; item && 'text' in item && item.bytes <= left; item = sender.outbox[0]) {
      left -= item.bytes;
      sender.outbox.shift();
      this.#hand(item, receiver);
    }
  }

  #hand(item: Item, receiver: End): void {
    if (receiver.state === 'ended') return;
    if ('text' in item) receiver.receive(item.text);
    else receiver.end(item.code, item.reason);
  }
}
