import type { Transport } from '../../transports/transport.ts';
import { Broken } from './requirement.ts';
import type { Transcript } from './transcript.ts';

/** A frame as a check reads it; what is missing on the wire is missing here. */
export interface KitFrame {
  arcp?: unknown;
  id?: unknown;
  type: string;
  session_id?: unknown;
  job_id?: unknown;
  trace_id?: unknown;
  event_seq?: number;
  payload: Record<string, unknown>;
}

const shownCharsMax = 400;

/** A numbered frame, with the bytes it came in. */
export interface Numbered {
  seq: number;
  text: string;
  frame: KitFrame;
}

export interface PeerOptions {
  number: number;
  transcript: Transcript;
  patienceMs: number;
  /** The runtime names no request in its answers: the first fitting frame behind the request is taken for one. */
  guessesAnswers: boolean;
}

/** One connection spoken by hand. Waits end with words for a person when the runtime does not do its part. */
export class Peer {
  readonly frames: KitFrame[] = [];
  readonly numbered: Numbered[] = [];
  /** What came that is no frame at all. */
  readonly strange: string[] = [];
  endCode: number | undefined;
  /** Whether heartbeats are answered, as every client does that is there. */
  answersPings = true;
  readonly #transport: Transport;
  readonly #options: PeerOptions;
  readonly #looks = new Set<() => void>();
  readonly #claimed = new Set<KitFrame>();
  /** How many frames had come when a request was sent. */
  readonly #before = new Map<string, number>();
  #count = 0;

  constructor(transport: Transport, options: PeerOptions) {
    this.#transport = transport;
    this.#options = options;
    transport.onMessage((data) => this.#receive(data));
    transport.onClose((code) => {
      options.transcript.note(options.number, `closed, code ${code}`);
      this.endCode = code;
      for (const look of this.#looks) look();
    });
  }

  /** Sends a frame and returns its id. */
  send(type: string, payload: object = {}, envelope: object = {}): string {
    this.#count += 1;
    const id = `kit-${this.#options.number}-${this.#count}`;
    this.#before.set(id, this.frames.length);
    this.raw(JSON.stringify({ arcp: '1.1', id, type, payload, ...envelope }));
    return id;
  }

  raw(text: string): void {
    const { number, transcript } = this.#options;
    const isShown = text.length <= shownCharsMax;
    transcript.sent(number, isShown ? text : `${text.slice(0, shownCharsMax)}… (${text.length} characters)`);
    this.#transport.send(text);
  }

  binary(bytes: Uint8Array): void {
    this.#options.transcript.note(this.#options.number, `we send a binary frame of ${bytes.length} bytes`);
    this.#transport.sendBytes?.(bytes);
  }

  /** The answer to a request, in whichever field it names it; the connection's end is no answer. */
  answer(id: string, request: string): Promise<KitFrame> {
    return this.until(() => this.#answerTo(id, request), `an answer to ${request}`);
  }

  ask(type: string, payload: object = {}, envelope: object = {}): Promise<KitFrame> {
    return this.answer(this.send(type, payload, envelope), type);
  }

  /** Everything the runtime had sent before it read this has come in. */
  async settle(): Promise<void> {
    await this.ask('session.ping', { nonce: 'kit' });
  }

  first(type: string, since = 0): Promise<KitFrame> {
    return this.until(() => this.frames.slice(since).find((frame) => frame.type === type), `a ${type} frame`);
  }

  /** The code with which the runtime closes the connection. */
  closed(what = 'the connection to be closed', patienceMs = this.#options.patienceMs): Promise<number> {
    return this.#wait(() => this.endCode, { what, patienceMs });
  }

  /** A numbered frame with this number, or a later one, has come. */
  async untilSeq(seq: number): Promise<void> {
    await this.until(() => (this.newestSeq >= seq ? true : undefined), `event_seq ${seq}`);
  }

  get newestSeq(): number {
    return this.numbered.at(-1)?.seq ?? 0;
  }

  /** The end of a job. A job may take some seconds: `patienceMs` more than usual. */
  async terminal(jobId: string): Promise<Numbered> {
    const patienceMs = this.#options.patienceMs * 4;
    const find = () => this.terminals(jobId)[0];
    return this.until(find, `the end of the job: a job.result or job.error of ${jobId}`, patienceMs);
  }

  terminals(jobId: string): Numbered[] {
    return this.numbered.filter(
      ({ frame }) => (frame.type === 'job.result' || frame.type === 'job.error') && jobIdOf(frame) === jobId,
    );
  }

  /** Waits for what `look` finds, looking again at whatever comes in; the end of the connection is a fault. */
  until<Found>(look: () => Found | undefined, what: string, patienceMs = this.#options.patienceMs): Promise<Found> {
    const lookOrEnd = () => {
      const found = look();
      if (found !== undefined || this.endCode === undefined) return found;
      throw new Broken(`expected ${what}, but the runtime closed the connection with code ${this.endCode}`);
    };
    return this.#wait(lookOrEnd, { what, patienceMs });
  }

  #wait<Found>(
    look: () => Found | undefined,
    { what, patienceMs }: { what: string; patienceMs: number },
  ): Promise<Found> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#looks.delete(again);
        reject(new Broken(`waited ${patienceMs / 1000} seconds for ${what}, and it did not come`));
      }, patienceMs);
      const over = () => {
        clearTimeout(timer);
        this.#looks.delete(again);
      };
      const again = () => {
        try {
          const found = look();
          if (found === undefined) return;
          over();
          resolve(found);
        } catch (error) {
          over();
          reject(error);
        }
      };
      this.#looks.add(again);
      again();
    });
  }

  /** Ends the connection without a goodbye, as a network does. */
  drop(code = 1006): void {
    if (this.endCode !== undefined) return;
    this.#options.transcript.note(this.#options.number, `we drop the connection with ${code}, without a goodbye`);
    this.#transport.close(code, '');
  }

  #receive(data: string | Uint8Array): void {
    const { transcript, number } = this.#options;
    const text = typeof data === 'string' ? data : '';
    const frame = readFrame(text);
    if (!frame) {
      this.strange.push(text);
      transcript.received(number, text === '' ? '(a binary frame)' : text, { type: '', seq: undefined });
    } else {
      transcript.hideResumeToken(frame.payload.resume_token);
      transcript.received(number, text, { type: frame.type, seq: frame.event_seq });
      this.frames.push(frame);
      if (frame.event_seq !== undefined) this.numbered.push({ seq: frame.event_seq, text, frame });
      if (frame.type === 'session.ping' && this.answersPings) {
        this.send('session.pong', { ping_nonce: frame.payload.nonce, received_at: new Date().toISOString() });
      }
    }
    for (const look of this.#looks) look();
  }

  #answerTo(id: string, request: string): KitFrame | undefined {
    const behind = this.frames.slice(this.#before.get(id) ?? 0);
    const named = behind.find((frame) => correlationOf(frame, id) !== undefined);
    if (named || !this.#options.guessesAnswers) return named;
    const guessed = behind.find((frame) => !this.#claimed.has(frame) && answers(frame, request));
    if (guessed) this.#claimed.add(guessed);
    return guessed;
  }
}

/** The field in which an answer names its request. */
export function correlationOf({ id, payload }: KitFrame, requestId: string) {
  if (payload.request_id === requestId) return 'request_id';
  if (payload.reply_to === requestId) return 'reply_to';
  return id === requestId ? 'id' : undefined;
}

export function jobIdOf({ job_id, payload }: KitFrame): string {
  return String(payload.job_id ?? job_id ?? '');
}

const answerTypes: Readonly<Record<string, readonly string[]>> = {
  'session.hello': ['session.welcome'],
  'session.resume': ['session.welcome'],
  'session.ping': ['session.pong'],
  'session.close': ['session.closed'],
  'session.bye': ['session.closed'],
  'job.submit': ['job.accepted'],
  'job.cancel': ['job.cancelled'],
  'session.list_jobs': ['session.jobs'],
  'job.subscribe': ['job.subscribed'],
};

function answers({ type, event_seq }: KitFrame, request: string): boolean {
  if (event_seq !== undefined) return false;
  return type === 'session.error' || type === 'job.error' || (answerTypes[request]?.includes(type) ?? false);
}

/** A text as a frame, its payload an object; undefined where it is none. */
export function readFrame(text: string): KitFrame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') {
      return undefined;
    }
    const frame: KitFrame = JSON.parse(text);
    return typeof frame.payload === 'object' && frame.payload !== null ? frame : { ...frame, payload: {} };
  } catch {
    return undefined;
  }
}
