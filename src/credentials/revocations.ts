import type { Settings } from '../options.ts';
import type { Ledger } from '../records/ledger.ts';
import type { Recovered } from '../stores/store.ts';
import { faultOf, type ProvisionerCall } from './provisioner.ts';

/** Credentials that may be live upstream, at most: above it, none is issued. */
const outstandingMax = 100_000;
/** The wait before a revocation is tried again: it doubles from the first to the last. */
const backoffBaseMs = 1000;
const backoffCapMs = 60_000;

interface Outstanding {
  jobId: string;
  revoked: Promise<void> | undefined;
}

/** Every credential that may be live upstream, by id; each is revoked until that succeeds (§9.8.2). */
export class Revocations {
  readonly #settings: Settings;
  readonly #outstanding = new Map<string, Outstanding>();
  readonly #timers = new Set<unknown>();
  /** Ids outlive the process where the store does, so that what it leaves behind is revoked by the next one. */
  readonly #ledger: Ledger;

  constructor(settings: Settings, ledger: Ledger) {
    this.#settings = settings;
    this.#ledger = ledger;
  }

  /** How many may be live upstream, and how many of them ought not to be. */
  count(): { outstanding: number; unrevoked: number } {
    const unrevoked = [...this.#outstanding.values()].filter(({ revoked }) => revoked !== undefined).length;
    return { outstanding: this.#outstanding.size, unrevoked };
  }

  hasRoom(): boolean {
    return this.#outstanding.size < outstandingMax;
  }

  /** A credential of this id may be live from now on. False: it is another job's. */
  expect(id: string, jobId: string): boolean {
    const known = this.#outstanding.get(id);
    if (known) return known.jobId === jobId;
    this.#outstanding.set(id, { jobId, revoked: undefined });
    this.#ledger.put('credential', id, { jobId });
    return true;
  }

  /** Revokes one of a job's, trying until it is done; who asks again meanwhile waits for the same. */
  revoke(id: string, jobId: string): Promise<void> {
    const outstanding = this.expect(id, jobId) ? this.#outstanding.get(id) : undefined;
    if (!outstanding) return Promise.resolve();
    outstanding.revoked ??= this.#revoke(id, jobId);
    return outstanding.revoked;
  }

  /** Revokes one that may have come to life again behind a revocation that is under way. */
  revokeAnew(id: string, jobId: string): Promise<void> {
    const before = this.#outstanding.get(id)?.revoked ?? Promise.resolve();
    return before.then(() => this.revoke(id, jobId));
  }

  /** Takes over what a process before this one has left: it is revoked now. */
  recover({ records }: Recovered): void {
    const { provisioner, log } = this.#settings;
    const left = records.filter(({ kind }) => kind === 'credential');
    const credentialIds = left.map(({ id }) => id);
    if (left.length === 0) return;
    if (!provisioner)
      return log.error({ credentialIds }, 'an earlier process left credentials, and there is no provisioner');
    log.info({ credentialIds }, 'what an earlier process left is revoked');
    for (const { id, body } of left) {
      const { jobId } = JSON.parse(body) as { jobId: string };
      this.#outstanding.set(id, { jobId, revoked: undefined });
      void this.revoke(id, jobId);
    }
  }

  /** Resolves when nothing is being revoked. */
  async settled(): Promise<void> {
    await Promise.all([...this.#outstanding.values()].map(({ revoked }) => revoked));
  }

  /** Gives up, as the process must; whoever runs it learns what is left. */
  close(): void {
    const { clock, log } = this.#settings;
    for (const timer of this.#timers) clock.clearTimeout(timer);
    this.#timers.clear();
    const credentialIds = [...this.#outstanding.keys()];
    if (credentialIds.length > 0) log.error({ credentialIds }, 'credentials are left that were not revoked');
  }

  /**
   * Calls the provisioner, for `provisionerTimeoutSec` at most. `late` is given what comes when nobody waits any more, an
   * error too: it may have done its work before it failed.
   */
  call<Result>(
    run: (call: ProvisionerCall) => Result | PromiseLike<Result>,
    late: (result: unknown) => void,
  ): Promise<Result> {
    const { clock, log, provisionerTimeoutMs } = this.#settings;
    const controller = new AbortController();
    return new Promise((resolve, reject) => {
      const timer = this.#after(provisionerTimeoutMs, () => {
        controller.abort();
        reject(Object.assign(new Error('the provisioner took too long'), { name: 'TimeoutError' }));
      });
      const settled = (result: unknown, deliver: () => void) => {
        this.#timers.delete(timer);
        clock.clearTimeout(timer);
        if (controller.signal.aborted) late(result);
        else deliver();
      };
      // A provisioner that throws at once has failed like any other.
      new Promise<Result>((done) => done(run({ signal: controller.signal })))
        .then(
          (result) => settled(result, () => resolve(result)),
          (error) => settled(error, () => reject(error)),
        )
        .catch((error) => log.error(faultOf(error), 'what a provisioner brought too late is of no use'));
    });
  }

  async #revoke(id: string, jobId: string): Promise<void> {
    const { provisioner, log } = this.#settings;
    for (let waitMs = backoffBaseMs; ; waitMs = Math.min(backoffCapMs, waitMs * 2)) {
      try {
        await this.call(
          (call) => provisioner?.revoke(id, call),
          () => {},
        );
        break;
      } catch (error) {
        const fields = { credentialId: id, jobId, againInMs: waitMs, ...faultOf(error) };
        log.warn(fields, 'a credential could not be revoked; it is tried again');
      }
      await new Promise<void>((resolve) => this.#after(waitMs, resolve));
    }
    this.#outstanding.delete(id);
    this.#ledger.delete('credential', id);
  }

  #after(delayMs: number, callback: () => void): unknown {
    const timer = this.#settings.clock.setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, delayMs);
    this.#timers.add(timer);
    return timer;
  }
}
