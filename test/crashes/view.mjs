// What one client has been told, held against the promise: 1..n exactly once, the same bytes whenever told again, one end a job.

export class View {
  #faults;
  #name;
  #texts = [];
  #ends = new Map();
  /** The newest event it has. */
  last = 0;

  constructor(name, faults) {
    this.#name = name;
    this.#faults = faults;
  }

  get ended() {
    return this.#ends;
  }

  fault(what) {
    this.#faults.push(`${this.#name}: ${what}`);
  }

  /** A numbered frame came, where `expected` was due. */
  take(frame, text, expected) {
    const { event_seq: seq, job_id: jobId, type } = frame;
    if (seq !== expected) this.fault(`event ${seq} came where ${expected} was due`);
    if (seq <= this.last) {
      if (this.#texts[seq] !== text) this.fault(`event ${seq} was told again with other bytes`);
      return;
    }
    this.last = seq;
    this.#texts[seq] = text;
    if (this.#ends.has(jobId)) this.fault(`${jobId} had a ${type} after its end`);
    if (type !== 'job.event') this.#ends.set(jobId, frame.payload.final_status);
  }
}
