import { isoTime } from '../clock.ts';
import type { Settings } from '../options.ts';
import type { Session } from '../session.ts';
import type { JobHistory } from '../watching/history.ts';
import { envelopeText, frameHead, frameTail } from '../wire/frame-text.ts';
import type { EventBodies, JobErrorPayload, SequencedType } from '../wire/messages.ts';

export interface JobFramesOptions {
  id: string;
  session: Session;
  traceId: string | undefined;
  history: JobHistory;
  settings: Settings;
}

/** What the runtime says in a status to the submitting session alone: by it, it is known among the frames of a log. */
export const notePhases: ReadonlySet<unknown> = new Set(['back_pressure', 'credential_rotated']);

/** What is written of one job besides its agent's events: into its session's log, and its history. */
export class JobFrames {
  /** What every frame of the job has in its envelope, as JSON members: written once. */
  readonly envelope: string;
  readonly #options: JobFramesOptions;

  constructor(options: JobFramesOptions) {
    const { session, id, traceId } = options;
    this.#options = options;
    const trace_id = traceId === undefined ? undefined : session.dialect.trace(traceId);
    this.envelope = envelopeText({ session_id: session.id, job_id: id, trace_id });
  }

  /** A terminal: told in the session's dialect (§10), kept for others without one. */
  terminal(type: SequencedType, { told, plain }: { told: string; plain: string }): void {
    const [head, tail] = [frameHead(type, this.envelope), frameTail(told)];
    const { session, history, settings } = this.#options;
    settings.tally.jobEvents += 1;
    const eventSeq = session.log.append(head, tail);
    const { newestText } = session.log;
    const isPlain = told === plain && newestText !== undefined;
    history.add(eventSeq, isPlain ? newestText : `${head}${eventSeq}${frameTail(plain)}`);
  }

  /** A terminal that only those who subscribed are told. */
  untoldTerminal(payload: JobErrorPayload): void {
    this.#options.history.addLeftOut(`${frameHead('job.error', this.envelope)}0${frameTail(JSON.stringify(payload))}`);
  }

  /** An event that the session was told in a dialect of its own, as others are told it: the number means nothing. */
  plainEvent({ kind, ts, body }: { kind: string; ts: string; body: string | undefined }): string {
    const payload = `{"kind":"${kind}","ts":"${ts}","body":${body}}`;
    return `${frameHead('job.event', this.envelope)}0${frameTail(payload)}`;
  }

  /**
   * A status of the runtime's to the submitting session alone, in its place in the job's stream. What is `disclosed` of it is
   * given to the session's own connection, and kept nowhere (§9.8.2).
   */
  note(body: EventBodies['status'] | object, disclosed?: object): void {
    const { session, history, settings } = this.#options;
    const head = frameHead('job.event', this.envelope);
    const ts = this.#now();
    const tail = (status: object) =>
      frameTail(JSON.stringify({ kind: 'status', ts, body: session.dialect.event('status', status) }));
    if (disclosed) {
      const whole = tail({ ...body, ...disclosed });
      session.disclose((eventSeq) => `${head}${eventSeq}${whole}`);
    }
    settings.tally.jobEvents += 1;
    history.passed(session.log.append(head, tail(body)));
  }

  #now(): string {
    return isoTime(this.#options.settings.clock.now());
  }
}
