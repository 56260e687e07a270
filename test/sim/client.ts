import type { Frame } from '../support/peer.ts';
import type { Link } from './link.ts';

/** A promise of the protocol that did not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** A connection as its client sees it. */
interface Attempt {
  link: Link;
  /** The seq the next numbered frame must have; undefined until welcomed. */
  expected: number | undefined;
  cursor: number;
  /** The token it presented, where it was a resume. */
  presented: string | undefined;
  /** Another attempt was open beside it: which of them the runtime heard last, the client cannot know. */
  raced: boolean;
}

/** One person's client: what it has seen is checked the moment it arrives. */
export class SimClient {
  readonly principal: string;
  sessionId: string | undefined;
  /** Tokens that may open the session: the newest received first. More than one only after a race. */
  tokens: string[] = [];
  readonly textBySeq = new Map<number, string>();
  readonly terminals = new Map<string, Frame>();
  readonly jobIds: string[] = [];
  readonly attempts = new Set<Attempt>();
  acked = 0;
  /** The goodbye it said, if any: after a bye nothing can be resumed. */
  parting: 'none' | 'bye' = 'none';
  refusals: { code: string; token: string | undefined }[] = [];
  readonly #count = { frames: 0, replayed: 0 };

  readonly #tell: (line: string) => void;
  readonly #names = new Map<string, string>();

  constructor(principal: string, tell: (line: string) => void) {
    this.principal = principal;
    this.#tell = tell;
  }

  /** Tokens are random; in a story they are told by the order in which they came. */
  name(token: string | undefined): string {
    if (token === undefined) return 'no token';
    const name = this.#names.get(token) ?? `token ${this.#names.size + 1}`;
    this.#names.set(token, name);
    return name;
  }

  get newestSeq(): number {
    return this.textBySeq.size;
  }

  get replayed(): number {
    return this.#count.replayed;
  }

  /** The welcomed connection, if there is one that has not learnt of its end. */
  get live(): Attempt | undefined {
    return [...this.attempts]
      .filter((attempt) => attempt.expected !== undefined && attempt.link.client.state === 'open')
      .at(-1);
  }

  connect(link: Link, how: { resumeFrom?: number; token?: string } = {}): void {
    const presented = how.token;
    this.#tell(`${this.principal} connects with ${this.name(presented)}, ${this.attempts.size} connections open`);
    const attempt: Attempt = { link, expected: undefined, cursor: how.resumeFrom ?? 0, presented, raced: false };
    this.attempts.add(attempt);
    if (this.attempts.size > 1) for (const open of this.attempts) open.raced = true;
    link.client.onMessage((text) => this.#receive(attempt, String(text)));
    link.client.onClose(() => this.attempts.delete(attempt));
    const auth = { scheme: 'bearer', token: this.principal };
    const features = ['heartbeat', 'ack', 'progress', 'result_chunk', 'agent_versions'];
    if (presented === undefined) this.send(link, 'session.hello', { auth, capabilities: { features } });
    else this.send(link, 'session.resume', { auth, resume_token: presented, last_event_seq: attempt.cursor });
  }

  send(link: Link, type: string, payload: object): void {
    this.#count.frames += 1;
    link.client.send(JSON.stringify({ arcp: '1.1', id: `req_${this.#count.frames}`, type, payload }));
  }

  #receive(attempt: Attempt, text: string): void {
    const frame: Frame = JSON.parse(text);
    if (frame.type === 'session.welcome') this.#welcomed(attempt, frame);
    else if (frame.event_seq !== undefined) this.#numbered(attempt, frame, text);
    else if (frame.type === 'session.ping')
      this.send(attempt.link, 'session.pong', { ping_nonce: frame.payload.nonce });
    else if (frame.type === 'job.accepted') this.jobIds.push(String(frame.job_id));
    else if (frame.type === 'session.error') {
      this.#tell(`${this.principal} is refused ${frame.payload.code}, having shown ${this.name(attempt.presented)}`);
      this.refusals.push({ code: frame.payload.code, token: attempt.presented });
    }
    if (frame.session_id && attempt.expected !== undefined && frame.session_id !== this.sessionId) {
      throw new Violation(`${this.principal} got a frame of another session: ${text}`);
    }
  }

  #welcomed(attempt: Attempt, frame: Frame): void {
    if (this.sessionId !== undefined && frame.session_id !== this.sessionId) {
      throw new Violation(`a resume of ${this.sessionId} was answered with ${frame.session_id}`);
    }
    this.sessionId = frame.session_id;
    const { resume_token: token } = frame.payload;
    this.#tell(`${this.principal} is welcomed with ${this.name(token)}, having shown ${this.name(attempt.presented)}`);
    attempt.expected = attempt.cursor + 1;
    // With one connection at a time, the newest token is the token. In a race it may be any that came or was shown.
    const others = attempt.raced ? [...this.tokens, attempt.presented] : [];
    this.tokens = [...new Set([token, ...others])].filter((one) => one !== undefined);
  }

  #numbered(attempt: Attempt, frame: Frame, text: string): void {
    const seq = frame.event_seq ?? 0;
    if (attempt.expected === undefined) throw new Violation(`a numbered frame before the welcome: ${text}`);
    if (seq !== attempt.expected) throw new Violation(`expected seq ${attempt.expected}, got ${seq}: ${text}`);
    attempt.expected += 1;
    const known = this.textBySeq.get(seq);
    if (known !== undefined && known !== text) throw new Violation(`seq ${seq} came in two forms:\n${known}\n${text}`);
    if (known === undefined && seq !== this.newestSeq + 1) throw new Violation(`a gap before seq ${seq}`);
    if (known !== undefined) this.#count.replayed += 1;
    this.textBySeq.set(seq, text);
    if (known === undefined && frame.type !== 'job.event') this.#ended(frame);
  }

  #ended(frame: Frame): void {
    const jobId = String(frame.job_id);
    if (this.terminals.has(jobId)) throw new Violation(`job ${jobId} ended twice`);
    this.terminals.set(jobId, frame);
  }
}
