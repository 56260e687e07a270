import { randomBytes } from 'node:crypto';
import type { Frame } from '../../support/peer.ts';
import { SdkClient, SdkError } from './sdk-client.ts';
import { filled, instant, listOf, maybe, nullable, numbers, oneOf, record, text, whole, yesOrNo } from './shape.ts';

/** Finds by `request_id` the request that an error answers; counts progress in whole numbers; reads `output`. */
export class GoClient extends SdkClient {
  protected newId = uuid7;
  protected envelope = { arcp: oneOf('1.1'), id: filled, type: filled, event_seq: maybe(whole), trace_id: maybe(text) };
  readonly #error = { code: text, message: maybe(text), retryable: yesOrNo, details: nullable(record) };
  protected reads = {
    'session.welcome': {
      runtime: { name: text },
      resume_window_sec: maybe(whole),
      heartbeat_interval_sec: maybe(whole),
    },
    'session.error': { ...this.#error, request_id: maybe(text), job_id: maybe(text) },
    'job.accepted': { job_id: filled, budget: maybe(numbers), accepted_at: instant },
    'job.event': { kind: filled, ts: instant, body: (body: unknown) => isGoBody(body) },
    'job.result': { final_status: text, result_size: maybe(whole) },
    'job.error': this.#error,
    'session.jobs': { jobs: listOf({ job_id: text, agent: text, status: text, created_at: instant }) },
    'job.subscribed': { job_id: text, current_status: text, agent: text, subscribed_from: whole, replayed: yesOrNo },
  };

  /** An acceptance of a job that it has already is that job's: the submit that it answers waits on. */
  protected override accepted(frame: Frame): void {
    if (!this.jobs.has(String(frame.payload.job_id))) super.accepted(frame);
  }

  protected override sessionError({ payload, job_id: jobId }: Frame): void {
    const error = new SdkError(payload);
    const index = this.pending.findIndex(({ id }) => id === payload.request_id);
    const [refused] = index < 0 ? [] : this.pending.splice(index, 1);
    if (refused) refused.accepted.reject(error);
    else if (this.jobs.has(payload.job_id ?? jobId)) this.jobs.get(payload.job_id ?? jobId)?.end.reject(error);
    else if (['UNAUTHENTICATED', 'HEARTBEAT_LOST'].includes(payload.code)) this.failAll(error);
  }

  protected override resultOf(frame: Frame): unknown {
    return frame.payload.output;
  }

  override close(): void {
    this.send('session.close', { reason: 'client close' });
  }
}

/** A body that Go's own types can hold, where it is progress: unsigned whole numbers. */
function isGoBody(body: unknown): boolean {
  const members = new Map<string, unknown>(Object.entries(Object(body)));
  const isCount = (value: unknown) => value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0);
  return !members.has('current') || (isCount(members.get('current')) && isCount(members.get('total')));
}

function uuid7(): string {
  const hex = randomBytes(16).toString('hex');
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-8${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
}
