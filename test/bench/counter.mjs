// The client of every measurement, the same for both servers: a raw `ws` socket that counts frames and reads none.
import { once } from 'node:events';
import { WebSocket } from 'ws';

export class Counter {
  #socket;
  #expected = Number.POSITIVE_INFINITY;
  #reached = () => {};
  frames = 0;
  bytes = 0;

  static async open(url) {
    const counter = new Counter();
    counter.#socket = new WebSocket(url, { perMessageDeflate: false });
    await once(counter.#socket, 'open');
    return counter;
  }

  /** Sends a request and reads the one frame that answers it. */
  async ask(frame) {
    this.send(frame);
    const [data] = await once(this.#socket, 'message');
    return data.toString();
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /** From now on frames are counted; resolves at the `expected`th. */
  count(expected) {
    this.#expected = expected;
    this.frames = 0;
    this.bytes = 0;
    this.#socket.on('message', this.#receive);
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }

  /** From now on frames are kept; resolves with the first `expected` of them. */
  record(expected) {
    const texts = [];
    return new Promise((resolve) => {
      this.#socket.on('message', (data) => {
        texts.push(data.toString());
        if (texts.length === expected) resolve(texts);
      });
    });
  }

  /** Leaves as a broken cable does. */
  async drop() {
    const closed = once(this.#socket, 'close');
    this.#socket.terminate();
    await closed;
  }

  #receive = (data) => {
    this.frames += 1;
    this.bytes += data.length;
    if (this.frames === this.#expected) this.#reached();
  };
}
