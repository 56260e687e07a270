import { EventLog, type LogLimits } from '../../log.ts';
import {
  type Change,
  type Recovered,
  type Store,
  StoreFailure,
  type StoreListener,
  type StoreTrouble,
} from '../store.ts';
import { Backlog, type BacklogLimits } from './backlog.ts';
import { Batch } from './batch.ts';
import type { FromWorker, SqliteSettings } from './messages.ts';
import { Thread } from './thread.ts';

export type SqliteStoreSettings = SqliteSettings & BacklogLimits & { batchBytes: number };

interface Waiting<Value> {
  resolve(value: Value): void;
  reject(error: Error): void;
}

/** The runtime's side of the store: gathers what one turn of the event loop writes, and hands it to the thread. */
export class SqliteStore implements Store {
  readonly durable = true;
  readonly #file: string;
  readonly #settings: SqliteStoreSettings;
  readonly #backlog: Backlog;
  readonly #reads = new Map<number, Waiting<string[]>>();
  #requests = 0;
  #flushes: (Waiting<void> & { position: number })[] = [];
  #thread: Thread | undefined;
  #opening: Waiting<Recovered> | undefined;
  #closing: Promise<void> | undefined;
  #listener: StoreListener | undefined;
  #written = 0;
  #batch = new Batch();
  #handOn: NodeJS.Immediate | undefined;
  /** What the thread said last, and what the listener was told last. */
  #failing: StoreTrouble | undefined;
  #told: StoreTrouble | undefined;

  constructor(file: string, settings: SqliteStoreSettings) {
    this.#file = file;
    this.#settings = settings;
    this.#backlog = new Backlog(file, settings);
  }

  get written(): number {
    return this.#written;
  }

  get committed(): number {
    return this.#backlog.committed;
  }

  open(listener: StoreListener): Promise<Recovered> {
    if (this.#listener) return Promise.reject(new Error('A store is opened once.'));
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      const { behindBytes, queueBytes, batchBytes, ...settings } = this.#settings;
      this.#thread = new Thread(
        { file: this.#file, settings },
        { message: (message) => this.#hear(message), ended: (why) => this.#ended(why) },
      );
    });
  }

  write(changes: readonly Change[]): number {
    this.#written += changes.length;
    if (!this.#takes) return this.#written;
    for (const change of changes) this.#batch.add(change);
    if (this.#batch.length > this.#settings.batchBytes) this.#post();
    this.#handOn ??= setImmediate(() => {
      this.#handOn = undefined;
      this.#post();
      this.#judge();
    });
    return this.#written;
  }

  readFrames(log: string, fromSeq: number, toSeq: number): Promise<string[]> {
    const thread = this.#thread;
    if (!thread) return Promise.reject(new Error('The store is not open.'));
    return new Promise((resolve, reject) => {
      this.#requests += 1;
      this.#reads.set(this.#requests, { resolve, reject });
      thread.post({ do: 'read', request: this.#requests, log, fromSeq, toSeq });
    });
  }

  flush(): Promise<void> {
    this.#post();
    const position = this.#written;
    if (this.committed >= position) return Promise.resolve();
    if (this.#told?.final) return Promise.reject(new StoreFailure(this.#told));
    if (!this.#thread) return Promise.reject(new Error('The store is not open.'));
    return new Promise((resolve, reject) => {
      this.#flushes.push({ position, resolve, reject });
      if (this.#failing) this.#thread?.post({ do: 'attempt' });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  openLog(_sessionId: string, limits: LogLimits): EventLog {
    return new EventLog(limits);
  }

  get #takes(): boolean {
    return this.#thread !== undefined && !this.#closing && !this.#told?.final;
  }

  async #close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      clearImmediate(this.#handOn);
      const thread = this.#thread;
      await thread?.close();
    }
  }

  /** Hands on what was written since the last time. */
  #post(): void {
    const { steps, length } = this.#batch;
    if (steps.length === 0) return;
    this.#batch = new Batch();
    this.#backlog.add(this.#written, length);
    this.#thread?.post({ do: 'commit', position: this.#written, length, steps });
  }

  #hear(message: FromWorker): void {
    switch (message.did) {
      case 'open':
        return this.#opening?.resolve(message.recovered);
      case 'refuse':
        this.#closing ??= Promise.resolve();
        return this.#opening?.reject(new Error(message.message));
      case 'commit':
        return this.#commit(message.position);
      case 'fail':
        this.#failing = message.trouble;
        this.#judge();
        if (message.trouble) this.#rejectFlushes(message.trouble);
        return;
      case 'read':
        return this.#answered(message.request)?.resolve(message.texts);
      case 'misread':
        return this.#answered(message.request)?.reject(new Error(message.message));
    }
  }

  #commit(position: number): void {
    if (this.#told?.final) return;
    this.#backlog.commit(position);
    this.#listener?.committed(position);
    this.#judge();
    const reached = this.#flushes.filter((flush) => flush.position <= position);
    this.#flushes = this.#flushes.filter((flush) => flush.position > position);
    for (const { resolve } of reached) resolve();
  }

  #answered(request: number): Waiting<string[]> | undefined {
    const reader = this.#reads.get(request);
    this.#reads.delete(request);
    return reader;
  }

  /** Tells the listener how it stands, if that has changed. What is final stays. */
  #judge(): void {
    if (this.#told?.final) return;
    const before = this.#told;
    this.#told = this.#failing?.final ? this.#failing : this.#worse();
    if (this.#told?.message === before?.message) return;
    this.#listener?.trouble(this.#told);
    if (this.#told?.final) this.#giveUp(this.#told);
  }

  #worse(): StoreTrouble | undefined {
    const { trouble } = this.#backlog;
    return trouble?.final ? trouble : (this.#failing ?? trouble);
  }

  #giveUp(trouble: StoreTrouble): void {
    this.#batch = new Batch();
    this.#rejectFlushes(trouble);
    // A thread that is fenced still reads; one that is left behind must not write what was given up.
    if (trouble.reason !== 'fenced') void this.#thread?.end();
  }

  #rejectFlushes(trouble: StoreTrouble): void {
    for (const { reject } of this.#flushes.splice(0)) reject(new StoreFailure(trouble));
  }

  #ended(why: string): void {
    this.#thread = undefined;
    for (const { reject } of this.#reads.values()) reject(new Error('The store is not open.'));
    this.#reads.clear();
    this.#opening?.reject(new Error(`The store ${this.#file} cannot be opened: its thread ended (${why}).`));
    for (const { reject } of this.#closing ? this.#flushes.splice(0) : []) reject(new Error('The store is closed.'));
    if (this.#closing) return;
    const message = `The thread that writes ${this.#file} ended (${why}): end this process, and start it again.`;
    this.#failing = { reason: 'failing', final: true, message };
    this.#judge();
  }
}
