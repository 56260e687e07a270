import type { Transport } from '../../src/transports/transport.ts';
import { dialWs } from '../../src/transports/ws.ts';
import { featureNames } from '../../src/wire/messages.ts';
import type { Frame } from '../support/peer.ts';

/** A connection of a fuzz run. It keeps nothing that was read: a million frames come by. */
export class Line {
  readonly closed: Promise<number>;
  onFrame: (frame: Frame) => void = () => {};
  #end: number | undefined;
  readonly #transport: Transport;
  #wanted: { is(frame: Frame): boolean; found(frame: Frame | undefined): void } | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.onMessage((data) => {
      const frame: Frame = JSON.parse(String(data));
      this.onFrame(frame);
      if (this.#wanted?.is(frame)) this.#settle(frame);
    });
    this.closed = new Promise((resolve) => {
      transport.onClose((code) => {
        this.#end = code;
        this.#settle(undefined);
        resolve(code);
      });
    });
  }

  static async dial(url: string): Promise<Line> {
    return new Line(await dialWs(url));
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  send(text: string): void {
    this.#transport.send(text);
  }

  say(type: string, payload: object, id = type): void {
    this.send(JSON.stringify({ arcp: '1.1', id, type, payload }));
  }

  /** The next frame of a kind; undefined where the connection ended first. */
  next(is: (frame: Frame) => boolean): Promise<Frame | undefined> {
    if (this.#end !== undefined) return Promise.resolve(undefined);
    return new Promise((found) => {
      this.#wanted = { is, found };
    });
  }

  hello(token: string): Promise<Frame | undefined> {
    const features = featureNames.filter((name) => name !== 'heartbeat');
    this.say('session.hello', { auth: { scheme: 'bearer', token }, capabilities: { encodings: ['json'], features } });
    return this.next((frame) => frame.type === 'session.welcome');
  }

  drop(): void {
    this.#transport.close(1006, '');
  }

  #settle(frame: Frame | undefined): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.found(frame);
  }
}
