import type { EventLog, LogLimits } from '../log.ts';

/** What a record is about. A store knows no more of it: the body is JSON text that only the runtime reads. */
export const recordKinds = ['session', 'job', 'key', 'subscription', 'tombstone', 'credential'] as const;
export type RecordKind = (typeof recordKinds)[number];

/**
 * One change of what outlives the process. Bodies are JSON texts without a secret in them (tokens as hashes, credentials as
 * ids); frames are the texts that clients see, byte for byte.
 */
export type Change =
  /**
   * Writes a record whole. With `expect` it is a compare-and-set: the record must have been put `expect` times so far (0: it
   * must not exist), else someone else has written, and the store is fenced. A session's record holds its token's hash,
   * principal, window and cursor, so that this is the attach of §6.3: it can happen once. A deleted record starts anew.
   */
  | { do: 'put'; kind: RecordKind; id: string; body: string; expect?: number }
  | { do: 'delete'; kind: RecordKind; id: string }
  /**
   * Frames `firstSeq`, `firstSeq + 1`, … of a session's log, the first right behind the newest of the log: a compare-and-set
   * too. A log that is new may begin anywhere. A frame is one line.
   */
  | { do: 'append'; log: string; firstSeq: number; texts: readonly string[] }
  /** Frames up to `throughSeq` will not be read again, neither by a resume nor as a job's history: they may go. */
  | { do: 'trim'; log: string; throughSeq: number }
  /** Nothing of the log will be read again. Its numbers are forgotten too. */
  | { do: 'drop'; log: string }
  /** The runtime's own time, in milliseconds: it stands still while no process runs (§6.3: downtime is not counted). */
  | { do: 'time'; uptimeMs: number };

/** A record as it was last committed; `version` counts its puts. */
export interface StoredRecord {
  kind: RecordKind;
  id: string;
  body: string;
  version: number;
}

/** What a store holds when it is opened: all records, and of each log the numbers alone. Frames are read when asked for. */
export interface Recovered {
  /** Raised by every `open`: whoever opened before can write no more. 1 for a store that is new. */
  epoch: number;
  /** The last `time` committed; 0 where there is none. */
  uptimeMs: number;
  records: readonly StoredRecord[];
  /** By log: the seq before its first kept frame, and its newest one, also where none is kept any more. */
  logs: ReadonlyMap<string, { trimmedSeq: number; newestSeq: number }>;
}

/** Why a store cannot write now. It keeps what it was given, tries again by itself, and tells when it could. */
export interface StoreTrouble {
  /** For people: what happened, and what to do. */
  message: string;
  /** `full`: no room. `failing`: any other error of the medium, or too slow. `fenced`: someone else has opened the store. */
  reason: 'full' | 'failing' | 'fenced';
  /** Nothing can be written any more, whatever happens: what is not committed is lost, and the process had better end. */
  final: boolean;
}

/** What `flush` and `close` reject with where something could not be committed. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly trouble: StoreTrouble;

  constructor(trouble: StoreTrouble) {
    super(trouble.message);
    this.trouble = trouble;
  }
}

/**
 * Where a runtime keeps what must outlive a connection, and, where `durable`, the process.
 *
 * Contract. `open` comes first, once, and claims everything in the store: sessions whose owner is gone are orphans, and now
 * ours. It rejects, with words for people, where another process has the store open, or it is not one. `write` takes changes
 * in order and never waits; they are committed in that order, in batches, each batch whole or not at all, those of one `write`
 * in one batch, and never after a newer `open` (the epoch fences it). `committed` follows `written`: what was written up to
 * there survives this process. A change that fails is kept and tried again, with all behind it, until it succeeds or the trouble
 * is final: nothing is skipped. `readFrames` sees what was committed. `flush` resolves when all that was written is
 * committed, and rejects with the trouble where it cannot be now. `close` flushes, lets go also where that failed, and lets
 * another process open. Behind it, and behind final trouble, `write` takes changes that go nowhere, and `committed` stands.
 *
 * A store that is not durable commits at once, and remembers nothing.
 */
export interface Store {
  readonly durable: boolean;
  /** The position behind the newest change given to `write`, and behind the newest that is committed. */
  readonly written: number;
  readonly committed: number;
  open(listener: StoreListener): Promise<Recovered>;
  /** Returns the position behind these changes. */
  write(changes: readonly Change[]): number;
  /** Committed frames `fromSeq` to `toSeq` of a log, in order; those that were trimmed are missing at the front. */
  readFrames(log: string, fromSeq: number, toSeq: number): Promise<string[]>;
  flush(): Promise<void>;
  close(): Promise<void>;
  /** The log of one session: empty, numbered from 1, that session's alone. */
  openLog(sessionId: string, limits: LogLimits): EventLog;
}

/** What a store tells the runtime that opened it. Never called from inside `write`. */
export interface StoreListener {
  committed(position: number): void;
  /** Undefined: it can write again. */
  trouble(trouble: StoreTrouble | undefined): void;
}
