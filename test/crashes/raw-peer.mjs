// A client that speaks frames by hand: it resumes with what it has, again and again, and believes nothing.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { View } from './view.mjs';

const auth = { scheme: 'bearer', token: 'tok-crash' };
const features = ['ack', 'progress', 'result_chunk', 'agent_versions'];
const pauseMs = 20;

export class RawPeer {
  view;
  /** Job ids by the keys that were acknowledged. */
  accepted = new Map();
  resumes = 0;
  #world;
  #name;
  #token;
  #socket;
  #submits = 0;
  /** Keys that were sent and not answered yet: sent again after every resume. */
  #asked = new Map();
  #phase = 'running';
  #acked = 0;

  constructor(name, world) {
    this.#name = name;
    this.#world = world;
    this.view = new View(name, world.faults);
  }

  /** Comes back until `stop`; resolves when every job it had has ended. */
  async run() {
    while (!this.#isDone()) {
      try {
        await this.#connection();
      } catch {
        // Nobody listens just now.
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** From now on it submits nothing new, and leaves when all has ended. */
  stop() {
    this.#phase = 'leaving';
    if (this.#isDone()) this.#socket?.terminate();
  }

  /** What it still waits for. */
  missing() {
    const open = [...this.accepted].filter(([, id]) => !this.view.ended.has(id));
    return [
      ...[...this.#asked.keys()].map((key) => `${key} was not accepted`),
      ...open.map(([key, id]) => `${key}, which is ${id}, has not ended`),
    ];
  }

  #isDone() {
    const { ended } = this.view;
    return (
      this.#phase === 'leaving' && this.#asked.size === 0 && [...this.accepted.values()].every((id) => ended.has(id))
    );
  }

  async #connection() {
    const socket = new WebSocket(this.#world.url(), { perMessageDeflate: false });
    this.#socket = socket;
    const ended = once(socket, 'close');
    await Promise.race([once(socket, 'open'), ended.then(() => Promise.reject(new Error('refused')))]);
    const { below } = this.#world;
    // Now and then from before what it has: it must be told the same again.
    const back = below(3) === 0 ? below(5) : 0;
    let expected = Math.max(this.#acked, this.view.last - back) + 1;
    socket.on('message', (data) => {
      const text = data.toString();
      const frame = JSON.parse(text);
      if (frame.event_seq !== undefined) {
        this.view.take(frame, text, expected);
        expected = frame.event_seq + 1;
        this.#heard(frame);
      } else {
        this.#answered(frame);
      }
    });
    this.#greet(expected - 1);
    await ended;
  }

  #greet(cursor) {
    const resume = this.#token && { resume_token: this.#token, last_event_seq: cursor };
    if (resume) this.#send('session.resume', { auth, ...resume });
    else this.#send('session.hello', { client: { name: 'crash', version: '1' }, auth, capabilities: { features } });
  }

  #answered({ type, payload }) {
    const { view } = this;
    if (type === 'session.welcome') {
      if (this.#token) this.resumes += 1;
      this.#token = payload.resume_token;
      for (const [key, submit] of this.#asked) this.#send('job.submit', { ...submit, idempotency_key: key });
      this.#submitMore();
    } else if (type === 'job.accepted') {
      const key = this.#world.keyOf(payload.request_id);
      const before = this.accepted.get(key);
      if (before !== undefined && before !== payload.job_id)
        view.fault(`key ${key} had ${before}, then ${payload.job_id}`);
      this.accepted.set(key, payload.job_id);
      this.#world.keys.set(key, {
        jobId: payload.job_id,
        submit: this.#asked.get(key) ?? this.#world.keys.get(key)?.submit,
      });
      this.#asked.delete(key);
      if (this.#isDone()) this.#socket.terminate();
    } else if (type === 'session.error' && !payload.retryable) {
      view.fault(`was refused: ${payload.code} ${payload.message} ${JSON.stringify(payload.details ?? {})}`);
      this.#socket.terminate();
    }
  }

  #heard({ type, event_seq: seq }) {
    if (this.#world.below(20) === 0 && seq > 10) {
      this.#acked = Math.max(this.#acked, seq - 6);
      this.#send('session.ack', { last_processed_seq: this.#acked });
    }
    if (type === 'job.event') return;
    this.#submitMore();
    if (this.#isDone()) this.#socket.terminate();
  }

  /** Two jobs at a time. */
  #submitMore() {
    const running = [...this.accepted.values()].filter((id) => !this.view.ended.has(id)).length;
    for (let open = running + this.#asked.size; open < 2 && this.#phase === 'running'; open += 1) {
      this.#submits += 1;
      const key = `${this.#name}-${this.#submits}`;
      const submit = this.#world.job();
      this.#asked.set(key, submit);
      this.#send('job.submit', { ...submit, idempotency_key: key });
    }
  }

  #send(type, payload) {
    const id = `${payload.idempotency_key ?? type}#${this.#world.next()}`;
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(JSON.stringify({ arcp: '1.1', id, type, payload }));
  }
}
