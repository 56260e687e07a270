import { monotonicFactory } from 'ulid';
import type { Frame } from '../../support/peer.ts';
import { SdkClient, SdkError } from './sdk-client.ts';
import {
  agents,
  fault,
  filled,
  instant,
  lease,
  listOf,
  maybe,
  numbers,
  peer,
  record,
  statuses,
  text,
  whole,
  yesOrNo,
} from './shape.ts';

const ulid = monotonicFactory();

/** The first frame with the request's id is its answer, whatever its type; a refused submit is a `job.error`. */
export class FSharpClient extends SdkClient {
  protected newId: () => string = ulid;
  protected envelope = { arcp: text, id: filled, type: filled, payload: record };
  protected reads = {
    'session.welcome': { runtime: peer, resume_token: text, resume_window_sec: whole, capabilities: { agents } },
    'session.error': { code: text, message: text, retryable: yesOrNo },
    'job.accepted': { job_id: text, lease, budget: maybe(numbers), accepted_at: instant },
    'job.event': { kind: text, ts: instant, body: (body: unknown) => isBody(body) },
    'job.result': { final_status: statuses, result_size: maybe(whole) },
    'job.error': { final_status: statuses, code: text, message: text, retryable: yesOrNo },
    'session.jobs': {
      request_id: text,
      jobs: listOf({ job_id: text, agent: text, status: statuses, lease, created_at: instant }),
    },
    'job.subscribed': {
      job_id: text,
      current_status: statuses,
      agent: text,
      lease,
      subscribed_from: whole,
      replayed: yesOrNo,
    },
  };

  protected override jobError(frame: Frame): void {
    const index = this.pending.findIndex(({ id }) => id === frame.id);
    const [refused] = index < 0 ? [] : this.pending.splice(index, 1);
    if (refused) refused.accepted.reject(new SdkError(frame.payload));
    else this.jobs.get(frame.job_id ?? '')?.end.reject(new SdkError(frame.payload));
  }

  protected override hello(): object {
    return super.hello(undefined);
  }

  protected override accepted(frame: Frame): void {
    const index = this.pending.findIndex(({ id }) => id === frame.id);
    this.begin(this.pending.splice(index, 1)[0], frame);
  }

  /** Tells every refusal of a hello as one and the same. */
  protected override refusedHello(): void {
    super.refusedHello(new SdkError({ code: 'INVALID_REQUEST' }));
  }

  protected override sessionError(): void {}

  override close(): void {
    this.send('session.close', { reason: 'client close' });
  }
}

/** A `delegate` without its child's id and lease cannot be read. */
function isBody(body: unknown): boolean {
  const members = new Map<string, unknown>(Object.entries(Object(body)));
  return !members.has('delegate_id') || fault(body, { child_job_id: text, lease }) === undefined;
}
