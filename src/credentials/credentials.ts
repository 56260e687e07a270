import type { Job } from '../jobs/job.ts';
import { tracedAuthority } from '../leases/authority.ts';
import type { Settings } from '../options.ts';
import type { Ledger } from '../records/ledger.ts';
import { ArcpError } from '../wire/errors.ts';
import { mintId } from '../wire/ids.ts';
import type { Credential } from '../wire/messages.ts';
import { type CredentialRequest, checkCredential, checkIssued, faultOf, readableIds } from './provisioner.ts';
import { Revocations } from './revocations.ts';

/** Values that a job's credentials may have had, rotated ones included: each is looked for in all that it says. */
const valuesMax = 1000;

/** A job that is to have credentials: also one that is not there yet. */
export type Provisioned = Pick<Job, 'id' | 'principal' | 'accepted' | 'authority' | 'traceId'>;

/**
 * The credentials that jobs have of services upstream (§9.8): issued before a job is accepted, rotated when its agent asks,
 * revoked at its end. Values are held by their job, in memory, and by nobody else.
 */
export class Credentials {
  readonly #settings: Settings;
  readonly revocations: Revocations;
  /** By job and id, so that two who ask for a rotation get the same one. */
  readonly #rotations = new Map<string, Promise<Credential>>();
  readonly #revoked = new WeakMap<Job, Promise<void>>();

  constructor(settings: Settings, ledger: Ledger) {
    this.#settings = settings;
    this.revocations = new Revocations(settings, ledger);
  }

  /** Issues what a job is to have; rejects with the `ArcpError` that refuses the submit, nothing being left upstream. */
  async issue(job: Provisioned): Promise<readonly Credential[]> {
    const { provisioner } = this.#settings;
    if (!provisioner) return [];
    if (!this.revocations.hasRoom()) throw refusal('too many credentials wait for their revocation');
    const minted = new Set<string>();
    const request = this.#requestOf(job, minted);
    const returned = this.revocations.call(
      (call) => provisioner.issue(request, call),
      // Nobody waited for it: whatever it made is in nobody's hands.
      (late) => this.#takeBackAnew(job, [...minted, ...readableIds(late)]),
    );
    let issued: unknown;
    try {
      issued = await returned;
      const credentials = checkIssued(issued);
      const foreign = credentials.find(({ id }) => !this.revocations.expect(id, job.id));
      if (foreign) throw new TypeError("issue() returned an id that another job's credential has");
      const kept = new Set(credentials.map(({ id }) => id));
      void this.#takeBack(
        job,
        [...minted].filter((id) => !kept.has(id)),
      );
      return credentials;
    } catch (error) {
      void this.#takeBack(job, [...minted, ...readableIds(issued)]);
      this.#settings.log.error({ jobId: job.id, ...faultOf(error) }, 'credentials could not be issued');
      const code = error instanceof ArcpError ? error.code : 'INTERNAL_ERROR';
      throw refusal('the credentials of this job could not be issued', code);
    }
  }

  /** Gives a job's credential another value (§9.8.2), and tells its submitter. */
  rotate(job: Job, id: string): Promise<Credential> {
    const key = `${job.id} ${id}`;
    const rotation = this.#rotations.get(key) ?? this.#rotate(job, id).finally(() => this.#rotations.delete(key));
    this.#rotations.set(key, rotation);
    // An agent that does not wait for it is not to end the process by its failure.
    rotation.catch(() => {});
    return rotation;
  }

  /** Revokes all that a job has, once; resolves when none of it is worth anything, however long that takes. */
  revoke(job: Job): Promise<void> {
    const revoked = this.#revoked.get(job) ?? this.#revoke(job);
    this.#revoked.set(job, revoked);
    return revoked;
  }

  async #revoke(job: Job): Promise<void> {
    const ids = job.credentials.map(({ id }) => id);
    // A rotation that is under way would put a new value behind the revocation.
    await Promise.allSettled(ids.map((id) => this.#rotations.get(`${job.id} ${id}`)));
    await this.#takeBack(job, ids);
  }

  async #rotate(job: Job, id: string): Promise<Credential> {
    const { provisioner, log } = this.#settings;
    const rotate = provisioner?.rotate;
    const credential = job.credentials.find((held) => held.id === id);
    if (!credential) throw new ArcpError('INVALID_REQUEST', 'rotateCredential(): this job has no such credential');
    if (!provisioner || !rotate) {
      throw new ArcpError('INVALID_REQUEST', 'rotateCredential(): the provisioner cannot rotate');
    }
    if (job.secrets.count >= valuesMax) {
      throw new ArcpError('INVALID_REQUEST', `rotateCredential(): a job has ${valuesMax} values at most`);
    }
    if (job.isEnding) throw new ArcpError('CANCELLED', 'rotateCredential(): the job is at its end');
    const taken = (given: object): Credential => {
      const rotated = checkCredential({ ...credential, ...given, id });
      if (!job.isEnding) job.takeRotated(rotated);
      return rotated;
    };
    // What comes when nobody waits is the value it has all the same; behind the end, it was not there to be taken back.
    const late = (given: unknown) => {
      if (job.isEnding) this.#takeBackAnew(job, [id]);
      else if (typeof given === 'object' && given !== null && !(given instanceof Error)) taken(given);
    };
    try {
      return taken(await this.revocations.call((call) => rotate.call(provisioner, { ...credential }, call), late));
    } catch (error) {
      log.error({ jobId: job.id, credentialId: id, ...faultOf(error) }, 'a credential could not be rotated');
      throw refusal('the credential could not be rotated');
    }
  }

  #takeBackAnew(job: Provisioned, ids: readonly string[]): void {
    for (const id of ids) void this.revocations.revokeAnew(id, job.id);
  }

  #takeBack(job: Provisioned, ids: readonly string[]): Promise<unknown> {
    return Promise.all(ids.map((id) => this.revocations.revoke(id, job.id)));
  }

  #requestOf(job: Provisioned, minted: Set<string>): CredentialRequest {
    const { agent, lease } = job.accepted;
    return {
      jobId: job.id,
      principal: job.principal,
      agent,
      lease,
      ...tracedAuthority(job.authority),
      traceId: job.traceId,
      mintId: () => {
        const id = mintId('cred');
        minted.add(id);
        this.revocations.expect(id, job.id);
        return id;
      },
    };
  }
}

function refusal(message: string, code: ArcpError['code'] = 'INTERNAL_ERROR'): ArcpError {
  return new ArcpError(code, message, { reason: 'credentials' });
}
