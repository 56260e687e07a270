import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import { Ending } from './ending.ts';
import { LineReader, type LineStep } from './lines.ts';
import { closeCodes, type Transport } from './transport.ts';

export interface StdioOptions {
  /** Where the peer's frames are read, as bytes: `process.stdin`, or a child's `stdout`. */
  input: Readable;
  /** Where ours are written: `process.stdout`, or a child's `stdin`. Nothing else may write there. */
  output: Writable;
  /** Longest line of the peer, in bytes, its end not counted; above it the connection ends with 1009. */
  maxFrameBytes: number;
  /** How long `close` waits for the peer to take what was sent, in milliseconds. Default 5,000. */
  closeTimeoutMs?: number;
}

/**
 * Newline-delimited JSON over a pair of streams (§4): one frame a line, blank lines ignored, CRLF tolerated. Streams
 * have no close codes: the peer of a `close` sees the end of its input, which is 1006. A line that is not UTF-8 arrives
 * as bytes, like a binary frame. A last line without its newline counts. Both streams are ours until the end, and ended
 * with it. Two characters that JSON leaves as they are go out as escapes: they end a line to Node's `readline`, which peers read with.
 */
export function stdioTransport(options: StdioOptions): Transport {
  return new StdioTransport(options);
}

class StdioTransport implements Transport {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #lines: LineReader;
  readonly #closeTimeoutMs: number;
  readonly #ending = new Ending();
  #state: 'open' | 'closed' = 'open';
  /** What was untaken when last looked at. */
  #heldBytes = 0;
  #receive: ((data: string | Uint8Array) => void) | undefined;
  #drained: (() => void) | undefined;

  constructor({ input, output, maxFrameBytes, closeTimeoutMs = 5_000 }: StdioOptions) {
    this.#input = input;
    this.#output = output;
    this.#lines = new LineReader(maxFrameBytes);
    this.#closeTimeoutMs = closeTimeoutMs;
    // These listeners stay for good: a stream may fail after the end, and an error nobody hears stops the process.
    input.on('error', (error) => this.#lost(error.message));
    output.on('error', (error) => this.#lost(error.message));
    input.on('end', () => this.#inputEnded());
    input.on('close', () => this.#lost('end of input'));
    output.on('close', () => this.#lost('end of output'));
    if (input.readableEnded || input.destroyed) queueMicrotask(() => this.#lost('end of input'));
    if (output.writableEnded || output.destroyed) queueMicrotask(() => this.#lost('end of output'));
  }

  send(text: string): void {
    if (this.#state !== 'open') return;
    this.#output.write(Buffer.from(`${inOneLine(text)}\n`), this.#written);
    this.#heldBytes = this.#output.writableLength;
  }

  sendAll(texts: readonly string[]): void {
    if (texts.length > 0) this.send(texts.join('\n'));
  }

  close(code: number, reason = ''): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    if (code === closeCodes.broken) {
      this.#destroy();
      queueMicrotask(() => this.#ending.tell(code, reason));
      return;
    }
    this.#windUp(() => this.#ending.tell(code, reason));
  }

  onMessage(receive: (data: string | Uint8Array) => void): void {
    if (!this.#receive) this.#input.on('data', (chunk: Buffer | string) => this.#read(chunk));
    this.#receive = receive;
  }

  onClose(closed: (code: number, reason: string) => void): void {
    this.#ending.listen(closed);
  }

  unsentBytes(): number {
    return this.#state === 'open' ? this.#output.writableLength : 0;
  }

  onDrain(drained: () => void): void {
    this.#drained = drained;
  }

  readonly #written = () => {
    const heldBytes = this.#output.writableLength;
    if (this.#state !== 'open' || heldBytes >= this.#heldBytes) return;
    this.#heldBytes = heldBytes;
    this.#drained?.();
  };

  /** Reads on after our own close, into nothing, so that a peer that must write before it reads is not held up. */
  #read(chunk: Buffer | string): void {
    let rest: Buffer | undefined = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    while (rest && this.#state === 'open') rest = this.#deliver(this.#lines.next(rest));
  }

  /** Hands over one line; returns what is behind it. */
  #deliver(step: LineStep): Buffer | undefined {
    if (step === 'more') return undefined;
    if (step === 'too long') {
      this.#end(closeCodes.tooBig, 'a frame is longer than the limit');
      return undefined;
    }
    const { line, rest } = step;
    if (!isUtf8(line)) {
      this.#receive?.(line);
      return rest;
    }
    const text = line.toString();
    if (/\S/.test(text)) this.#receive?.(text);
    return rest;
  }

  #inputEnded(): void {
    if (this.#state !== 'open') return;
    this.#deliver(this.#lines.last());
    this.#lost('end of input');
  }

  #lost(reason: string): void {
    if (this.#state === 'open') this.#end(closeCodes.broken, reason);
  }

  /** Ends what the peer, or a stream, has ended. */
  #end(code: number, reason: string): void {
    this.#state = 'closed';
    this.#input.pause();
    this.#windUp(() => {});
    this.#ending.tell(code, reason);
  }

  /** Writes out what was sent, as far as the peer takes it in time, and lets both streams go. */
  #windUp(done: () => void): void {
    const output = this.#output;
    const letGo = () => {
      clearTimeout(timer);
      for (const event of ['finish', 'error', 'close']) output.off(event, letGo);
      this.#destroy();
      done();
    };
    const timer = setTimeout(letGo, this.#closeTimeoutMs).unref();
    if (output.destroyed || output.writableFinished) queueMicrotask(letGo);
    else output.on('finish', letGo).on('error', letGo).on('close', letGo).end();
  }

  #destroy(): void {
    this.#input.destroy();
    this.#output.destroy();
  }
}

function inOneLine(text: string): string {
  return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
