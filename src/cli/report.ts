import type { ArcpError, Job, JobEvent } from '../client.ts';
import type { SubscribedPayload } from '../wire/listing-messages.ts';
import type { EventBodies } from '../wire/messages.ts';
import { type Display, lines, progressBar } from './display.ts';
import { oneLine, textOf } from './event-text.ts';

/** A job, whoever submitted it. */
type AnyJob = Pick<Job, 'id'>;

/** How `submit` and `watch` tell of a job. */
export interface Report {
  accepted(job: Job): Promise<void>;
  /** A job is watched from here on, and not before. */
  watched(told: SubscribedPayload): Promise<void>;
  /** The job runs on, and nobody here will see it. */
  detached(job: Job): Promise<void>;
  event(event: JobEvent): Promise<void>;
  succeeded(job: AnyJob, result: unknown): Promise<void>;
  failed(job: AnyJob, error: ArcpError): Promise<void>;
  refused(error: ArcpError): Promise<void>;
  /** Something about us, not about the job. */
  note(line: string): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** JSON lines on stdout; else the result on stdout, and the rest for a person on stderr. */
export function reportFor({ json }: { json: boolean }): Report {
  return json
    ? new JsonReport()
    : new TextReport(process.stderr.isTTY ? progressBar(process.stderr) : lines(process.stderr));
}

/** The protocol's own words, one frame's content a line. */
class JsonReport implements Report {
  async accepted({ id: job_id, accepted }: Job): Promise<void> {
    await this.#line({
      type: 'job.accepted',
      job_id,
      agent: accepted?.agent,
      accepted_at: accepted?.accepted_at,
    });
  }

  async watched({ job_id, agent, current_status, subscribed_from, history_from }: SubscribedPayload): Promise<void> {
    await this.#line({ type: 'job.subscribed', job_id, agent, current_status, subscribed_from, history_from });
  }

  async detached(): Promise<void> {}

  async event({ jobId: job_id, seq: event_seq, ...content }: JobEvent): Promise<void> {
    await this.#line({ type: 'job.event', job_id, event_seq, ...content });
  }

  /** A streamed result was told in its chunks; `undefined` keeps it from being told again. */
  async succeeded({ id: job_id }: AnyJob, result: unknown): Promise<void> {
    await this.#line({
      type: 'job.result',
      job_id,
      final_status: 'success',
      result,
    });
  }

  async failed({ id: job_id }: AnyJob, error: ArcpError): Promise<void> {
    await this.#line({
      type: 'job.error',
      job_id,
      final_status: statusByCode.get(error.code) ?? 'error',
      ...error.toPayload(),
    });
  }

  async refused(error: ArcpError): Promise<void> {
    await this.#line({ type: 'session.error', ...error.toPayload() });
  }

  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  close(): void {}

  #line(fields: object): Promise<void> {
    return write(`${JSON.stringify(fields)}\n`);
  }
}

const statusByCode = new Map<string, string>([
  ['CANCELLED', 'cancelled'],
  ['TIMEOUT', 'timed_out'],
]);

class TextReport implements Report {
  readonly #display: Display;
  #lastChunk: string | Uint8Array = '\n';

  constructor(display: Display) {
    this.#display = display;
  }

  async accepted(job: Job): Promise<void> {
    this.note(`${job.id} accepted by ${job.agent}`);
  }

  async watched({ job_id, agent, current_status }: SubscribedPayload): Promise<void> {
    this.note(`${job_id} of ${agent}, ${current_status}`);
  }

  async detached(job: Job): Promise<void> {
    await write(`${job.id}\n`);
  }

  async event(event: JobEvent): Promise<void> {
    if (event.kind === 'result_chunk') return this.#chunk(event.body);
    if (event.kind === 'progress') this.#display.progress(event.body);
    else this.#display.line(oneLine(textOf(event)));
  }

  async succeeded(_job: AnyJob, result: unknown): Promise<void> {
    this.#display.close();
    if (result !== undefined) await write(`${JSON.stringify(result, null, process.stdout.isTTY ? 2 : 0)}\n`);
    else if (process.stdout.isTTY && !endsLine(this.#lastChunk)) await write('\n');
  }

  async failed(): Promise<void> {}

  async refused(): Promise<void> {}

  note(line: string): void {
    this.#display.line(line);
  }

  close(): void {
    this.#display.close();
  }

  /** A streamed result is written out as it comes, as it is. */
  async #chunk({ data, encoding }: EventBodies['result_chunk']): Promise<void> {
    this.#display.close();
    const chunk = encoding === 'base64' ? Buffer.from(data, 'base64') : data;
    if (chunk.length === 0) return;
    this.#lastChunk = chunk;
    await write(chunk);
  }
}

function endsLine(chunk: string | Uint8Array): boolean {
  return typeof chunk === 'string' ? chunk.endsWith('\n') : chunk.at(-1) === 0x0a;
}

/** Resolves when stdout has taken it: whoever reads slowly slows the job's events, not our memory. */
function write(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(data, () => resolve()));
}
