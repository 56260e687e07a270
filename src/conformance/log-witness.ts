import type { FinalStatus } from '../../machines/index.ts';
import type { Wire, WireFrame } from './wire.ts';

const finalStatuses: readonly FinalStatus[] = ['success', 'error', 'cancelled', 'timed_out'];

/**
 * What all connections of one session have brought, held against each other (§4, §6.3, §7): on each, numbers go on from its
 * cursor without gap or repeat; a number seen twice is the same to the byte; a job ends once, and nothing follows its end.
 */
export class LogWitness {
  /** Terminals in the order in which they were first seen. */
  readonly ends: { jobId: string; status: FinalStatus }[] = [];
  /** The highest number seen on any connection, or named as a cursor. */
  newestSeq = 0;
  readonly #textBySeq = new Map<number, string>();
  readonly #endSeqByJob = new Map<string, number>();
  readonly #reachedSeq = new WeakMap<Wire, number>();
  #faults: string[] = [];

  /** Watches a connection that was welcomed at this cursor, what it has brought already included. */
  listen(wire: Wire, cursor: number): void {
    let expected = cursor + 1;
    this.newestSeq = Math.max(this.newestSeq, cursor);
    this.#reachedSeq.set(wire, cursor);
    const hear = (frame: WireFrame, text: string) => {
      const seq = frame.event_seq ?? 0;
      if (seq !== expected) this.fault(`event_seq ${seq} came where ${expected} was due`);
      expected = seq + 1;
      this.#reachedSeq.set(wire, seq);
      this.#hear(frame, text);
    };
    for (const [index, frame] of wire.frames.entries()) {
      if (frame.event_seq !== undefined) hear(frame, wire.texts[index] ?? '');
    }
    wire.onNumbered = hear;
  }

  /** Waits until this connection has brought everything up to a number. */
  async reaches(seq: number, wire: Wire): Promise<void> {
    await wire.until(() => ((this.#reachedSeq.get(wire) ?? 0) >= seq ? true : undefined), `event ${seq}`);
  }

  fault(fault: string): void {
    this.#faults.push(fault);
  }

  takeFaults(): string[] {
    const faults = this.#faults;
    this.#faults = [];
    return faults;
  }

  #hear(frame: WireFrame, text: string): void {
    const { event_seq: seq = 0, job_id: jobId = '' } = frame;
    this.newestSeq = Math.max(this.newestSeq, seq);
    const known = this.#textBySeq.get(seq);
    if (known !== undefined && known !== text) this.fault(`event_seq ${seq} was replayed with other bytes`);
    if (known !== undefined) return;
    this.#textBySeq.set(seq, text);
    const endSeq = this.#endSeqByJob.get(jobId);
    if (endSeq !== undefined && seq > endSeq) this.fault(`job ${jobId} had a frame (${frame.type}) after its end`);
    if (frame.type === 'job.event') return;
    if (endSeq !== undefined) this.fault(`job ${jobId} ended twice`);
    this.#endSeqByJob.set(jobId, seq);
    const status = finalStatuses.find((one) => one === frame.payload.final_status);
    if (status) this.ends.push({ jobId, status });
    else this.fault(`${frame.type} without a final_status`);
  }
}
