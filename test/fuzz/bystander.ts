import { defineAgent } from '../../src/index.ts';
import { Line } from './line.ts';

/** Emits without end, a little at a time, until it is cancelled: `event 1`, `event 2`, … */
export const ticker = defineAgent({
  name: 'ticker',
  async run(job) {
    for (let count = 1; ; count += 1) {
      job.log('info', `event ${count}`);
      await job.sleep(2);
    }
  },
});

/** A session that has nothing to do with the fuzz, and must not notice it: every event, in order, without a pause. */
export class Bystander {
  events = 0;
  /** Longest time between two events. */
  longestGapMs = 0;
  readonly faults: string[] = [];
  readonly #line: Line;
  #jobId = '';
  #lastMs = performance.now();

  private constructor(line: Line) {
    this.#line = line;
    line.onFrame = (frame) => {
      if (frame.type !== 'job.event') return;
      const nowMs = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastMs);
      this.#lastMs = nowMs;
      this.events += 1;
      const { message } = frame.payload.body;
      if (frame.event_seq !== this.events || message !== `event ${this.events}`) {
        this.faults.push(`event ${this.events} came as number ${frame.event_seq}, ${message}`);
      }
      if (this.events % 100 === 0) line.say('session.ack', { last_processed_seq: this.events });
    };
  }

  static async enter(url: string, token: string): Promise<Bystander> {
    const bystander = new Bystander(await Line.dial(url));
    await bystander.#line.hello(token);
    bystander.#line.say('job.submit', { agent: 'ticker' });
    const accepted = await bystander.#line.next((frame) => frame.type === 'job.accepted');
    bystander.#jobId = String(accepted?.job_id);
    return bystander;
  }

  /** Cancels its job, sees its one terminal, and leaves. */
  async leave(): Promise<void> {
    const end = this.#line.next((frame) => frame.type === 'job.error');
    this.#line.say('job.cancel', { job_id: this.#jobId });
    const frame = await end;
    if (frame?.payload.code !== 'CANCELLED') this.faults.push(`ended with ${JSON.stringify(frame)}`);
    if (frame?.event_seq !== this.events + 1) this.faults.push(`the terminal is number ${frame?.event_seq}`);
    this.#line.say('session.bye', {});
    await this.#line.closed;
  }
}
