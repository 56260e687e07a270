import { monotonicFactory } from 'ulid';
import type { Frame } from '../../support/peer.ts';
import { SdkClient, SdkError } from './sdk-client.ts';
import {
  agents,
  anything,
  bareTrace,
  codes,
  filled,
  lease,
  listOf,
  maybe,
  nullable,
  number,
  numbers,
  oneOf,
  peer,
  record,
  statuses,
  text,
  whole,
  yesOrNo,
} from './shape.ts';

const ulid = monotonicFactory();

/** Any `session.error`, and a `job.error` of a job it does not know, end more than the request they answer. */
export class TypeScriptClient extends SdkClient {
  protected newId = () => `msg_${ulid()}`;
  protected envelope = {
    arcp: oneOf('1.1'),
    id: filled,
    type: filled,
    session_id: filled,
    job_id: maybe(text),
    trace_id: maybe(bareTrace),
    event_seq: maybe(whole),
  };
  readonly #credential = {
    ...{ id: filled, scheme: oneOf('bearer'), value: filled, endpoint: filled, profile: maybe(filled) },
    constraints: maybe({
      expires_at: maybe(filled),
      allowed_models: maybe(listOf(filled)),
      max_spend: maybe({ currency: filled, amount: number }),
    }),
  };
  readonly #error = { code: codes, message: filled, retryable: yesOrNo, details: maybe(record) };
  protected reads = {
    'session.welcome': {
      runtime: peer,
      resume_token: filled,
      resume_window_sec: whole,
      heartbeat_interval_sec: maybe(whole),
      capabilities: { encodings: maybe(listOf(text)), features: maybe(listOf(text)), agents },
    },
    'session.error': this.#error,
    'session.ping': { nonce: filled, sent_at: filled },
    'job.accepted': {
      job_id: filled,
      agent: maybe(filled),
      lease,
      lease_constraints: maybe({ expires_at: maybe(filled) }),
      budget: maybe(numbers),
      credentials: maybe(listOf(this.#credential)),
      accepted_at: filled,
      trace_id: maybe(text),
    },
    'job.event': { kind: filled, ts: filled, body: anything },
    'job.result': {
      final_status: oneOf('success'),
      summary: maybe(text),
      result_id: maybe(filled),
      result_size: maybe(whole),
    },
    'job.error': { ...this.#error, final_status: oneOf('error', 'cancelled', 'timed_out') },
    'session.jobs': {
      request_id: filled,
      jobs: anything,
      next_cursor: (value: unknown) => value === null || typeof value === 'string',
    },
    'job.subscribed': {
      job_id: filled,
      current_status: statuses,
      agent: filled,
      lease,
      parent_job_id: nullable(text),
      trace_id: maybe(text),
      subscribed_from: whole,
      replayed: yesOrNo,
    },
  };

  protected override jobError(frame: Frame): void {
    const error = new SdkError(frame.payload);
    const job = this.jobs.get(frame.job_id ?? '');
    this.jobs.delete(frame.job_id ?? '');
    if (job) job.end.reject(error);
    else this.pending.shift()?.accepted.reject(error);
  }
}
