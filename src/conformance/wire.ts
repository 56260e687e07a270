import type { Transport } from '../transports/transport.ts';

/** A frame as it came, whoever sent it. */
export interface WireFrame {
  id: string;
  type: string;
  session_id?: string;
  job_id?: string;
  event_seq?: number;
  payload: WirePayload;
}

/** What the walks look at in a payload; a runtime may say more. */
export interface WirePayload {
  request_id?: string;
  code?: string;
  details?: { reason?: string };
  resume_token?: string;
  job_id?: string;
  final_status?: string;
  [field: string]: unknown;
}

/** A connection to a runtime under test, and what a walk does to it beyond sending frames. */
export interface Link {
  transport: Transport;
  /** Sends a binary frame. */
  sendBytes(): void;
  /** Stops reading: what comes stays under way, and so does the news of an end. */
  stall(): void;
  resume(): void;
  /** Takes replies, but of the log nothing more, until `release`: a replay does not catch up. */
  hold(): void;
  release(): void;
  /** Whether this carrier brings the close code of the other end. */
  bringsCodes: boolean;
}

const patienceMs = 10_000;

/** One connection spoken by hand: every frame in and out is kept, replies are awaited by the request they answer. */
export class Wire {
  readonly link: Link;
  readonly frames: WireFrame[] = [];
  readonly texts: string[] = [];
  readonly ended: Promise<number>;
  endCode: number | undefined;
  /** Called with each numbered frame as it comes. */
  onNumbered: (frame: WireFrame, text: string) => void = () => {};
  readonly #looks = new Set<() => void>();
  #count = 0;

  constructor(link: Link) {
    this.link = link;
    link.transport.onMessage((text) => this.#receive(String(text)));
    this.ended = new Promise((resolve) => {
      link.transport.onClose((code) => {
        this.endCode = code;
        resolve(code);
        for (const look of this.#looks) look();
      });
    });
  }

  /** Sends a frame and returns its id. */
  send(type: string, payload: object = {}, envelope: object = {}): string {
    this.#count += 1;
    const id = `walk-${this.#count}`;
    this.link.transport.send(JSON.stringify({ arcp: '1.1', id, type, payload, ...envelope }));
    return id;
  }

  /** The answer to a request, or null where the connection ended without one. */
  async answer(requestId: string): Promise<WireFrame | null> {
    return this.first(({ payload }) => payload.request_id === requestId);
  }

  ask(type: string, payload: object = {}, envelope: object = {}): Promise<WireFrame | null> {
    return this.answer(this.send(type, payload, envelope));
  }

  /** The first frame, of those from `since` on, that is as wanted; null where the connection ends first. */
  first(isWanted: (frame: WireFrame) => boolean, since = 0): Promise<WireFrame | null> {
    return this.until(() => {
      const found = this.frames.slice(since).find(isWanted);
      return found ?? (this.endCode === undefined ? undefined : null);
    }, 'a frame');
  }

  /** Waits for what `look` finds, looking again whenever something comes in. */
  until<Found>(look: () => Found | undefined, what: string): Promise<Found> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#looks.delete(again);
        reject(new Error(`waited ${patienceMs / 1000} s for ${what}; the connection had brought ${this.#summary()}`));
      }, patienceMs);
      const again = () => {
        const found = look();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#looks.delete(again);
        resolve(found);
      };
      this.#looks.add(again);
      again();
    });
  }

  #receive(text: string): void {
    const frame: WireFrame = JSON.parse(text);
    this.frames.push(frame);
    this.texts.push(text);
    if (frame.event_seq !== undefined) this.onNumbered(frame, text);
    for (const look of this.#looks) look();
  }

  #summary(): string {
    const last = this.frames.slice(-8).map(({ type }) => type);
    return `${this.frames.length} frames, ending in ${last.join(', ')}`;
  }
}
