import { monotonicFactory } from 'ulid';
import type { Frame } from '../../support/peer.ts';
import { SdkClient, SdkError, type Ticket } from './sdk-client.ts';
import { agents, filled, instant, lease, listOf, maybe, peer, record, text, whole, yesOrNo } from './shape.ts';

const ulid = monotonicFactory();

/** Has no `session.error`; a `job.error` without a job is its request's by the id, and the hello's before the welcome. */
export class JavaClient extends SdkClient {
  protected override readonly beforeFirst = -1;
  protected newId: () => string = ulid;
  protected envelope = { arcp: text, id: filled, type: filled, payload: record };
  protected reads = {
    'session.welcome': { runtime: peer, resume_window_sec: maybe(whole), capabilities: { agents } },
    'job.accepted': { job_id: filled, agent: text, lease, accepted_at: instant },
    'job.event': { kind: text, ts: instant, body: record },
    'job.result': { final_status: text, result_size: maybe(whole) },
    'job.error': { final_status: text, code: text, message: text },
    'session.jobs': { request_id: filled, jobs: listOf({ job_id: filled, created_at: instant, lease }) },
    'job.subscribed': { job_id: filled, current_status: text, agent: text, subscribed_from: whole, replayed: yesOrNo },
  };

  protected override hello(ticket: Ticket | undefined): object {
    const flat = ticket && { resume_token: ticket.resume_token, last_event_seq: ticket.last_event_seq };
    return { ...super.hello(undefined), ...flat };
  }

  protected override refusedHello(): void {}
  protected override sessionError(): void {}

  protected override jobError(frame: Frame): void {
    const error = new SdkError(frame.payload);
    if (frame.job_id !== undefined) this.jobs.get(frame.job_id)?.end.reject(error);
    else if (this.welcome === undefined) super.refusedHello(error);
    else this.#refused(frame.id)?.accepted.reject(error);
  }

  /** Its constraints are a record that is written with the name of its field beside that of the protocol. */
  override submit(agent: string, payload: { lease_constraints?: { expires_at: string } } = {}, trace?: string) {
    const { lease_constraints: constraints } = payload;
    if (!constraints) return super.submit(agent, payload, trace);
    const doubled = { ...constraints, expiresAt: constraints.expires_at };
    return super.submit(agent, { ...payload, lease_constraints: doubled }, trace);
  }

  #refused(id: string) {
    const index = this.pending.findIndex((submit) => submit.id === id);
    return index < 0 ? undefined : this.pending.splice(index, 1)[0];
  }

  override close(): void {
    this.send('session.close', { reason: 'client close' });
  }
}
