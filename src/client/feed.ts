import type { AcceptedPayload, Credential } from '../wire/messages.ts';
import { ResultChunks } from './chunks.ts';
import { errorOf } from './errors.ts';
import type { EventFrame, SequencedFrame } from './frames.ts';

type Content = EventFrame['payload'];

/** One event of a job (§8): `seq` is the session's number for it, `ts` when it happened, ISO 8601. */
export type JobEvent = Content & { seq: number; jobId: string };

type Terminal = Extract<SequencedFrame, { type: 'job.result' | 'job.error' }>;

interface Waiter {
  resolve(result: IteratorResult<JobEvent, undefined>): void;
  reject(error: Error): void;
}

/** What has arrived of one job and is not yet read, and its end once that is known. */
export class Feed {
  readonly jobId: string;
  accepted: AcceptedPayload | undefined;
  /** Somebody has a handle of this job. */
  isClaimed = false;
  /** The job is of another session: its events come while somebody watches it. */
  isWatched = false;
  /** Somebody waits for the job's end. */
  isAwaited = false;
  /** The reader at work: there is one at most. */
  #reader: object | undefined;
  readonly result: Promise<unknown>;
  readonly #freed: (chars: number) => void;
  #events: { event: JobEvent; chars: number }[] = [];
  #head = 0;
  #waiters: Waiter[] = [];
  #chunks = new ResultChunks();
  readonly #rotated = new Map<string, string>();
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: Error) => void = () => {};
  /** Set once nothing more will come: with the error, where it is not the job that has ended. */
  #end: { error?: Error } | undefined;
  /** It is of a subscription: what of it comes up to this number is of one before, and not for its reader (§7.6). */
  #afterSeq = 0;
  /** Set once events were let go that nobody read. */
  #forgotten: Error | undefined;

  constructor(jobId: string, freed: (chars: number) => void) {
    this.jobId = jobId;
    this.#freed = freed;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever never asks for the result is not to be told by an unhandled rejection.
    this.result.catch(() => {});
  }

  /** Takes an event in. False: it is not kept, it takes no room. */
  push(frame: EventFrame, { seq, chars }: { seq: number; chars: number }): boolean {
    const { payload } = frame;
    if (seq <= this.#afterSeq) return false;
    if (payload.kind === 'result_chunk' && payload.body) this.#chunks.add(payload.body);
    if (payload.kind === 'status') this.#rotate(payload.body);
    // The payload was parsed for nobody else; a copy of it costs as much as all the rest.
    const event: JobEvent = Object.assign(payload, { seq, jobId: this.jobId });
    const waiter = this.#waiters.shift();
    if (waiter) {
      waiter.resolve({ done: false, value: event });
      return false;
    }
    if (this.#forgotten) return false;
    this.#events.push({ event, chars });
    return true;
  }

  /** The credentials as they are now: what was accepted, with every rotation since. */
  get credentials(): readonly Credential[] {
    const { credentials } = this.accepted ?? {};
    if (!Array.isArray(credentials)) return [];
    return credentials.map((credential) => ({
      ...credential,
      value: this.#rotated.get(credential.id) ?? credential.value,
    }));
  }

  /** `status{phase: "credential_rotated"}` (§9.8): the event may come before the submit is answered again. */
  #rotate(body: object): void {
    const { phase, id, value }: { phase?: unknown; id?: unknown; value?: unknown } = { ...body };
    const isRotation = phase === 'credential_rotated' && typeof id === 'string' && typeof value === 'string';
    if (isRotation) this.#rotated.set(id, value);
  }

  /** The job has ended (§7). */
  finish(frame: Terminal): void {
    if ((frame.event_seq ?? 0) <= this.#afterSeq) return;
    if (frame.type === 'job.error') this.#reject(errorOf(frame.payload));
    else if (frame.payload.result_id === undefined) this.#resolve(frame.payload.result);
    else {
      try {
        this.#resolve(this.#chunks.finish(frame.payload));
      } catch (error) {
        this.#reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#stop({});
  }

  /** The session has ended, and the job's end will not be known here. Changes nothing once the job has ended. */
  fail(error: Error): void {
    if (this.#end) return;
    this.#reject(error);
    this.#stop({ error });
  }

  /** A subscription begins: what came up to this number, or comes yet, is not of it. */
  begin(afterSeq: number): void {
    this.#afterSeq = afterSeq;
    this.#chunks = new ResultChunks();
    this.#discard();
  }

  /** Nobody watches any more: a loop ends, and what was not read is let go. */
  leave(because: Error): void {
    if (this.#end) return;
    this.#reject(because);
    this.#discard();
    this.#stop({});
  }

  #discard(): void {
    for (const { chars } of this.#events.splice(this.#head)) this.#freed(chars);
    this.#events = [];
    this.#head = 0;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  get isRead(): boolean {
    return this.#reader !== undefined;
  }

  /** Reads from where the last reader stopped. Throws `TypeError` while another is at work. */
  read(): AsyncIterableIterator<JobEvent, undefined, undefined> {
    if (this.#reader) {
      throw new TypeError(`the events of ${this.jobId} are being read already: each goes to one reader`);
    }
    const reader: AsyncIterableIterator<JobEvent, undefined, undefined> = {
      next: () => (this.#reader === reader ? this.#next() : done()),
      return: () => {
        if (this.#reader === reader) this.#leave();
        return done();
      },
      [Symbol.asyncIterator]: () => reader,
    };
    this.#reader = reader;
    return reader;
  }

  #stop(end: { error?: Error }): void {
    this.#end = end;
    if (this.#waiters.length > 0) this.#leave();
  }

  /** The reader is at the end, or breaks off: whatever it still waits for is not coming. */
  #leave(): void {
    this.#reader = undefined;
    const error = this.#end?.error;
    for (const waiter of this.#waiters.splice(0)) {
      if (error) waiter.reject(error);
      else waiter.resolve({ done: true, value: undefined });
    }
  }

  #next(): Promise<IteratorResult<JobEvent, undefined>> {
    const entry = this.#events[this.#head];
    if (entry) {
      this.#head += 1;
      // Compacting in large steps keeps reading O(1) an event.
      if (this.#head === this.#events.length || this.#head >= 4096) {
        this.#events.splice(0, this.#head);
        this.#head = 0;
      }
      this.#freed(entry.chars);
      return Promise.resolve({ done: false, value: entry.event });
    }
    const error = this.#forgotten ?? this.#end?.error;
    if (error || this.#end) this.#reader = undefined;
    if (error) return Promise.reject(error);
    if (this.#end) return done();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Lets the unread events go: reading them later throws `because`, never silently skips. */
  forget(because: Error): void {
    if (this.#events.length === this.#head) return;
    this.#forgotten ??= because;
    this.#discard();
  }
}

function done(): Promise<{ done: true; value: undefined }> {
  return Promise.resolve({ done: true, value: undefined });
}
