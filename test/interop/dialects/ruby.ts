import { monotonicFactory } from 'ulid';
import type { Frame } from '../../support/peer.ts';
import { tokens } from '../../support/runtime.ts';
import { SdkClient, SdkError, type Ticket } from './sdk-client.ts';
import { bareTrace, listOf, maybe, nullable, oneOf, record, text, whole } from './shape.ts';

const ulid = monotonicFactory();

/** Says its name flat, and an id of its own; finds requests by `reply_to`, and reads a lease that has an id. */
export class RubyClient extends SdkClient {
  protected newId = () => `env_${ulid()}`;
  protected envelope = {
    arcp: oneOf('1.1'),
    id: text,
    type: text,
    session_id: text,
    trace_id: nullable(bareTrace),
    event_seq: maybe(whole),
  };
  protected reads = {
    'session.welcome': { runtime_name: text, runtime_version: text, resume_token: text },
    'job.accepted': { job_id: text, agent: text, lease: { id: text, capabilities: listOf(text), issued_at: text } },
    'job.event': { kind: text, body: record },
    'job.result': { job_id: text, final_status: text },
    'job.error': { job_id: text, final_status: text, code: text },
    'session.jobs': { jobs: listOf({ job_id: text, agent: text, status: text }) },
  };

  protected override extra(): object {
    return this.welcome === undefined
      ? { session_id: `ses_${ulid()}` }
      : { trace_id: '0af7651916cd43dd8448eb211c80319c' };
  }

  protected override hello(ticket: Ticket | undefined): object {
    return {
      client_name: 'arcp-ruby',
      client_version: '1.0.0',
      auth: { scheme: 'bearer', token: tokens.alice },
      capabilities: { encodings: ['json'], features: this.features },
      ...(ticket === undefined ? {} : { resume: ticket }),
    };
  }

  protected override sessionError(frame: Frame): void {
    this.#answered(frame)?.accepted.reject(new SdkError(frame.payload));
  }

  protected override accepted(frame: Frame): void {
    this.begin(this.#answered(frame), frame);
  }

  #answered({ payload }: Frame) {
    const index = this.pending.findIndex(({ id }) => id === payload.reply_to);
    return index < 0 ? undefined : this.pending.splice(index, 1)[0];
  }
}
