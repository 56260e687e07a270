// A client of the library: it reconnects by itself, and its user sees nothing of it.
import { ArcpError, connect } from '../../dist/src/client.js';

export class LibraryPeer {
  accepted = new Map();
  #world;
  #name;
  #submits = 0;
  #client;
  #phase = 'running';
  /** What it waits for, by key. */
  #open = new Map();

  constructor(name, world) {
    this.#name = name;
    this.#world = world;
  }

  async run() {
    this.#client = await connect(this.#world.url(), {
      token: 'tok-crash',
      reconnect: { initialMs: 600_000, capMs: 200 },
    });
    await Promise.all([this.#jobs(), this.#jobs()]);
    await this.#client.close();
  }

  missing() {
    return [...this.#open].map(([key, what]) => `${key} ${what}, the client being ${this.#client?.state}`);
  }

  stop() {
    this.#phase = 'leaving';
  }

  /** One job after the other. */
  async #jobs() {
    while (this.#phase === 'running') {
      this.#submits += 1;
      const key = `${this.#name}-${this.#submits}`;
      const submit = this.#world.job();
      this.#open.set(key, 'was not accepted');
      const job = await this.#client.submit(submit.agent, submit.input, { idempotencyKey: key });
      this.accepted.set(key, job.id);
      this.#world.keys.set(key, { jobId: job.id, submit });
      this.#open.set(key, `, which is ${job.id}, has not ended`);
      await this.#follow(job, submit);
      this.#open.delete(key);
    }
  }

  async #follow(job, { agent, input }) {
    const fault = (what) => this.#world.faults.push(`${this.#name}: ${job.id}: ${what}`);
    let seq = 0;
    let counted = 0;
    for await (const event of job) {
      this.#world.seen();
      if (event.seq <= seq) fault(`event ${event.seq} came behind ${seq}`);
      seq = event.seq;
      if (event.kind === 'status') counted = 0;
      if (event.kind !== 'progress') continue;
      if (event.body.current !== counted + 1) fault(`counted ${event.body.current} behind ${counted}`);
      counted = event.body.current;
    }
    try {
      const result = await job.result();
      if (result.counted !== input.count || counted !== input.count) fault(`ended at ${counted} of ${input.count}`);
    } catch (error) {
      const isHonest = error instanceof ArcpError && error.code === 'INTERNAL_ERROR' && agent === 'fails';
      if (!isHonest) fault(`failed: ${error}`);
    }
  }
}
