import { ArcpError } from '../wire/errors.ts';
import { errorOf } from './errors.ts';
import type { InboundFrame } from './frames.ts';

/** What is asked of the runtime, and how its answer is read. */
export interface Request<Answer> {
  id: string;
  /** The frame, as it is sent, and sent again after a resume. */
  text: string;
  /** The answer a frame gives; undefined if it gives none. */
  read(reply: InboundFrame): Answer | undefined;
  /** The answer in spite of a refusal: a repeated request may be refused because the first one was heard. */
  readRefusal?(error: ArcpError, timesSent: number): Answer | undefined;
}

interface Pending {
  text: string;
  type: string;
  timesSent: number;
  answer(reply: InboundFrame, timesSent: number): boolean;
  reject(error: Error): void;
}

/** Requests without an answer yet, in the order they were made. They outlive connections: each is sent until answered. */
export class Requests {
  readonly #pendingById = new Map<string, Pending>();
  readonly #pendingMax: number;
  #failure: Error | undefined;

  constructor(pendingMax: number) {
    this.#pendingMax = pendingMax;
  }

  /** Keeps a request until its answer. `send` is undefined while there is no connection. */
  ask<Answer>(type: string, request: Request<Answer>, send: ((text: string) => void) | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      if (this.#pendingById.size >= this.#pendingMax) {
        const problem = `${this.#pendingMax} requests are waiting for an answer already: await some, or raise unansweredMax`;
        reject(new RangeError(problem));
        return;
      }
      const { id, text } = request;
      const answer = (reply: InboundFrame, timesSent: number) => {
        if (reply.type === 'session.error') {
          const error = errorOf(reply.payload);
          const inSpite = request.readRefusal?.(error, timesSent);
          if (inSpite === undefined) reject(error);
          else resolve(inSpite);
          return true;
        }
        const read = request.read(reply);
        if (read !== undefined) resolve(read);
        return read !== undefined;
      };
      this.#pendingById.set(id, { text, type, timesSent: send ? 1 : 0, answer, reject });
      send?.(text);
    });
  }

  /** Gives a reply to the request it names (§4). False: it answers none of these. */
  settle(reply: InboundFrame): boolean {
    for (const id of namedBy(reply)) {
      const pending = this.#pendingById.get(id);
      if (pending?.answer(reply, pending.timesSent)) {
        this.#pendingById.delete(id);
        return true;
      }
    }
    return false;
  }

  /** Sends what is unanswered, again or for the first time, in the order it was asked. */
  sendAll(send: (text: string) => void): void {
    for (const pending of this.#pendingById.values()) {
      pending.timesSent += 1;
      send(pending.text);
    }
  }

  has(type: string): boolean {
    for (const pending of this.#pendingById.values()) if (pending.type === type) return true;
    return false;
  }

  /**
   * The runtime closed the connection over a frame too big for it (1009). Which one it does not say; frames of ours other
   * than requests are small, so it was the longest of them, and to send that again would only close the next connection.
   */
  rejectLongest(): void {
    let longest: [string, Pending] | undefined;
    for (const entry of this.#pendingById) {
      if (entry[1].timesSent > 0 && entry[1].text.length > (longest?.[1].text.length ?? 0)) longest = entry;
    }
    if (!longest) return;
    const [id, { type, text, reject }] = longest;
    this.#pendingById.delete(id);
    const problem = `the ${type} of ${text.length} characters is above the runtime's limit for one frame (--max-frame-bytes)`;
    reject(new ArcpError('INVALID_REQUEST', problem));
  }

  /** The session has ended: nothing will be answered, now or later. */
  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#pendingById.values()) reject(error);
    this.#pendingById.clear();
  }
}

/** Every id a reply may name its request by: some runtimes use one spelling, some another. */
function namedBy(reply: InboundFrame): string[] {
  if (reply.type === 'other' || reply.type === 'job.event') return [];
  const names = [reply.id];
  if ('request_id' in reply.payload && reply.payload.request_id) names.push(reply.payload.request_id);
  if ('reply_to' in reply.payload && reply.payload.reply_to) names.push(reply.payload.reply_to);
  if ('ping_nonce' in reply.payload && reply.payload.ping_nonce) names.push(reply.payload.ping_nonce);
  return names;
}
