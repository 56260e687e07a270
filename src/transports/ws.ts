// The only importer of `ws`.
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { tokenBucket } from '../connections/rate.ts';
import { type Door, type DoorOptions, factsOf, patienceDefaultMs, UpgradeDoor } from './door.ts';
import { Ending } from './ending.ts';
import {
  type ConnectionFacts,
  closeCodes,
  type DialOptions,
  dialedFrameBytesMax,
  type Transport,
} from './transport.ts';

const dialTimeoutMs = 30_000;
const refusalCharsMax = 500;
/** WebSocket pings a second of one peer, bursts of twice that, and unsent bytes above which none is answered. */
const pingsPerSecondMax = 100;
const pongBacklogBytes = 64 * 1024;
/** A close frame's reason has this much room (RFC 6455 §5.5). */
const reasonBytesMax = 123;

/** Takes WebSocket upgrades and hands each connection over, with what is known of it before its first frame. */
export function wsDoor(options: DoorOptions, accept: (transport: Transport, facts: ConnectionFacts) => void): Door {
  const { maxFrameBytes, patienceMs = patienceDefaultMs } = options;
  const settings = {
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    closeTimeout: patienceMs,
    autoPong: false,
  };
  const sockets = new WebSocketServer(settings);
  return new UpgradeDoor(options, {
    sockets,
    upgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (upgraded) => {
        accept(wsTransport(upgraded, socket), factsOf(request));
      }),
  });
}

/** A `ws` socket as a transport. With the raw socket it runs on, `sendAll` is one write. */
export function wsTransport(socket: WebSocket, rawSocket?: Duplex): Transport {
  return new WsTransport(socket, rawSocket);
}

/** Opens a WebSocket to a runtime; see `Dial`. Gives up after 30 seconds without an answer. */
export function dialWs(url: string, options: DialOptions = {}): Promise<Transport> {
  const { headers = {}, maxFrameBytes = dialedFrameBytesMax, signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const settings = {
      headers: { ...headers },
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
      handshakeTimeout: dialTimeoutMs,
      closeTimeout: patienceDefaultMs,
      autoPong: false,
    };
    const socket = new WebSocket(url, settings);
    let rawSocket: Duplex | undefined;
    const abort = () => fail(signal?.reason);
    const failed = (error: Error) => {
      fail(new Error(`cannot connect to ${bare(url)}: ${sayError(error)}`, { cause: error }));
    };
    const fail = (reason: unknown) => {
      signal?.removeEventListener('abort', abort);
      reject(reason);
      socket.terminate();
    };
    signal?.addEventListener('abort', abort);
    socket.on('error', failed);
    socket.once('upgrade', (response) => {
      rawSocket = response.socket;
    });
    socket.once('unexpected-response', (_request, response) => {
      sayRefusal(response).then((refusal) => fail(new Error(`${bare(url)} refused the connection: ${refusal}`)));
    });
    socket.once('open', () => {
      signal?.removeEventListener('abort', abort);
      socket.off('error', failed);
      resolve(wsTransport(socket, rawSocket));
    });
  });
}

class WsTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #rawSocket: Duplex | undefined;
  readonly #ending = new Ending();
  #state: 'open' | 'closed' = 'open';
  /** Sends whose callback is still to come: as long as there are any, a drain can be told. */
  #writing = 0;
  /** What was untaken when last looked at. */
  #heldBytes = 0;
  #receive: ((data: string | Uint8Array) => void) | undefined;
  #drained: (() => void) | undefined;
  readonly #pings = tokenBucket(pingsPerSecondMax);

  constructor(socket: WebSocket, rawSocket?: Duplex) {
    this.#socket = socket;
    this.#rawSocket = rawSocket;
    socket.pause();
    socket.on('message', (data, isBinary) => {
      if (this.#state !== 'open' || !Buffer.isBuffer(data)) return;
      this.#receive?.(isBinary ? data : data.toString());
    });
    socket.on('ping', (data) => this.#pinged(data));
    // A frame above the limit: `ws` answers it with 1009, but would tell 1006 if the peer did not echo that in time.
    socket.on('error', (error) => {
      if (isTooBig(error)) this.#ending.tell(closeCodes.tooBig, error.message);
    });
    socket.on('close', (code, reason) => {
      this.#state = 'closed';
      this.#ending.tell(code, reason.toString());
    });
  }

  send(text: string): void {
    if (this.#isOpen()) this.#write(text);
  }

  sendAll(texts: readonly string[]): void {
    if (!this.#isOpen()) return;
    const last = texts.length - 1;
    this.#rawSocket?.cork();
    for (let i = 0; i < last; i += 1) this.#socket.send(texts[i] ?? '');
    if (last >= 0) this.#write(texts[last] ?? '');
    this.#rawSocket?.uncork();
    this.#heldBytes = this.#socket.bufferedAmount;
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#isOpen()) this.#socket.send(bytes);
  }

  close(code: number, reason = ''): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#socket.resume();
    if (code === closeCodes.broken) this.#socket.terminate();
    else if (isSendable(code)) this.#socket.close(code, truncated(reason));
    else this.#socket.close();
  }

  onMessage(receive: (data: string | Uint8Array) => void): void {
    this.#receive = receive;
    this.#socket.resume();
  }

  onClose(closed: (code: number, reason: string) => void): void {
    this.#ending.listen(closed);
  }

  unsentBytes(): number {
    return this.#isOpen() && this.#writing > 0 ? this.#socket.bufferedAmount : 0;
  }

  onDrain(drained: () => void): void {
    this.#drained = drained;
  }

  /** Answers as a peer may (RFC 6455 §5.5.3), but holds nothing for one that asks without end, or does not listen. */
  #pinged(data: Buffer): void {
    if (!this.#isOpen()) return;
    if (!this.#pings.take(performance.now())) this.close(closeCodes.policy, 'too many pings');
    else if (this.#socket.bufferedAmount < pongBacklogBytes) this.#socket.pong(data);
  }

  #isOpen(): boolean {
    return this.#state === 'open' && this.#socket.readyState === WebSocket.OPEN;
  }

  #write(text: string): void {
    this.#writing += 1;
    this.#socket.send(text, this.#written);
    this.#heldBytes = this.#socket.bufferedAmount;
  }

  readonly #written = () => {
    this.#writing -= 1;
    const heldBytes = this.#socket.bufferedAmount;
    // Pongs count too, and have no callback: behind the last of ours there is nothing more to wait for.
    const tookSome = heldBytes < this.#heldBytes || (this.#writing === 0 && this.#heldBytes > 0);
    if (!this.#isOpen() || !tookSome) return;
    this.#heldBytes = this.#writing === 0 ? 0 : heldBytes;
    this.#drained?.();
  };
}

function isTooBig(error: Error): boolean {
  return (
    'code' in error &&
    (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' || error.code === 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH')
  );
}

/** Whether a close frame may carry the code (RFC 6455 §7.4); 1005 and 1006 stand for the lack of one. */
function isSendable(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}

/** As much of a reason as a close frame has room for, cut between characters. */
function truncated(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= reasonBytesMax) return reason;
  let end = reasonBytesMax;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** A URL as an error message may show it: without its query and user, which may be secret. */
function bare(url: string): string {
  return url.replace(/[?#].*$/, '').replace(/\/\/[^/]*@/, '//');
}

/** Where every address of a name was tried in vain, the error has no message of its own, only a code. */
function sayError(error: Error): string {
  return error.message || ('code' in error && String(error.code)) || error.name;
}

async function sayRefusal(response: IncomingMessage): Promise<string> {
  const status = response.statusCode ?? 0;
  let said = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      said += chunk;
      if (said.length >= refusalCharsMax) break;
    }
  } catch {
    // The status says enough.
  }
  const explanation = said.trim().slice(0, refusalCharsMax);
  return `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd() + (explanation === '' ? '' : `: ${explanation}`);
}
