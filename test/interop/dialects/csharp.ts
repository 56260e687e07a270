import { monotonicFactory } from 'ulid';
import { SdkClient } from './sdk-client.ts';
import { filled, instant, listOf, maybe, nullable, numbers, peer, text, whole, yesOrNo } from './shape.ts';

const ulid = monotonicFactory();

/** Has a time on its envelopes; reads `detail`, a text; any `session.error` is everybody's. */
export class CSharpClient extends SdkClient {
  protected newId = () => `msg_${ulid()}`;
  protected envelope = {
    arcp: text,
    type: filled,
    session_id: maybe(text),
    job_id: maybe(text),
    event_seq: maybe(whole),
  };
  readonly #error = { code: text, message: text, retryable: yesOrNo, detail: nullable(text) };
  protected reads = {
    'session.welcome': { runtime: peer, resume_token: text, capabilities: { features: listOf(text) } },
    'session.error': this.#error,
    'job.accepted': { job_id: text, agent: text, budget: maybe(numbers), accepted_at: instant },
    'job.event': { kind: text, ts: instant },
    'job.result': { final_status: text, result_size: maybe(whole) },
    'job.error': this.#error,
    'job.subscribed': { job_id: text, current_status: text, agent: text, replayed: yesOrNo },
  };

  protected override extra(): object {
    return { timestamp: new Date().toISOString() };
  }

  protected override refusedHello(): void {
    // It waits for the welcome; what tells it otherwise is the end of the socket.
  }
}
