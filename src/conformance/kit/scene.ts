import { dial } from '../../transports/dial.ts';
import { type KitFrame, Peer } from './peer.ts';
import { type Profile, type ResumeSpelling, resumeFrame } from './profiles.ts';
import { Broken, must } from './requirement.ts';
import { Transcript } from './transcript.ts';

/** A runtime under test, and what is known of it. */
export interface Subject {
  url: string;
  token: string;
  secondToken: string | undefined;
  profile: Profile;
  /** An agent that returns its input. */
  echo: string | undefined;
  /** An agent that emits events for some seconds. */
  slow: { name: string; input: unknown } | undefined;
  /** How long to wait for what has to come. */
  patienceMs: number;
  windowSec: number;
  heartbeatSec: number | undefined;
  /** What it negotiates of all there is. */
  features: ReadonlySet<string>;
  /** The shortest frame, of those tried, that ends its connection, in bytes; undefined where none does. */
  frameBytesTooBig: number | undefined;
  /** A binary frame ends its connection. */
  refusesBinary: boolean;
}

export const everyFeature = [
  'heartbeat',
  'ack',
  'list_jobs',
  'subscribe',
  'progress',
  'result_chunk',
  'agent_versions',
] as const;

/** A session that was welcomed, as its client holds it. */
export interface Held {
  peer: Peer;
  welcome: KitFrame;
  id: string;
  token: string;
}

export interface Resume {
  cursor?: unknown;
  as?: 'own' | 'another' | 'nobody';
  sessionId?: string;
  spelling?: ResumeSpelling;
  /** A connection that is open already. */
  on?: Peer;
}

/** Where one check is played: its connections, and the transcript of them all. */
export class Scene {
  readonly subject: Subject;
  readonly transcript = new Transcript();
  readonly #peers: Peer[] = [];

  constructor(subject: Subject) {
    this.subject = subject;
    this.transcript.hide(subject.token, 'tok_…');
    this.transcript.hide(subject.secondToken ?? '', 'tok_…(second)');
  }

  async connect(headers?: Record<string, string>): Promise<Peer> {
    const { url, patienceMs, profile } = this.subject;
    const number = this.#peers.length + 1;
    const guessesAnswers = profile.correlation === 'order';
    const options = { number, transcript: this.transcript, patienceMs, guessesAnswers };
    const peer = new Peer(await dial(url, { headers }), options);
    this.transcript.note(number, 'connected');
    this.#peers.push(peer);
    return peer;
  }

  /** What a first frame says beside what it wants. */
  greeting(as: 'own' | 'another' | 'nobody' = 'own', features: readonly string[] = everyFeature): object {
    const { token, secondToken } = this.subject;
    const client = { name: 'arcp-conformance', version: '1' };
    const capabilities = { encodings: ['json'], features: [...features] };
    const auth = { scheme: 'bearer', token: as === 'own' ? token : secondToken };
    return { client, ...(as === 'nobody' ? {} : { auth }), capabilities };
  }

  /** A new session. */
  async open(as: 'own' | 'another' = 'own', features: readonly string[] = everyFeature): Promise<Held> {
    const peer = await this.connect();
    const welcome = await peer.ask('session.hello', this.greeting(as, features));
    return held(peer, welcome, 'a hello with a good token');
  }

  /** Asks to resume; the answer may be a refusal. */
  async tryResume(token: string, resume: Resume = {}): Promise<{ peer: Peer; answer: KitFrame }> {
    const { spelling = this.subject.profile.resume, as = 'own', cursor, sessionId, on } = resume;
    const peer = on ?? (await this.connect());
    const greeting = this.greeting(as);
    const { type, payload } = resumeFrame(spelling, { token, cursor, sessionId, greeting });
    return { peer, answer: await peer.ask(type, payload) };
  }

  /** Resumes, and has to be welcomed to the same session. */
  async resume(session: Held, cursor: number, resume: Resume = {}): Promise<Held> {
    const { peer, answer } = await this.tryResume(session.token, { cursor, ...resume });
    const again = held(peer, answer, `a resume at ${cursor} with a good token`);
    must(again.id === session.id, `the resume of ${session.id} was welcomed to another session, ${again.id}`);
    return again;
  }

  async submit(peer: Peer, request: { agent: string; input: unknown }): Promise<string> {
    const accepted = await peer.ask('job.submit', request);
    must(accepted.type === 'job.accepted', `a submit for ${request.agent} was answered with ${told(accepted)}`);
    return String(accepted.payload.job_id ?? accepted.job_id);
  }

  submitSlow(peer: Peer, more: object = {}): Promise<string> {
    const { slow } = this.subject;
    return this.submit(peer, { agent: slow?.name ?? '', input: slow?.input, ...more });
  }

  submitEcho(peer: Peer, input: unknown, more: object = {}): Promise<string> {
    return this.submit(peer, { agent: this.subject.echo ?? '', input, ...more });
  }

  /** Lets go of what the check has left open, jobs included where the runtime cancels them at a goodbye. */
  async end(): Promise<void> {
    const { bye } = this.subject.profile;
    for (const peer of this.#peers) {
      if (peer.endCode !== undefined) continue;
      const isWelcome = peer.frames.some(({ type }) => type === 'session.welcome');
      if (isWelcome && bye) await peer.ask(bye).catch(() => {});
      peer.drop();
    }
  }
}

function held(peer: Peer, welcome: KitFrame, request: string): Held {
  must(welcome.type === 'session.welcome', `${request} was answered with ${told(welcome)}`);
  const { session_id = welcome.session_id, resume_token } = welcome.payload;
  if (typeof session_id !== 'string' || typeof resume_token !== 'string') {
    throw new Broken(`the welcome to ${request} has no session_id and resume_token`);
  }
  return { peer, welcome, id: session_id, token: resume_token };
}

/** A frame in few words. */
export function told({ type, payload }: KitFrame): string {
  const { code, message } = payload;
  return code === undefined ? type : `${type} ${String(code)} (${String(message)})`;
}

/** The answer has to be a refusal with one of these codes. */
export function refused(answer: KitFrame, codes: string | readonly string[], what: string): void {
  const wanted = typeof codes === 'string' ? [codes] : codes;
  const isRefusal = answer.type === 'session.error' || answer.type === 'job.error';
  must(
    isRefusal && wanted.includes(String(answer.payload.code)),
    `${what} has to be refused with ${wanted.join(' or ')}; it was answered with ${told(answer)}`,
  );
}

/** What came on these connections, one after the other, has to be 1..n without gap or repeat. */
export function mustBeWhole(seqs: readonly number[], what: string, first = 1): void {
  for (const [index, seq] of seqs.entries()) {
    const due = first + index;
    if (seq === due) continue;
    const fault = seq > due ? `event_seq ${due} is missing` : `event_seq ${seq} came twice or out of order`;
    throw new Broken(`${what}: ${fault}; the numbers were ${ranges(seqs)}`);
  }
}

/** 1..4, 6..9 */
function ranges(seqs: readonly number[]): string {
  const runs: { from: number; to: number }[] = [];
  for (const seq of seqs) {
    const last = runs.at(-1);
    if (last && seq === last.to + 1) last.to = seq;
    else runs.push({ from: seq, to: seq });
  }
  return runs.map(({ from, to }) => (from === to ? `${from}` : `${from}..${to}`)).join(', ') || 'none';
}
