import type { Connection } from '../connections/connection.ts';
import { fingerprint, scoped } from '../jobs/idempotency.ts';
import type { Job } from '../jobs/job.ts';
import type { Session } from '../session.ts';
import { ArcpError } from '../wire/errors.ts';
import type { ClientFrameOf, SubmitPayload } from '../wire/messages.ts';
import type { Credentials } from './credentials.ts';

/** What a submit does around the issue of its credentials, told by who knows jobs. */
export interface Submission {
  connection: Connection;
  frame: ClientFrameOf<'job.submit'>;
  /** Answers it as the repeat of one that was accepted; false where it is none. */
  repeat(): boolean;
  /** What is refused is thrown. */
  admit(): Job;
  /** The job has its credentials. */
  begin(job: Job): void;
}

interface Pending {
  parameters: Buffer;
  /** Resolves with what refused it; with nothing where it became a job, or its connection went. */
  refused: Promise<ArcpError | undefined>;
}

/** Submits whose credentials are being issued (§9.8): nothing is there yet of the job, and its connection waits. */
export class Issuing {
  readonly #credentials: Credentials;
  readonly #issues = new Map<Job, Pending['refused']>();
  /** By principal and idempotency key, so that of equal submits one alone is issued for (§7). */
  readonly #pendingByKey = new Map<string, Pending>();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Jobs of this session that may be about to begin. */
  countOf(session: Session): number {
    return [...this.#issues.keys()].filter((job) => job.session === session).length;
  }

  /** Resolves when nothing is being issued any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#issues.values());
  }

  /** Issues, then begins the job; a submit equal to one that is being issued for waits for what becomes of that. */
  async submit(submission: Submission): Promise<void> {
    const { connection, frame } = submission;
    const { session } = connection;
    const keyed = keyOf(session.principal, frame.payload);
    for (let other = this.#pendingOf(keyed); other; other = this.#pendingOf(keyed)) {
      const refused = await other.refused;
      if (session.connection !== connection) return;
      if (refused && keyed?.parameters.equals(other.parameters)) throw refused;
    }
    if (submission.repeat()) return;
    const job = submission.admit();
    const refused = this.#issue(job, submission).finally(() => {
      this.#issues.delete(job);
      if (keyed) this.#pendingByKey.delete(keyed.key);
    });
    this.#issues.set(job, refused);
    if (keyed) this.#pendingByKey.set(keyed.key, { parameters: keyed.parameters, refused });
    const refusal = await refused;
    if (refusal) throw refusal;
  }

  #pendingOf(keyed: { key: string } | undefined): Pending | undefined {
    return keyed && this.#pendingByKey.get(keyed.key);
  }

  async #issue(job: Job, { connection, begin }: Submission): Promise<ArcpError | undefined> {
    try {
      job.takeCredentials(await this.#credentials.issue(job));
    } catch (error) {
      if (error instanceof ArcpError) return error;
      throw error;
    }
    // Who asked is not there to be told: it may ask again, and must not find two.
    if (connection.session.connection !== connection) void this.#credentials.revoke(job);
    else begin(job);
    return undefined;
  }
}

function keyOf(principal: string, payload: SubmitPayload): { key: string; parameters: Buffer } | undefined {
  if (payload.idempotency_key === undefined) return undefined;
  return { key: scoped(principal, payload), parameters: fingerprint(payload) };
}
