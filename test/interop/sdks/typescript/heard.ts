import type { SdkTransport } from './sdk.ts';

/**
 * The SDK's own transport, and tells what it gives to the client: a client that has come back has no handle for a job of before, so
 * only here can be seen what it was given again.
 */
export class Heard implements SdkTransport {
  readonly #transport: SdkTransport;
  readonly #say: (line: object) => void;

  constructor(transport: SdkTransport, say: (line: object) => void) {
    this.#transport = transport;
    this.#say = say;
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  send(frame: object): Promise<void> {
    return this.#transport.send(frame);
  }

  onFrame(take: (frame: object) => unknown): void {
    this.#transport.onFrame((frame) => {
      this.#say({ frame });
      return take(frame);
    });
  }

  onClose(hear: (error?: Error) => void): void {
    this.#transport.onClose((error) => {
      this.#say({ lost: error === undefined ? 'closed' : String(error) });
      hear(error);
    });
  }

  close(reason?: string): Promise<void> {
    return this.#transport.close(reason);
  }
}
