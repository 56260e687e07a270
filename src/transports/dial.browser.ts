import { Ending } from './ending.ts';
import { closeCodes, type Dial, dialedFrameBytesMax, type Transport } from './transport.ts';

/** How long a peer may take to answer a close: a browser may wait for a dead one much longer. */
const closeTimeoutMs = 5_000;
/** Browsers tell nobody that bytes have been taken: one has to look. */
const drainPollMs = 20;

/** What is used of the browser's own WebSocket. */
interface BrowserSocket {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: (() => void) | null;
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}
declare const WebSocket: new (url: string) => BrowserSocket;
const open = 1;

/**
 * Opens a connection from a browser. `headers` are ignored: a page cannot set any on an upgrade, which is why the
 * bearer token is in the hello (§6.1). Nor can it learn why an upgrade failed: the rejection says no more than that it
 * did.
 */
export const dial: Dial = (url, { maxFrameBytes = dialedFrameBytesMax, signal } = {}) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const abort = () => {
      reject(signal?.reason);
      socket.close();
    };
    signal?.addEventListener('abort', abort);
    // Says nothing that `onclose` does not say, but some stand-ins for a browser's WebSocket throw where nobody listens.
    socket.onerror = () => {};
    socket.onclose = ({ code }) => {
      signal?.removeEventListener('abort', abort);
      reject(new Error(`cannot connect to ${url.replace(/[?#].*$/, '')} (close code ${code})`));
    };
    socket.onopen = () => {
      signal?.removeEventListener('abort', abort);
      resolve(new BrowserTransport(socket, maxFrameBytes));
    };
  });

class BrowserTransport implements Transport {
  readonly #socket: BrowserSocket;
  readonly #maxFrameBytes: number;
  readonly #ending = new Ending();
  #state: 'open' | 'closed' = 'open';
  #early: (string | Uint8Array)[] = [];
  #receive: ((data: string | Uint8Array) => void) | undefined;
  #drained: (() => void) | undefined;
  #polling = false;

  constructor(socket: BrowserSocket, maxFrameBytes: number) {
    this.#socket = socket;
    this.#maxFrameBytes = maxFrameBytes;
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = ({ code, reason }) => {
      this.#state = 'closed';
      this.#ending.tell(code, reason);
    };
  }

  send(text: string): void {
    if (!this.#isOpen()) return;
    this.#socket.send(text);
    this.#watchDrain();
  }

  close(code: number, reason = ''): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    // A page may say 1000 or a code of its own, nothing else; the peer of another code sees none (1005).
    const sayable = code === closeCodes.goodbye || (code >= 3000 && code <= 4999);
    if (sayable) this.#socket.close(code, reason.slice(0, 40));
    else this.#socket.close();
    const timer = setTimeout(
      () => this.#ending.tell(closeCodes.broken),
      code === closeCodes.broken ? 0 : closeTimeoutMs,
    );
    this.#socket.onclose = (event) => {
      clearTimeout(timer);
      this.#ending.tell(event.wasClean ? code : event.code, event.reason);
    };
  }

  onMessage(receive: (data: string | Uint8Array) => void): void {
    this.#receive = receive;
    queueMicrotask(() => {
      for (const data of this.#early.splice(0)) this.#deliver(data);
    });
  }

  onClose(closed: (code: number, reason: string) => void): void {
    this.#ending.listen(closed);
  }

  unsentBytes(): number {
    return this.#isOpen() ? this.#socket.bufferedAmount : 0;
  }

  onDrain(drained: () => void): void {
    this.#drained = drained;
  }

  #isOpen(): boolean {
    return this.#state === 'open' && this.#socket.readyState === open;
  }

  #heard(data: unknown): void {
    const frame = data instanceof ArrayBuffer ? new Uint8Array(data) : String(data);
    // Bytes are never fewer than UTF-16 units: what is longer in these is too long for certain.
    if (frame.length > this.#maxFrameBytes) this.#tooBig();
    else if (this.#receive && this.#early.length === 0) this.#deliver(frame);
    else this.#early.push(frame);
  }

  #deliver(frame: string | Uint8Array): void {
    if (this.#state === 'open') this.#receive?.(frame);
  }

  #tooBig(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#socket.close();
    this.#ending.tell(closeCodes.tooBig, 'a frame is longer than the limit');
  }

  #watchDrain(): void {
    if (this.#polling || this.#socket.bufferedAmount === 0) return;
    this.#polling = true;
    const before = this.#socket.bufferedAmount;
    setTimeout(() => {
      this.#polling = false;
      if (!this.#isOpen()) return;
      if (this.#socket.bufferedAmount < before) this.#drained?.();
      this.#watchDrain();
    }, drainPollMs);
  }
}
