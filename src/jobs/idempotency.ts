import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { ExpiringMap } from '../expiring-map.ts';
import type { Ledger } from '../records/ledger.ts';
import { type KeyRecord, withoutSecrets } from '../records/records.ts';
import { ArcpError } from '../wire/errors.ts';
import type { AcceptedPayload, SubmitPayload } from '../wire/messages.ts';

const keepMs = 24 * 3600 * 1000;
const keysMax = 100_000;

interface Kept {
  parameters: Buffer;
  accepted: AcceptedPayload;
}

/** Submits by their idempotency key, scoped to the principal, for 24 hours: longer than a job is remembered (§7). */
export class IdempotencyKeys {
  readonly #kept: ExpiringMap<string, Kept>;
  readonly #ledger: Ledger;

  constructor(clock: Clock, ledger: Ledger) {
    this.#ledger = ledger;
    this.#kept = new ExpiringMap({ clock, keepMs, entriesMax: keysMax, gone: (id) => ledger.delete('key', id) });
  }

  /** What an equal submit was answered with; `DUPLICATE_KEY` where the key was used for another. */
  recall(principal: string, submit: SubmitPayload): AcceptedPayload | undefined {
    const kept = this.#kept.get(scoped(principal, submit));
    if (!kept) return undefined;
    if (kept.parameters.equals(fingerprint(submit))) return kept.accepted;
    throw new ArcpError('DUPLICATE_KEY', 'this idempotency key was used with other parameters', {
      existing_job_id: kept.accepted.job_id,
    });
  }

  remember(principal: string, submit: SubmitPayload, accepted: AcceptedPayload): void {
    const id = scoped(principal, submit);
    const parameters = fingerprint(submit);
    this.#kept.set(id, { parameters, accepted });
    const untilMs = this.#ledger.nowMs() + keepMs;
    this.#ledger.put('key', id, {
      parameters: parameters.toString('base64'),
      accepted: withoutSecrets(accepted),
      untilMs,
    });
  }

  /** What an earlier process has answered. */
  restore(id: string, { parameters, accepted, untilMs }: KeyRecord): void {
    this.#kept.set(id, { parameters: Buffer.from(parameters, 'base64'), accepted }, untilMs - this.#ledger.nowMs());
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** Principals and keys are any text: JSON keeps one pair from being read as another. A store's ids are short: so a digest. */
export function scoped(principal: string, submit: SubmitPayload): string {
  return createHash('sha256')
    .update(JSON.stringify([principal, submit.idempotency_key]))
    .digest('base64url');
}

/** The parameters' digest, the order of keys irrelevant. */
export function fingerprint(submit: SubmitPayload): Buffer {
  const { agent, input, lease_request, lease_constraints, max_runtime_sec } = submit;
  const parameters = { agent, input, lease_request, lease_constraints, max_runtime_sec };
  return createHash('sha256').update(canonical(parameters)).digest();
}

function canonical(parameters: object): string {
  return JSON.stringify(parameters, (_key, value) => (isObject(value) ? sorted(value) : value));
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
