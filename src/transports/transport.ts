import type { DialectName } from '../wire/dialects.ts';

/**
 * One end of a connection, whatever carries it (§4): text frames in order, both ways. WebSocket, stdio and the
 * in-memory pair are transports; an embedder may bring any other to `runtime.accept(transport)`.
 *
 * A transport never throws: sending after the end is a silent no-op, and the end is told once, by `onClose`. No
 * listener is ever called from inside `send`, `sendAll` or `close`. After our own `close` no frame arrives any more.
 */
export interface Transport {
  /** Sends one frame: one JSON text, without a newline. */
  send(text: string): void;
  /** Ends the connection with a close code of §3; the peer sees the code where the carrier can say it. */
  close(code: number, reason?: string): void;
  /**
   * Registers the one receiver of frames. A binary frame comes as bytes, a text frame as text. Frames, and a close
   * behind them, wait until it is registered.
   */
  onMessage(receive: (data: string | Uint8Array) => void): void;
  /**
   * Registers the one listener of the end: told exactly once, also after our own `close`, also when registered too
   * late. 1006: broken, no code. 1005: closed, and the peer said no code.
   */
  onClose(closed: (code: number, reason: string) => void): void;
  /**
   * Bytes, near enough, accepted by `send` and not yet taken by the network; 0 after the end. Whenever it is above 0,
   * `onDrain` or `onClose` will be told. A transport without it is never paced.
   */
  unsentBytes?(): number;
  /** Registers the one listener told when unsent bytes have been taken: there may be room again. */
  onDrain?(drained: () => void): void;
  /** Sends several frames as one write, where that is cheaper than one by one. */
  sendAll?(texts: readonly string[]): void;
  /** Sends a binary frame, which the protocol does not have (§4): for whoever tests another runtime. */
  sendBytes?(bytes: Uint8Array): void;
}

/** What is known of a connection before its first frame. */
export interface ConnectionFacts {
  /** HTTP headers of the upgrade request, names in lower case. */
  headers?: Readonly<Record<string, string | string[] | undefined>>;
  remoteAddress?: string;
  /** The dialect the client has named (§10), where it has: `?dialect=` of the upgrade request. */
  dialect?: DialectName;
}

export interface DialOptions {
  /** Headers of the upgrade request. Browsers cannot send any: there they are ignored. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Longest inbound frame, in bytes; above it the connection ends with 1009. Default 16 MiB. */
  maxFrameBytes?: number | undefined;
  /** Gives the attempt up; without effect once connected. */
  signal?: AbortSignal | undefined;
}

/**
 * Opens a connection to a runtime: `dial('ws://127.0.0.1:7420/arcp')`. Rejects with an `Error` whose message says why
 * in words for a user, with the HTTP status where the upgrade was refused; with the signal's reason where it was
 * aborted.
 */
export type Dial = (url: string, options?: DialOptions) => Promise<Transport>;

/**
 * The longest inbound frame of a client, in bytes. Above the runtime's limit: a result of 1 MiB or a base64 chunk of it
 * arrives in an envelope.
 */
export const dialedFrameBytesMax = 16 * 2 ** 20;

/** The close codes of §3. */
export const closeCodes = {
  goodbye: 1000,
  shutdown: 1001,
  otherProtocol: 1002,
  binary: 1003,
  broken: 1006,
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  superseded: 4001,
  heartbeatLost: 4002,
  slowConsumer: 4003,
  handshakeTimeout: 4004,
} as const;
