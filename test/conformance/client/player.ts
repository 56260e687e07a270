import { isDeepStrictEqual } from 'node:util';
import type { ClientState, Ticket } from '../../../src/client.ts';
import type { Stage } from '../../client/scripted.ts';
import type { Frame } from '../../support/peer.ts';
import type { ClientAct } from './model.ts';

const features = ['ack', 'progress', 'result_chunk', 'agent_versions'];

/** The runtime that a client speaks to, as far as the walks need one, and what it has to hear of the client. */
export class Player {
  /** The connection, once it is made and until it is lost. */
  stage: Stage | undefined;
  /** What has yet to be answered: the hello, the ping that proves a resume, a submit, a goodbye. */
  hello: Frame | undefined;
  #proof: Frame | undefined;
  #goodbye: Frame | undefined;
  #submit: { frame: Frame | undefined } | undefined;
  /** What the client has to come back with. */
  ticket: Ticket | undefined;
  /** The events it was sent, each once. */
  readonly sent: number[] = [];
  readonly #heartbeatMs: number | undefined;
  #welcomes = 0;
  #faults: string[] = [];

  constructor({ ticket, heartbeatMs }: { ticket: Ticket | undefined; heartbeatMs: number | undefined }) {
    this.ticket = ticket && { ...ticket };
    this.#heartbeatMs = heartbeatMs;
  }

  takeFaults(): string[] {
    return this.#faults.splice(0);
  }

  // What the client has to do.

  /** It says hello; with a session to come back to, it asks for that one, in both spellings. */
  async greeted(): Promise<void> {
    this.hello = await this.#next('session.hello');
    const { resume, resume_token, last_event_seq, auth } = this.hello.payload;
    const wanted = this.ticket && {
      session_id: this.ticket.sessionId,
      resume_token: this.ticket.resumeToken,
      last_event_seq: this.ticket.lastEventSeq,
    };
    this.#same('the resume of the hello', resume, wanted);
    this.#same('the flat resume', [resume_token, last_event_seq], [wanted?.resume_token, wanted?.last_event_seq]);
    this.#same('the credentials', auth, { scheme: 'bearer', token: 'tok-alice' });
  }

  /** Welcomed, it sends again what was not answered; resumed, it shows that it has its new token. */
  async attached(state: ClientState): Promise<void> {
    this.hello = undefined;
    if (this.#submit) {
      const again = await this.#next('job.submit');
      if (this.#submit.frame) this.#same('the submit sent again', again, this.#submit.frame);
      this.#submit.frame = again;
    }
    if (state !== 'resumed') return;
    const { lastEventSeq = 0 } = this.ticket ?? {};
    if (lastEventSeq > 0) {
      const ack = await this.#next('session.ack');
      this.#same('the acknowledgement', ack.payload.last_processed_seq, lastEventSeq);
    }
    this.#proof = await this.#next('session.ping');
  }

  /** A submit comes at once, or with the next connection. */
  async asked(): Promise<void> {
    this.#submit = { frame: await this.stage?.next('job.submit') };
  }

  async takenLeaveOf(by: 'close' | 'bye'): Promise<void> {
    this.#goodbye = await this.#next(({ type }) => type === 'session.close' || type === 'session.bye');
    const { type, payload } = this.#goodbye;
    this.#same('the goodbye', [type, payload.reason], [`session.${by}`, 'enough']);
  }

  /** The connection is no more. */
  leave(): void {
    this.stage = this.hello = this.#proof = undefined;
  }

  // What the runtime does.

  play(act: ClientAct): void {
    const { stage } = this;
    if (!stage) throw new Error(`nobody is connected who could be told: ${act.do}`);
    switch (act.do) {
      case 'welcome':
        return this.#welcome(stage, act.to === 'its session' ? 'sess_1' : 'sess_2');
      case 'refuse':
        return this.#refuse(stage, act.code);
      case 'end':
        return act.code === 1006 ? stage.drop() : stage.end(act.code, 'told to');
      case 'garble':
        return this.#garble(stage, act.how);
      case 'say bye':
        stage.send('session.bye', { reason: 'shutdown', resumable: act.resumable });
        return;
      case 'event':
      case 'event again':
        return this.#event(stage, act.do === 'event' ? 1 : 0);
      case 'warn':
        stage.send('session.error', { code: 'PERMISSION_DENIED', message: 'too many frames', retryable: false });
        return;
      case 'misplace':
        return this.#misplace(stage, act.frame);
      default:
        return this.#answer(stage, act);
    }
  }

  #answer(stage: Stage, act: ClientAct): void {
    const [proof, submit, goodbye] = [this.#proof, this.#submit?.frame, this.#goodbye];
    if (act.do === 'catch up' && proof) {
      stage.answer(proof, 'session.pong', { ping_nonce: proof.payload.nonce, received_at: 'now' });
    } else if (act.do === 'answer' && submit) {
      this.#submit = undefined;
      stage.answer(submit, 'job.accepted', { job_id: 'job_2', agent: 'counter@1.0.0', lease: {}, accepted_at: 'now' });
    } else if (act.do === 'answer the goodbye' && goodbye) stage.answer(goodbye, 'session.closed');
    else throw new Error(`there is nothing to answer: ${act.do}`);
  }

  #welcome(stage: Stage, sessionId: string): void {
    if (!this.hello) throw new Error('nobody has said hello');
    this.#welcomes += 1;
    const resumeToken = `rt_${this.#welcomes}`;
    const beats = this.#heartbeatMs === undefined ? {} : { heartbeat_interval_sec: this.#heartbeatMs / 1000 };
    const negotiated = this.#heartbeatMs === undefined ? features : [...features, 'heartbeat'];
    const capabilities = { encodings: ['json'], features: negotiated, agents: [] };
    stage.welcomeTo(this.hello, { session_id: sessionId, resume_token: resumeToken, ...beats, capabilities });
    if (sessionId === 'sess_1') this.ticket = { lastEventSeq: 0, ...this.ticket, sessionId, resumeToken };
  }

  #refuse(stage: Stage, code: string): void {
    if (!this.hello) throw new Error('nobody has said hello');
    const details = code === 'RESUME_WINDOW_EXPIRED' ? { reason: 'unknown' } : undefined;
    const payload = { code, message: code, retryable: code === 'INTERNAL_ERROR', details };
    stage.answer(this.hello, 'session.error', payload);
  }

  #garble(stage: Stage, how: 'not JSON' | 'no object' | 'binary' | 'a gap'): void {
    if (how === 'binary') stage.bytes(new Uint8Array([1]));
    else if (how === 'a gap') stage.event('job_1', (this.ticket?.lastEventSeq ?? 0) + 2);
    else stage.raw(how === 'not JSON' ? '{"arcp":' : '[]');
  }

  #event(stage: Stage, by: 0 | 1): void {
    if (!this.ticket) throw new Error('there is no session that could have events');
    this.ticket.lastEventSeq += by;
    const { lastEventSeq } = this.ticket;
    if (by > 0) this.sent.push(lastEventSeq);
    stage.event('job_1', lastEventSeq);
  }

  #misplace(stage: Stage, type: string): void {
    const payloads: Record<string, object> = {
      'session.welcome': {
        session_id: 'sess_1',
        resume_token: 'rt_stray',
        resume_window_sec: 60,
        capabilities: { features: [] },
      },
      'session.bye': { reason: 'shutdown', resumable: false },
      'session.pong': { ping_nonce: 'n-1', received_at: 'now' },
    };
    stage.send(type, payloads[type] ?? {});
  }

  #next(wanted: string | ((frame: Frame) => boolean)): Promise<Frame> {
    if (!this.stage) throw new Error('nobody is connected who could be heard');
    return this.stage.next(wanted);
  }

  #same(what: string, seen: unknown, wanted: unknown): void {
    if (isDeepStrictEqual(seen, wanted)) return;
    this.#faults.push(`${what}: expected ${JSON.stringify(wanted)}, saw ${JSON.stringify(seen)}`);
  }
}
