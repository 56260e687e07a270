import type { Transport } from '../../src/transports/transport.ts';

type Item = { text: string; bytes: number } | { code: number; reason: string };

/** Whoever watches the runtime's end of a link: told of everything that crosses it, at the moment it does. */
export interface Tap {
  sends(link: Link, text: string): void;
  closes(link: Link, code: number): void;
  /** Something is done for the client that takes its time: what it has sent behind that stays under way. */
  isWaiting(link: Link): boolean;
  /** The network has taken something. */
  drains(link: Link): void;
  /** A frame is about to be heard: `hand` hands it over. */
  hears(link: Link, text: string, hand: () => void): void;
  /** The runtime is about to be told that the link has ended. */
  learns(link: Link, hand: () => void): void;
}

/** One end of a simulated link: a transport whose frames move only when the simulation says so. */
class End implements Transport {
  receive: (data: string | Uint8Array) => void = () => {};
  closed: (code: number, reason: string) => void = () => {};
  drained: () => void = () => {};
  /** What this end has sent and the other has not had. */
  readonly outbox: Item[] = [];
  /** `cut`: the cable is broken, and nobody at this end knows. */
  state: 'open' | 'cut' | 'closing' | 'ended' = 'open';
  readonly #sends: (text: string) => void;
  readonly #closes: (code: number) => void;
  #unsentBytes = 0;

  constructor(sends: (text: string) => void, closes: (code: number) => void) {
    this.#sends = sends;
    this.#closes = closes;
  }

  send(text: string): void {
    if (this.state === 'open') {
      const bytes = Buffer.byteLength(text);
      this.#unsentBytes += bytes;
      this.outbox.push({ text, bytes });
    }
    if (this.state === 'open' || this.state === 'cut') this.#sends(text);
  }

  close(code: number, reason = ''): void {
    if (this.state !== 'open' && this.state !== 'cut') return;
    if (this.state === 'open') this.outbox.push({ code, reason });
    this.state = 'closing';
    this.#closes(code);
  }

  onMessage(receive: (data: string | Uint8Array) => void): void {
    this.receive = receive;
  }

  onClose(closed: (code: number, reason: string) => void): void {
    this.closed = closed;
  }

  unsentBytes(): number {
    return this.#unsentBytes;
  }

  onDrain(drained: () => void): void {
    this.drained = drained;
  }

  take(): Item | undefined {
    const item = this.outbox.shift();
    if (item && 'text' in item) this.#unsentBytes -= item.bytes;
    return item;
  }

  empty(): void {
    this.outbox.length = 0;
    this.#unsentBytes = 0;
  }

  end(code: number, reason: string): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.empty();
    this.closed(code, reason);
  }
}

/**
 * A link between a client and the runtime on which everything that can happen to a cable happens when told: frames are
 * delivered one by one, stalled, swallowed (half-open), cut in the middle of a byte stream, and each end learns of the end
 * when the simulation lets it.
 */
export class Link {
  readonly client = new End(
    () => {},
    () => {},
  );
  readonly server: End;
  condition: 'well' | 'stalled' | 'half-open' = 'well';
  readonly #tap: Tap;
  /** Ends that will learn of the link's end, later. */
  readonly #unaware = new Map<End, { code: number; reason: string }>();

  constructor(tap: Tap) {
    this.#tap = tap;
    this.server = new End(
      (text) => tap.sends(this, text),
      (code) => tap.closes(this, code),
    );
  }

  /** Something is under way. */
  get isBusy(): boolean {
    const isUp = this.client.outbox.length > 0 && !this.#tap.isWaiting(this);
    return isUp || (this.server.outbox.length > 0 && this.condition !== 'stalled');
  }

  /** An end has yet to learn that it is over. */
  get isEnding(): boolean {
    return this.#unaware.size > 0;
  }

  get over(): boolean {
    return this.client.state === 'ended' && this.server.state === 'ended';
  }

  /** Moves one frame, or one close, of one direction. Returns whether there was any. */
  deliver(from: 'client' | 'server'): boolean {
    const [sender, receiver] = from === 'client' ? [this.client, this.server] : [this.server, this.client];
    if (this.condition === 'stalled' && from === 'server') return false;
    if (from === 'client' && this.#tap.isWaiting(this)) return false;
    const item = sender.take();
    if (!item) return false;
    if (this.condition !== 'half-open') this.#hand(item, receiver);
    if ('code' in item) this.#unaware.set(sender, item);
    else if (sender.state === 'open') {
      if (sender === this.server) this.#tap.drains(this);
      sender.drained();
    }
    return true;
  }

  /** The cable breaks: of each direction the first so many bytes still arrive, a frame cut in two does not. */
  cut(bytesUp: number, bytesDown: number): void {
    this.#flush(this.client, this.server, bytesUp);
    this.#flush(this.server, this.client, bytesDown);
    for (const end of [this.client, this.server]) {
      // Some ends are told a code that looks like a goodbye: it is none (§6.3).
      if (end.state !== 'ended') this.#unaware.set(end, { code: bytesUp % 3 === 0 ? 1000 : 1006, reason: '' });
      if (end.state === 'open') end.state = 'cut';
      end.empty();
    }
  }

  /** The process at the server's end dies: so many bytes of what it has sent still arrive, and the client will find out. */
  die(bytesDown: number): void {
    this.#flush(this.server, this.client, bytesDown);
    this.server.state = 'ended';
    this.server.empty();
    this.#unaware.delete(this.server);
    if (this.client.state === 'ended') return;
    if (this.client.state === 'open') this.client.state = 'cut';
    this.client.empty();
    this.#unaware.set(this.client, { code: 1006, reason: '' });
  }

  /** An end learns what has become of the link. */
  learn(who: 'client' | 'server'): boolean {
    const end = this[who];
    const fate = this.#unaware.get(end);
    if (!fate) return false;
    this.#unaware.delete(end);
    this.#end(end, fate);
    return true;
  }

  #flush(sender: End, receiver: End, bytes: number): void {
    if (this.condition !== 'well') return;
    let left = bytes;
    for (let item = sender.outbox[0]; item && 'text' in item && item.bytes <= left; item = sender.outbox[0]) {
      if (sender === this.client && this.#tap.isWaiting(this)) return;
      left -= item.bytes;
      sender.take();
      this.#hand(item, receiver);
    }
  }

  #hand(item: Item, receiver: End): void {
    if (receiver.state === 'ended') return;
    if ('code' in item) return this.#end(receiver, item);
    if (receiver === this.client) receiver.receive(item.text);
    else this.#tap.hears(this, item.text, () => receiver.receive(item.text));
  }

  #end(end: End, { code, reason }: { code: number; reason: string }): void {
    if (end === this.server && end.state !== 'ended') this.#tap.learns(this, () => end.end(code, reason));
    else end.end(code, reason);
  }
}
