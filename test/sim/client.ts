import type { Frame } from '../support/peer.ts';
import type { Link } from './link.ts';

/** A promise of the protocol that did not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** A first frame: a hello, or a resume. */
export interface Greeting {
  bearer: string;
  token?: string | undefined;
  cursor?: number;
  sessionId?: string;
  features?: readonly string[];
}

/** A connection as its client sees it. */
interface Attempt {
  link: Link;
  welcomed: 'not yet' | 'yes';
  /** Jobs that it has asked to watch and has no answer for, by the id of the request. */
  asked: Map<string, string>;
}

/** One person's client in one session: what it was told, which may be less than what the runtime said. */
export class SimClient {
  readonly principal: string;
  sessionId: string | undefined;
  /** Tokens that may open the session, the likeliest first. */
  tokens: string[] = [];
  /** The newest event it has, and up to where it was told that events are gone. */
  newestSeq = 0;
  #goneSeq = 0;
  readonly jobIds: string[] = [];
  readonly ended = new Set<string>();
  readonly attempts = new Set<Attempt>();
  /** It said bye, or was told that its session is over. */
  fate: 'hopeful' | 'parted' | 'refused' = 'hopeful';
  #frames = 0;
  /** A careful one has one connection at a time and waits for its welcome; a hasty one may lose its way by its own doing. */
  readonly habit: 'careful' | 'hasty';
  readonly #tell: (line: string) => void;

  constructor(principal: string, habit: 'careful' | 'hasty', tell: (line: string) => void) {
    this.principal = principal;
    this.habit = habit;
    this.#tell = tell;
  }

  /** The welcomed connection, if there is one that has not learnt of its end. */
  get live(): Attempt | undefined {
    return [...this.attempts].filter(({ welcomed, link }) => welcomed === 'yes' && link.client.state === 'open').at(-1);
  }

  /** What it goes on from. */
  get cursor(): number {
    return Math.max(this.newestSeq, this.#goneSeq);
  }

  /** Sends its greetings, all at once: the first good one counts. */
  connect(link: Link, greetings: readonly Greeting[]): void {
    const attempt: Attempt = { link, welcomed: 'not yet', asked: new Map() };
    this.attempts.add(attempt);
    link.client.onMessage((text) => this.#receive(attempt, String(text)));
    link.client.onClose(() => this.attempts.delete(attempt));
    for (const { bearer, token, cursor, sessionId, features } of greetings) {
      const auth = { scheme: 'bearer', token: bearer };
      const resume = { resume_token: token, last_event_seq: cursor, session_id: sessionId };
      if (token === undefined) this.send(link, 'session.hello', { auth, capabilities: { features } });
      else this.send(link, 'session.resume', { auth, ...resume });
    }
  }

  /** Returns the id of the request. */
  send(link: Link, type: string, payload: object): string {
    this.#frames += 1;
    const id = `req_${this.#frames}`;
    link.client.send(JSON.stringify({ arcp: '1.1', id, type, payload }));
    return id;
  }

  watch({ link, asked }: Attempt, jobId: string, how: object): void {
    asked.set(this.send(link, 'job.subscribe', { job_id: jobId, ...how }), jobId);
  }

  #receive(attempt: Attempt, text: string): void {
    const frame: Frame = JSON.parse(text);
    attempt.asked.delete(frame.payload.request_id);
    if (frame.type === 'session.welcome') this.#welcomed(attempt, frame);
    else if (frame.event_seq !== undefined) this.#numbered(frame, frame.event_seq);
    else if (frame.type === 'session.ping')
      this.send(attempt.link, 'session.pong', { ping_nonce: frame.payload.nonce });
    else if (frame.type === 'job.accepted') this.jobIds.push(String(frame.job_id));
    // A runtime that keeps nothing takes its sessions with it (§6.7).
    else if (frame.type === 'session.bye' && !frame.payload.resumable) this.fate = 'refused';
    else if (frame.type === 'session.error') this.#refused(attempt, frame);
  }

  #welcomed(attempt: Attempt, { session_id: sessionId, payload }: Frame): void {
    this.#tell(`${this.principal} is welcomed`);
    attempt.welcomed = 'yes';
    this.sessionId = sessionId;
    const token: string = payload.resume_token;
    this.tokens = [token, ...this.tokens.filter((one) => one !== token)];
  }

  #refused(attempt: Attempt, { payload: { code, details } }: Frame): void {
    this.#tell(`${this.principal} is refused ${code} ${details?.reason ?? ''}`);
    if (attempt.welcomed === 'yes' || code !== 'RESUME_WINDOW_EXPIRED') return;
    if (details?.reason === 'expired') this.fate = 'refused';
    // What is gone is gone: it goes on from what is left, unless that has changed in the meantime.
    if (details?.reason === 'trimmed') this.#goneSeq = details.oldest_seq - 1;
    else if (details?.reason === 'ahead') this.#goneSeq = 0;
  }

  #numbered(frame: Frame, seq: number): void {
    this.newestSeq = Math.max(this.newestSeq, seq);
    if (frame.type !== 'job.event') this.ended.add(String(frame.job_id));
  }
}
