import { monotonicFactory } from 'ulid';
import type { Frame } from '../../support/peer.ts';
import { SdkClient, type Ticket } from './sdk-client.ts';
import { bareTrace, lease, listOf, maybe, oneOf, record, text, texts, whole } from './shape.ts';

const ulid = monotonicFactory();

/** Stops reading at a frame it cannot read; lists no agents of its own, but says so. */
export class PythonClient extends SdkClient {
  protected newId: () => string = ulid;
  protected envelope = {
    arcp: oneOf('1.1'),
    id: (id: unknown) => /^([a-z]+_)?[0-9A-HJKMNP-TV-Z]{26}$/.test(String(id)),
    trace_id: maybe(bareTrace),
    event_seq: maybe(whole),
    payload: record,
  };
  protected reads = {
    'session.welcome': {
      session_id: text,
      runtime: { name: text, version: text },
      resume_token: text,
      resume_window_sec: whole,
    },
    'session.ping': { nonce: text, sent_at: text },
    'job.accepted': {
      job_id: text,
      agent: text,
      accepted_at: text,
      lease,
      budget: maybe(texts),
      request_id: maybe(text),
    },
    'job.result': {
      final_status: oneOf('success', 'cancelled', 'timed_out'),
      result_size: maybe(whole),
      completed_at: text,
    },
    'session.jobs': { request_id: text, jobs: listOf({ job_id: text, agent: text, status: text, submitted_at: text }) },
    'job.subscribed': {
      request_id: text,
      job_id: text,
      current_status: text,
      agent: text,
      lease,
      subscribed_from: whole,
    },
  };

  protected override hello(ticket: Ticket | undefined): object {
    return { ...super.hello(ticket), capabilities: { encodings: ['json'], features: this.features, agents: [] } };
  }

  protected override accepted(frame: Frame): void {
    const index = this.pending.findIndex(({ id }) => id === frame.payload.request_id);
    this.begin(this.pending.splice(Math.max(0, index), 1)[0], frame);
  }

  protected override jobError(frame: Frame): void {
    // Read only where it is a job's of its own: then any other status ends its reading for good.
    const { final_status: status } = frame.payload;
    if (this.jobs.has(frame.job_id ?? '') && status !== 'error')
      this.unread.push(`job.error: final_status is ${status}`);
    super.jobError(frame);
  }

  override close(): void {
    this.send('session.close', { reason: 'client.close' });
  }
}
